import type { Entry, Index, MemberId, Term } from './entry.ts';
import type { ConfState, Snapshot } from './snapshot.ts';

/** What a member must find again after a restart (Raft paper figure 2); the commit index only saves time. */
export interface HardState {
  readonly term: Term;
  readonly vote: MemberId;
  readonly commit: Index;
}

/** The state of a member that has never stored any. */
export const EMPTY_HARD_STATE: HardState = { term: 0, vote: 0, commit: 0 };

/** Whether both hold the same values. */
export function isSameHardState(left: HardState, right: HardState): boolean {
  return left.term === right.term && left.vote === right.vote && left.commit === right.commit;
}

/** Whether nothing is in it. */
export function isEmptyHardState(state: HardState): boolean {
  return isSameHardState(state, EMPTY_HARD_STATE);
}

/**
 * The stable log, as the core reads it; the owner writes it, on `Ready`.
 *
 * Calls are synchronous and see exactly what the owner has written (durable or not): an entry leaves the core's memory
 * once its write was acknowledged, and is read from here afterwards. A disk error is thrown and ends the member.
 */
export interface Storage {
  /** Read once, at start. `confState` is that of the latest snapshot, or of the owner's own record of it. */
  initialState(): { readonly hardState: HardState; readonly confState: ConfState };
  /** First entry that `entries` can still return: one after the compacted part. */
  firstIndex(): Index;
  /** Last entry, or `firstIndex() - 1` if there is none. */
  lastIndex(): Index;
  /** Term of an entry from `firstIndex() - 1` to `lastIndex()`; undefined outside of it. */
  term(index: Index): Term | undefined;
  /**
   * Entries from `lo` to `hi - 1`, cut to `maxBytes` (by `entrySize`) but never to none. The caller does not change
   * the array.
   *
   * @returns undefined when `lo` is compacted
   */
  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | undefined;
  /** The latest snapshot, to be sent to a follower; undefined while it is being made: the core asks again later. */
  snapshot(): Snapshot | undefined;
}
