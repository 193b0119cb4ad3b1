import { EMPTY, NONE } from './entry.ts';
import type { Entry, Index, MemberId, Term } from './entry.ts';
import type { Snapshot } from './snapshot.ts';

/** Target of `MsgStorageAppend`: whoever writes the log to the disk. */
export const LOCAL_APPEND_THREAD: MemberId = Number.MAX_SAFE_INTEGER;

/** Target of `MsgStorageApply`: whoever applies committed entries to the owner's state. */
export const LOCAL_APPLY_THREAD: MemberId = Number.MAX_SAFE_INTEGER - 1;

/** Every kind of message, by the names of etcd's raftpb, which say more to an operator than new ones would. */
export type MessageType =
  | 'MsgHup'
  | 'MsgBeat'
  | 'MsgProp'
  | 'MsgApp'
  | 'MsgAppResp'
  | 'MsgVote'
  | 'MsgVoteResp'
  | 'MsgSnap'
  | 'MsgHeartbeat'
  | 'MsgHeartbeatResp'
  | 'MsgUnreachable'
  | 'MsgSnapStatus'
  | 'MsgCheckQuorum'
  | 'MsgTransferLeader'
  | 'MsgTimeoutNow'
  | 'MsgReadIndex'
  | 'MsgReadIndexResp'
  | 'MsgPreVote'
  | 'MsgPreVoteResp'
  | 'MsgStorageAppend'
  | 'MsgStorageAppendResp'
  | 'MsgStorageApply'
  | 'MsgStorageApplyResp'
  | 'MsgForgetLeader';

/**
 * A message between members, or between a member and its storage threads. Immutable.
 *
 * One flat shape for all types, as on etcd's wire: a field that a type does not use holds its zero value.
 */
export interface Message {
  readonly type: MessageType;
  readonly to: MemberId;
  readonly from: MemberId;
  /** The sender's term; 0 on messages that count in no term: proposals, read requests, local ones. */
  readonly term: Term;
  /** Term of the entry at `index`. */
  readonly logTerm: Term;
  /** MsgApp: the entry before `entries`. Votes: the candidate's last. MsgAppResp: last one held, or the one refused. */
  readonly index: Index;
  readonly entries: readonly Entry[];
  readonly commit: Index;
  /** MsgStorageAppend: the vote to store. */
  readonly vote: MemberId;
  readonly snapshot: Snapshot | null;
  readonly reject: boolean;
  /** A refusing follower's guess of the last index where the logs agree. */
  readonly rejectHint: Index;
  /** Returned unchanged by whoever answers. */
  readonly context: Uint8Array;
  /** MsgStorageAppend and MsgStorageApply: to be delivered once the work is done (and durable, for an append). */
  readonly responses: readonly Message[];
}

/** What differs from a message of zeroes. */
export type MessageFields = Partial<Message> & Pick<Message, 'type'>;

/** A whole message: fields left out are zero, empty or null. */
export function createMessage(fields: MessageFields): Message {
  return {
    type: fields.type,
    to: fields.to ?? NONE,
    from: fields.from ?? NONE,
    term: fields.term ?? 0,
    logTerm: fields.logTerm ?? 0,
    index: fields.index ?? 0,
    entries: fields.entries ?? [],
    commit: fields.commit ?? 0,
    vote: fields.vote ?? NONE,
    snapshot: fields.snapshot ?? null,
    reject: fields.reject ?? false,
    rejectHint: fields.rejectHint ?? 0,
    context: fields.context ?? EMPTY,
    responses: fields.responses ?? [],
  };
}

const LOCAL: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgHup',
  'MsgBeat',
  'MsgUnreachable',
  'MsgSnapStatus',
  'MsgCheckQuorum',
  'MsgStorageAppend',
  'MsgStorageAppendResp',
  'MsgStorageApply',
  'MsgStorageApplyResp',
]);

const RESPONSES: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgAppResp',
  'MsgVoteResp',
  'MsgHeartbeatResp',
  'MsgUnreachable',
  'MsgReadIndexResp',
  'MsgPreVoteResp',
  'MsgStorageAppendResp',
  'MsgStorageApplyResp',
]);

/** Whether the type must never come from the network. */
export function isLocalMessage(type: MessageType): boolean {
  return LOCAL.has(type);
}

/** Whether the type answers an earlier message, so that a sender outside the group has no business with it. */
export function isResponseMessage(type: MessageType): boolean {
  return RESPONSES.has(type);
}

/** Whether the id is one of the storage threads, not a member. */
export function isLocalThread(id: MemberId): boolean {
  return id === LOCAL_APPEND_THREAD || id === LOCAL_APPLY_THREAD;
}
