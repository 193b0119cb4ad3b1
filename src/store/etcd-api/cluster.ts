import { field, message, present, repeated } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { responseHeader } from './response-header.ts';
import type { ResponseHeader } from './response-header.ts';

/** One member. Its name and client URLs are empty until it has started once. */
export interface Member {
  readonly id: bigint;
  readonly name: string;
  readonly peerUrls: readonly string[];
  readonly clientUrls: readonly string[];
  readonly isLearner: boolean;
}
/** The wire form of `Member`. */
const member: MessageType<Member> = message<Member>('Member', {
  id: field(1, 'biguint64'),
  name: field(2, 'string'),
  peerUrls: repeated(3, 'string'),
  clientUrls: repeated(4, 'string'),
  isLearner: field(5, 'bool'),
});

/** Adds a member that is not running yet; as a learner it does not vote. */
export interface MemberAddRequest {
  readonly peerUrls: readonly string[];
  readonly isLearner: boolean;
}
/** The wire form of `MemberAddRequest`. */
const memberAddRequest: MessageType<MemberAddRequest> = message<MemberAddRequest>('MemberAddRequest', {
  peerUrls: repeated(1, 'string'),
  isLearner: field(2, 'bool'),
});

/** The member as added, and all members. */
export interface MemberAddResponse {
  readonly header: ResponseHeader;
  readonly member: Member | undefined;
  readonly members: readonly Member[];
}
/** The wire form of `MemberAddResponse`. */
const memberAddResponse: MessageType<MemberAddResponse> = message<MemberAddResponse>('MemberAddResponse', {
  header: present(1, responseHeader),
  member: field(2, member),
  members: repeated(3, member),
});

/** Takes a member out for good. */
export interface MemberRemoveRequest {
  readonly id: bigint;
}
/** The wire form of `MemberRemoveRequest`. */
const memberRemoveRequest: MessageType<MemberRemoveRequest> = message<MemberRemoveRequest>('MemberRemoveRequest', {
  id: field(1, 'biguint64'),
});

/** The members that remain. */
export interface MemberRemoveResponse {
  readonly header: ResponseHeader;
  readonly members: readonly Member[];
}
/** The wire form of `MemberRemoveResponse`. */
const memberRemoveResponse: MessageType<MemberRemoveResponse> = message<MemberRemoveResponse>('MemberRemoveResponse', {
  header: present(1, responseHeader),
  members: repeated(2, member),
});

/** Gives a member other peer URLs. */
export interface MemberUpdateRequest {
  readonly id: bigint;
  readonly peerUrls: readonly string[];
}
/** The wire form of `MemberUpdateRequest`. */
const memberUpdateRequest: MessageType<MemberUpdateRequest> = message<MemberUpdateRequest>('MemberUpdateRequest', {
  id: field(1, 'biguint64'),
  peerUrls: repeated(2, 'string'),
});

/** All members. */
export interface MemberUpdateResponse {
  readonly header: ResponseHeader;
  readonly members: readonly Member[];
}
/** The wire form of `MemberUpdateResponse`. */
const memberUpdateResponse: MessageType<MemberUpdateResponse> = message<MemberUpdateResponse>('MemberUpdateResponse', {
  header: present(1, responseHeader),
  members: repeated(2, member),
});

/** `linearizable`: only after a round trip with a majority. */
export interface MemberListRequest {
  readonly linearizable: boolean;
}
/** The wire form of `MemberListRequest`. */
const memberListRequest: MessageType<MemberListRequest> = message<MemberListRequest>('MemberListRequest', {
  linearizable: field(1, 'bool'),
});

/** All members. */
export interface MemberListResponse {
  readonly header: ResponseHeader;
  readonly members: readonly Member[];
}
/** The wire form of `MemberListResponse`. */
const memberListResponse: MessageType<MemberListResponse> = message<MemberListResponse>('MemberListResponse', {
  header: present(1, responseHeader),
  members: repeated(2, member),
});

/** Lets a learner vote. */
export interface MemberPromoteRequest {
  readonly id: bigint;
}
/** The wire form of `MemberPromoteRequest`. */
const memberPromoteRequest: MessageType<MemberPromoteRequest> = message<MemberPromoteRequest>('MemberPromoteRequest', {
  id: field(1, 'biguint64'),
});

/** All members. */
export interface MemberPromoteResponse {
  readonly header: ResponseHeader;
  readonly members: readonly Member[];
}
/** The wire form of `MemberPromoteResponse`. */
const memberPromoteResponse: MessageType<MemberPromoteResponse> = message<MemberPromoteResponse>(
  'MemberPromoteResponse',
  {
    header: present(1, responseHeader),
    members: repeated(2, member),
  },
);
/** The service etcdserverpb.Cluster. */
export const CLUSTER = {
  memberAdd: grpcMethod('/etcdserverpb.Cluster/MemberAdd', memberAddRequest, memberAddResponse),
  memberRemove: grpcMethod('/etcdserverpb.Cluster/MemberRemove', memberRemoveRequest, memberRemoveResponse),
  memberUpdate: grpcMethod('/etcdserverpb.Cluster/MemberUpdate', memberUpdateRequest, memberUpdateResponse),
  memberList: grpcMethod('/etcdserverpb.Cluster/MemberList', memberListRequest, memberListResponse),
  memberPromote: grpcMethod('/etcdserverpb.Cluster/MemberPromote', memberPromoteRequest, memberPromoteResponse),
};
