import { field, message, present, repeated } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { responseHeader } from './response-header.ts';
import type { ResponseHeader } from './response-header.ts';

/** `ttl` in seconds; `id` 0 lets the server choose. */
export interface LeaseGrantRequest {
  readonly ttl: number;
  readonly id: bigint;
}
/** The wire form of `LeaseGrantRequest`. */
export const leaseGrantRequest: MessageType<LeaseGrantRequest> = message<LeaseGrantRequest>('LeaseGrantRequest', {
  ttl: field(1, 'int64'),
  id: field(2, 'bigint64'),
});

/** The lease as granted; `error` is never set by etcd 3. */
export interface LeaseGrantResponse {
  readonly header: ResponseHeader;
  readonly id: bigint;
  readonly ttl: number;
  readonly error: string;
}
/** The wire form of `LeaseGrantResponse`. */
const leaseGrantResponse: MessageType<LeaseGrantResponse> = message<LeaseGrantResponse>('LeaseGrantResponse', {
  header: present(1, responseHeader),
  id: field(2, 'bigint64'),
  ttl: field(3, 'int64'),
  error: field(4, 'string'),
});

/** Ends a lease and deletes its keys. */
export interface LeaseRevokeRequest {
  readonly id: bigint;
}
/** The wire form of `LeaseRevokeRequest`. */
export const leaseRevokeRequest: MessageType<LeaseRevokeRequest> = message<LeaseRevokeRequest>('LeaseRevokeRequest', {
  id: field(1, 'bigint64'),
});

/** The keys are deleted. */
export interface LeaseRevokeResponse {
  readonly header: ResponseHeader;
}
/** The wire form of `LeaseRevokeResponse`. */
const leaseRevokeResponse: MessageType<LeaseRevokeResponse> = message<LeaseRevokeResponse>('LeaseRevokeResponse', {
  header: present(1, responseHeader),
});

/** Renews a lease for its full time. */
export interface LeaseKeepAliveRequest {
  readonly id: bigint;
}
/** The wire form of `LeaseKeepAliveRequest`. */
const leaseKeepAliveRequest: MessageType<LeaseKeepAliveRequest> = message<LeaseKeepAliveRequest>(
  'LeaseKeepAliveRequest',
  {
    id: field(1, 'bigint64'),
  },
);

/** `ttl` 0: there is no such lease any more. */
export interface LeaseKeepAliveResponse {
  readonly header: ResponseHeader;
  readonly id: bigint;
  readonly ttl: number;
}
/** The wire form of `LeaseKeepAliveResponse`. */
const leaseKeepAliveResponse: MessageType<LeaseKeepAliveResponse> = message<LeaseKeepAliveResponse>(
  'LeaseKeepAliveResponse',
  {
    header: present(1, responseHeader),
    id: field(2, 'bigint64'),
    ttl: field(3, 'int64'),
  },
);

/** Asks for the rest of a lease, with `keys` for its keys. */
export interface LeaseTimeToLiveRequest {
  readonly id: bigint;
  readonly keys: boolean;
}
/** The wire form of `LeaseTimeToLiveRequest`. */
const leaseTimeToLiveRequest: MessageType<LeaseTimeToLiveRequest> = message<LeaseTimeToLiveRequest>(
  'LeaseTimeToLiveRequest',
  {
    id: field(1, 'bigint64'),
    keys: field(2, 'bool'),
  },
);

/** Seconds left in `ttl`; -1: there is no such lease. */
export interface LeaseTimeToLiveResponse {
  readonly header: ResponseHeader;
  readonly id: bigint;
  readonly ttl: number;
  readonly grantedTtl: number;
  readonly keys: readonly Buffer[];
}
/** The wire form of `LeaseTimeToLiveResponse`. */
const leaseTimeToLiveResponse: MessageType<LeaseTimeToLiveResponse> = message<LeaseTimeToLiveResponse>(
  'LeaseTimeToLiveResponse',
  {
    header: present(1, responseHeader),
    id: field(2, 'bigint64'),
    ttl: field(3, 'int64'),
    grantedTtl: field(4, 'int64'),
    keys: repeated(5, 'bytes'),
  },
);

/** Asks for all leases. */
export interface LeaseLeasesRequest {}
/** The wire form of `LeaseLeasesRequest`. */
const leaseLeasesRequest: MessageType<LeaseLeasesRequest> = message<LeaseLeasesRequest>('LeaseLeasesRequest', {});

/** One lease of the list. */
export interface LeaseStatus {
  readonly id: bigint;
}
/** The wire form of `LeaseStatus`. */
const leaseStatus: MessageType<LeaseStatus> = message<LeaseStatus>('LeaseStatus', {
  id: field(1, 'bigint64'),
});

/** All leases. */
export interface LeaseLeasesResponse {
  readonly header: ResponseHeader;
  readonly leases: readonly LeaseStatus[];
}
/** The wire form of `LeaseLeasesResponse`. */
const leaseLeasesResponse: MessageType<LeaseLeasesResponse> = message<LeaseLeasesResponse>('LeaseLeasesResponse', {
  header: present(1, responseHeader),
  leases: repeated(2, leaseStatus),
});
/** The service etcdserverpb.Lease. */
export const LEASE = {
  grant: grpcMethod('/etcdserverpb.Lease/LeaseGrant', leaseGrantRequest, leaseGrantResponse),
  revoke: grpcMethod('/etcdserverpb.Lease/LeaseRevoke', leaseRevokeRequest, leaseRevokeResponse),
  keepAlive: grpcMethod('/etcdserverpb.Lease/LeaseKeepAlive', leaseKeepAliveRequest, leaseKeepAliveResponse),
  timeToLive: grpcMethod('/etcdserverpb.Lease/LeaseTimeToLive', leaseTimeToLiveRequest, leaseTimeToLiveResponse),
  leases: grpcMethod('/etcdserverpb.Lease/LeaseLeases', leaseLeasesRequest, leaseLeasesResponse),
};
