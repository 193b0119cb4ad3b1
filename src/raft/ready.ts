import type { Entry, Index, MemberId } from './entry.ts';
import type { Message } from './message.ts';
import type { Snapshot } from './snapshot.ts';
import type { HardState } from './storage.ts';

/** What a member is at the moment, by etcd's names. */
export type Role = 'StateFollower' | 'StatePreCandidate' | 'StateCandidate' | 'StateLeader';

/** Who leads and what this member is: not stored, only told. */
export interface SoftState {
  readonly lead: MemberId;
  readonly role: Role;
}

/** The answer to `readIndex(context)`: once the owner has applied `index`, it may serve that read. */
export interface ReadState {
  readonly index: Index;
  readonly context: Uint8Array;
}

/**
 * Work for the owner. Without `asyncStorageWrites`, in this order: store `hardState`, `entries` and `snapshot`
 * (durably if `mustSync`), then send `messages`, then apply `committedEntries`, then call `advance()`.
 *
 * With it, `entries`, `hardState`, `snapshot` and `committedEntries` only inform: the same work is in `messages`, as
 * `MsgStorageAppend` and `MsgStorageApply`, each with the responses to deliver when it is done.
 */
export interface Ready {
  /** null if unchanged since the last one. */
  readonly softState: SoftState | null;
  /** null if unchanged since the last one. */
  readonly hardState: HardState | null;
  readonly readStates: readonly ReadState[];
  /** To be written to the stable log; an entry replaces what stood at its index and cuts what stood after it. */
  readonly entries: readonly Entry[];
  /** Replaces the whole log and state of the owner. Never together with `committedEntries`. */
  readonly snapshot: Snapshot | null;
  readonly committedEntries: readonly Entry[];
  readonly messages: readonly Message[];
  /** Whether the writes must be durable before `messages` go out: entries, vote or term changed. */
  readonly mustSync: boolean;
}
