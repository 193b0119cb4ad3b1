import { field, message, present, repeated } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { responseHeader } from './response-header.ts';
import type { ResponseHeader } from './response-header.ts';

/** Asks one member about itself. */
export interface StatusRequest {}
/** The wire form of `StatusRequest`. */
const statusRequest: MessageType<StatusRequest> = message<StatusRequest>('StatusRequest', {});

/** Whether the cluster is being downgraded, and to what. */
export interface DowngradeInfo {
  readonly enabled: boolean;
  readonly targetVersion: string;
}
/** The wire form of `DowngradeInfo`. */
const downgradeInfo: MessageType<DowngradeInfo> = message<DowngradeInfo>('DowngradeInfo', {
  enabled: field(1, 'bool'),
  targetVersion: field(2, 'string'),
});

/** How one member is; sizes in bytes, `errors` are its alarms in words. */
export interface StatusResponse {
  readonly header: ResponseHeader;
  readonly version: string;
  readonly dbSize: number;
  readonly leader: bigint;
  readonly raftIndex: number;
  readonly raftTerm: number;
  readonly raftAppliedIndex: number;
  readonly errors: readonly string[];
  readonly dbSizeInUse: number;
  readonly isLearner: boolean;
  readonly storageVersion: string;
  readonly dbSizeQuota: number;
  readonly downgradeInfo: DowngradeInfo | undefined;
}
/** The wire form of `StatusResponse`. */
const statusResponse: MessageType<StatusResponse> = message<StatusResponse>('StatusResponse', {
  header: present(1, responseHeader),
  version: field(2, 'string'),
  dbSize: field(3, 'int64'),
  leader: field(4, 'biguint64'),
  raftIndex: field(5, 'uint64'),
  raftTerm: field(6, 'uint64'),
  raftAppliedIndex: field(7, 'uint64'),
  errors: repeated(8, 'string'),
  dbSizeInUse: field(9, 'int64'),
  isLearner: field(10, 'bool'),
  storageVersion: field(11, 'string'),
  dbSizeQuota: field(12, 'int64'),
  downgradeInfo: field(13, downgradeInfo),
});

/** Lists, raises or clears alarms (`ALARM_ACTION`, `ALARM_TYPE`). */
export interface AlarmRequest {
  readonly action: number;
  readonly memberId: bigint;
  readonly alarm: number;
}
/** The wire form of `AlarmRequest`. */
export const alarmRequest: MessageType<AlarmRequest> = message<AlarmRequest>('AlarmRequest', {
  action: field(1, 'int32'),
  memberId: field(2, 'biguint64'),
  alarm: field(3, 'int32'),
});

/** One alarm of one member. */
export interface AlarmMember {
  readonly memberId: bigint;
  readonly alarm: number;
}
/** The wire form of `AlarmMember`. */
export const alarmMember: MessageType<AlarmMember> = message<AlarmMember>('AlarmMember', {
  memberId: field(1, 'biguint64'),
  alarm: field(2, 'int32'),
});

/** The alarms concerned. */
export interface AlarmResponse {
  readonly header: ResponseHeader;
  readonly alarms: readonly AlarmMember[];
}
/** The wire form of `AlarmResponse`. */
const alarmResponse: MessageType<AlarmResponse> = message<AlarmResponse>('AlarmResponse', {
  header: present(1, responseHeader),
  alarms: repeated(2, alarmMember),
});

/** Gives back unused space. */
export interface DefragmentRequest {}
/** The wire form of `DefragmentRequest`. */
const defragmentRequest: MessageType<DefragmentRequest> = message<DefragmentRequest>('DefragmentRequest', {});

/** Done. */
export interface DefragmentResponse {
  readonly header: ResponseHeader;
}
/** The wire form of `DefragmentResponse`. */
const defragmentResponse: MessageType<DefragmentResponse> = message<DefragmentResponse>('DefragmentResponse', {
  header: present(1, responseHeader),
});

/** Asks for a hash over the whole store. */
export interface HashRequest {}
/** The wire form of `HashRequest`. */
const hashRequest: MessageType<HashRequest> = message<HashRequest>('HashRequest', {});

/** CRC-32C over the whole store. */
export interface HashResponse {
  readonly header: ResponseHeader;
  readonly hash: number;
}
/** The wire form of `HashResponse`. */
const hashResponse: MessageType<HashResponse> = message<HashResponse>('HashResponse', {
  header: present(1, responseHeader),
  hash: field(2, 'uint32'),
});

/** Asks for a hash over the history up to `revision` (0: all). */
export interface HashKvRequest {
  readonly revision: number;
}
/** The wire form of `HashKvRequest`. */
const hashKvRequest: MessageType<HashKvRequest> = message<HashKvRequest>('HashKVRequest', {
  revision: field(1, 'int64'),
});

/** CRC-32C over the history after `compactRevision` up to `hashRevision`. */
export interface HashKvResponse {
  readonly header: ResponseHeader;
  readonly hash: number;
  readonly compactRevision: number;
  readonly hashRevision: number;
}
/** The wire form of `HashKvResponse`. */
const hashKvResponse: MessageType<HashKvResponse> = message<HashKvResponse>('HashKVResponse', {
  header: present(1, responseHeader),
  hash: field(2, 'uint32'),
  compactRevision: field(3, 'int64'),
  hashRevision: field(4, 'int64'),
});

/** Asks for the whole state as a file. */
export interface SnapshotRequest {}
/** The wire form of `SnapshotRequest`. */
const snapshotRequest: MessageType<SnapshotRequest> = message<SnapshotRequest>('SnapshotRequest', {});

/** One piece of the file. */
export interface SnapshotResponse {
  readonly header: ResponseHeader;
  readonly remainingBytes: number;
  readonly blob: Buffer;
  readonly version: string;
}
/** The wire form of `SnapshotResponse`. */
const snapshotResponse: MessageType<SnapshotResponse> = message<SnapshotResponse>('SnapshotResponse', {
  header: present(1, responseHeader),
  remainingBytes: field(2, 'uint64'),
  blob: field(3, 'bytes'),
  version: field(4, 'string'),
});

/** Hands leadership to a member. */
export interface MoveLeaderRequest {
  readonly targetId: bigint;
}
/** The wire form of `MoveLeaderRequest`. */
const moveLeaderRequest: MessageType<MoveLeaderRequest> = message<MoveLeaderRequest>('MoveLeaderRequest', {
  targetId: field(1, 'biguint64'),
});

/** The other member leads. */
export interface MoveLeaderResponse {
  readonly header: ResponseHeader;
}
/** The wire form of `MoveLeaderResponse`. */
const moveLeaderResponse: MessageType<MoveLeaderResponse> = message<MoveLeaderResponse>('MoveLeaderResponse', {
  header: present(1, responseHeader),
});

/** Prepares for older members. */
export interface DowngradeRequest {
  readonly action: number;
  readonly version: string;
}
/** The wire form of `DowngradeRequest`. */
const downgradeRequest: MessageType<DowngradeRequest> = message<DowngradeRequest>('DowngradeRequest', {
  action: field(1, 'int32'),
  version: field(2, 'string'),
});

/** The version of the cluster. */
export interface DowngradeResponse {
  readonly header: ResponseHeader;
  readonly version: string;
}
/** The wire form of `DowngradeResponse`. */
const downgradeResponse: MessageType<DowngradeResponse> = message<DowngradeResponse>('DowngradeResponse', {
  header: present(1, responseHeader),
  version: field(2, 'string'),
});
/** Values of `AlarmRequest.action`. */
export const ALARM_ACTION = { get: 0, activate: 1, deactivate: 2 } as const;
/** Values of `AlarmRequest.alarm` and `AlarmMember.alarm`. */
export const ALARM_TYPE = { none: 0, noSpace: 1, corrupt: 2 } as const;

/** The service etcdserverpb.Maintenance. */
export const MAINTENANCE = {
  alarm: grpcMethod('/etcdserverpb.Maintenance/Alarm', alarmRequest, alarmResponse),
  status: grpcMethod('/etcdserverpb.Maintenance/Status', statusRequest, statusResponse),
  defragment: grpcMethod('/etcdserverpb.Maintenance/Defragment', defragmentRequest, defragmentResponse),
  hash: grpcMethod('/etcdserverpb.Maintenance/Hash', hashRequest, hashResponse),
  hashKv: grpcMethod('/etcdserverpb.Maintenance/HashKV', hashKvRequest, hashKvResponse),
  snapshot: grpcMethod('/etcdserverpb.Maintenance/Snapshot', snapshotRequest, snapshotResponse),
  moveLeader: grpcMethod('/etcdserverpb.Maintenance/MoveLeader', moveLeaderRequest, moveLeaderResponse),
  downgrade: grpcMethod('/etcdserverpb.Maintenance/Downgrade', downgradeRequest, downgradeResponse),
};
