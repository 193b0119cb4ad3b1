import { EMPTY } from './entry.ts';
import type { Index, MemberId, Term } from './entry.ts';

/** The membership as it is stored in a snapshot: who votes, who learns, and what a joint configuration is leaving. */
export interface ConfState {
  readonly voters: readonly MemberId[];
  /** Voters of the configuration being left; empty unless joint. */
  readonly votersOutgoing: readonly MemberId[];
  readonly learners: readonly MemberId[];
  /** Voters still in `votersOutgoing` that become learners when the joint configuration is left. */
  readonly learnersNext: readonly MemberId[];
  /** Leave the joint configuration without being asked. */
  readonly autoLeave: boolean;
}

/** The owner's state after `index` was applied; `data` is opaque here, and may be a mere reference to the real thing. */
export interface Snapshot {
  readonly index: Index;
  readonly term: Term;
  readonly confState: ConfState;
  readonly data: Uint8Array;
}

/** A configuration without members. */
export const EMPTY_CONF_STATE: ConfState = {
  voters: [],
  votersOutgoing: [],
  learners: [],
  learnersNext: [],
  autoLeave: false,
};

/** The state before any entry. */
export const EMPTY_SNAPSHOT: Snapshot = { index: 0, term: 0, confState: EMPTY_CONF_STATE, data: EMPTY };

/** Whether both name the same members in the same parts, in any order. */
export function isSameConfState(left: ConfState, right: ConfState): boolean {
  const text = (ids: readonly MemberId[]) => ids.toSorted((a, b) => a - b).join(' ');
  return (
    text(left.voters) === text(right.voters) &&
    text(left.votersOutgoing) === text(right.votersOutgoing) &&
    text(left.learners) === text(right.learners) &&
    text(left.learnersNext) === text(right.learnersNext) &&
    left.autoLeave === right.autoLeave
  );
}
