import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { field, message, optional, repeated } from '../../host/protobuf.ts';
import type { Entry, EntryType } from '../../raft/entry.ts';
import { createMessage } from '../../raft/message.ts';
import type { Message, MessageType as RaftMessageType } from '../../raft/message.ts';
import type { ConfState, Snapshot } from '../../raft/snapshot.ts';
import { confState } from '../log/checkpoint-file.ts';
import { memberInfo } from '../member-info.ts';
import type { MemberInfo } from '../member-info.ts';

interface WireEntry {
  readonly term: number;
  readonly index: number;
  readonly type: number;
  readonly data: Buffer;
}

interface WireSnapshot {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState | undefined;
}

/** A Raft message on the wire; names and meaning as in src/raft/message.ts. */
export interface WireMessage {
  readonly type: number;
  readonly to: number;
  readonly from: number;
  readonly term: number;
  readonly logTerm: number;
  readonly index: number;
  readonly entries: readonly WireEntry[];
  readonly commit: number;
  readonly snapshot: WireSnapshot | undefined;
  readonly reject: boolean;
  readonly rejectHint: number;
  readonly context: Buffer;
}

/** Messages that were sent together. */
export interface PeerMessages {
  readonly clusterId: number;
  readonly messages: readonly WireMessage[];
}

/** One piece of a snapshot: the message first, then the state. */
export interface SnapshotPiece {
  readonly clusterId: number;
  readonly message: WireMessage | undefined;
  readonly state: Buffer;
}

/** Asks a member who it is and whom it knows; what a member that joins begins with. */
export interface ClusterInfo {
  readonly clusterId: number;
  readonly members: readonly MemberInfo[];
  /** Those that do not vote yet. */
  readonly learners: readonly number[];
}

/** What only the leader can answer: exactly one member is set. */
export interface LeaderRequest {
  readonly renewLease: bigint | undefined;
  readonly leaseRemaining: bigint | undefined;
  /** A `MemberChange` as JSON, ids in decimal. */
  readonly changeMembers: string | undefined;
}

/** The leader's answer; failures are etcd's errors. */
export interface LeaderResponse {
  /** Seconds of a renewed lease, or milliseconds that remain. */
  readonly time: number;
  readonly memberId: bigint;
}

interface Nothing {}

const wireEntry = message<WireEntry>('Entry', {
  term: field(1, 'uint64'),
  index: field(2, 'uint64'),
  type: field(3, 'int32'),
  data: field(4, 'bytes'),
});
const wireSnapshot = message<WireSnapshot>('Snapshot', {
  index: field(1, 'uint64'),
  term: field(2, 'uint64'),
  confState: field(3, confState),
});
const wireMessage = message<WireMessage>('Message', {
  type: field(1, 'int32'),
  to: field(2, 'uint64'),
  from: field(3, 'uint64'),
  term: field(4, 'uint64'),
  logTerm: field(5, 'uint64'),
  index: field(6, 'uint64'),
  entries: repeated(7, wireEntry),
  commit: field(8, 'uint64'),
  snapshot: field(9, wireSnapshot),
  reject: field(10, 'bool'),
  rejectHint: field(11, 'uint64'),
  context: field(12, 'bytes'),
});
/** Raft's messages as they travel: see message-stream.ts. */
export const peerMessages = message<PeerMessages>('PeerMessages', {
  clusterId: field(1, 'uint64'),
  messages: repeated(2, wireMessage),
});
const snapshotPiece = message<SnapshotPiece>('SnapshotPiece', {
  clusterId: field(1, 'uint64'),
  message: field(2, wireMessage),
  state: field(3, 'bytes'),
});
const nothing = message<Nothing>('Nothing', {});
const clusterInfo = message<ClusterInfo>('ClusterInfo', {
  clusterId: field(1, 'uint64'),
  members: repeated(2, memberInfo),
  learners: repeated(3, 'uint64'),
});
const leaderRequest = message<LeaderRequest>('LeaderRequest', {
  renewLease: optional(1, 'bigint64'),
  leaseRemaining: optional(2, 'bigint64'),
  changeMembers: optional(3, 'string'),
});
const leaderResponse = message<LeaderResponse>('LeaderResponse', {
  time: field(1, 'int64'),
  memberId: field(2, 'biguint64'),
});

/** What members ask of each other, on the peer port alone; Raft's messages have a stream of their own. */
export const PEER = {
  /** One stream per snapshot; answered when all of it is durable at the receiver. */
  snapshot: grpcMethod('/bramble.store.Peer/Snapshot', snapshotPiece, nothing),
  info: grpcMethod('/bramble.store.Peer/Info', nothing, clusterInfo),
  askLeader: grpcMethod('/bramble.store.Peer/AskLeader', leaderRequest, leaderResponse),
};

/** Numbers on the wire: never reorder, only append. */
const MESSAGE_TYPES: readonly RaftMessageType[] = [
  'MsgProp',
  'MsgApp',
  'MsgAppResp',
  'MsgVote',
  'MsgVoteResp',
  'MsgSnap',
  'MsgHeartbeat',
  'MsgHeartbeatResp',
  'MsgTransferLeader',
  'MsgTimeoutNow',
  'MsgReadIndex',
  'MsgReadIndexResp',
  'MsgPreVote',
  'MsgPreVoteResp',
];
const ENTRY_TYPES: readonly EntryType[] = ['EntryNormal', 'EntryConfChange', 'EntryConfChangeV2'];

/** A Raft message as it travels; the state of a snapshot goes beside it. */
export function toWire(raft: Message): WireMessage {
  const { snapshot } = raft;
  return {
    ...raft,
    type: MESSAGE_TYPES.indexOf(raft.type),
    entries: raft.entries.map((entry) => ({
      ...entry,
      type: ENTRY_TYPES.indexOf(entry.type),
      data: entry.data as Buffer,
    })),
    snapshot:
      snapshot === null ? undefined : { index: snapshot.index, term: snapshot.term, confState: snapshot.confState },
    context: raft.context as Buffer,
  };
}

/** A Raft message as it arrived; undefined if this version does not know its type. */
export function fromWire(wire: WireMessage): Message | undefined {
  const type = MESSAGE_TYPES[wire.type];
  if (type === undefined) return undefined;
  const entries = wire.entries.map((entry): Entry => ({ ...entry, type: ENTRY_TYPES[entry.type] ?? 'EntryNormal' }));
  return createMessage({ ...wire, type, entries, snapshot: snapshotOf(wire.snapshot) });
}

function snapshotOf(wire: WireSnapshot | undefined): Snapshot | null {
  if (wire?.confState === undefined) return null;
  return { index: wire.index, term: wire.term, confState: wire.confState, data: new Uint8Array(0) };
}
