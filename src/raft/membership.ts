import type { MemberId } from './entry.ts';
import { describeMembers, describeVoters } from './quorum.ts';
import type { Voters } from './quorum.ts';
import type { ConfState } from './snapshot.ts';

/**
 * The membership in force. A member is a voter in either half, or a learner, never both; `learnersNext` are voters of
 * the outgoing half that become learners when the joint configuration is left.
 */
export interface Membership {
  readonly voters: Voters;
  readonly learners: ReadonlySet<MemberId>;
  readonly learnersNext: ReadonlySet<MemberId>;
  /** The leader leaves the joint configuration as soon as its entry is applied. */
  readonly autoLeave: boolean;
}

/** Nobody yet. */
export const EMPTY_MEMBERSHIP: Membership = {
  voters: { incoming: new Set(), outgoing: new Set() },
  learners: new Set(),
  learnersNext: new Set(),
  autoLeave: false,
};

/** Whether two majorities decide together. */
export function isJoint({ voters }: Membership): boolean {
  return voters.outgoing.size > 0;
}

/** The membership as a snapshot stores it. */
export function toConfState({ voters, learners, learnersNext, autoLeave }: Membership): ConfState {
  const list = (ids: ReadonlySet<MemberId>) => [...ids].sort((a, b) => a - b);
  return {
    voters: list(voters.incoming),
    votersOutgoing: list(voters.outgoing),
    learners: list(learners),
    learnersNext: list(learnersNext),
    autoLeave,
  };
}

/** As it stands in a line for an operator. */
export function describeMembership({ voters, learners, learnersNext, autoLeave }: Membership): string {
  return [
    `voters=${describeVoters(voters)}`,
    learners.size > 0 ? ` learners=${describeMembers(learners)}` : '',
    learnersNext.size > 0 ? ` learners_next=${describeMembers(learnersNext)}` : '',
    autoLeave ? ' autoleave' : '',
  ].join('');
}
