import type { Index, MemberId } from './entry.ts';
import { EMPTY_MEMBERSHIP } from './membership.ts';
import type { Membership } from './membership.ts';
import { Progress } from './progress.ts';
import type { InflightLimits, ProgressMap } from './progress.ts';
import { jointIndex, jointVote } from './quorum.ts';
import type { VoteResult } from './quorum.ts';

/** An election so far, among the current voters. */
export interface Tally {
  readonly granted: number;
  readonly rejected: number;
  readonly result: VoteResult;
}

/** The membership, each member's progress, and the votes of the election under way. */
export class Tracker {
  readonly limits: InflightLimits;
  #membership: Membership = EMPTY_MEMBERSHIP;
  /** In ascending order of ids, so that what is sent to all is sent in a known order. */
  #progress: ProgressMap = new Map();
  #votes = new Map<MemberId, boolean>();

  constructor(limits: InflightLimits) {
    this.limits = limits;
  }

  get membership(): Membership {
    return this.#membership;
  }

  /** In ascending order of ids. */
  get progress(): ProgressMap {
    return this.#progress;
  }

  /** Puts another membership in force. */
  install(membership: Membership, progress: ProgressMap): void {
    this.#membership = membership;
    this.#progress = new Map([...progress].sort(([a], [b]) => a - b));
  }

  /** Forgets all progress and votes, for a new term: everyone may or may not hold what we hold. */
  reset(self: MemberId, lastIndex: Index): void {
    this.resetVotes();
    const fresh = new Map<MemberId, Progress>();
    for (const [id, { isLearner }] of this.#progress) {
      const progress = new Progress(lastIndex + 1, isLearner, this.limits);
      if (id === self) progress.match = lastIndex;
      fresh.set(id, progress);
    }
    this.#progress = fresh;
  }

  /** Whether one voter decides alone. */
  get isSingleton(): boolean {
    const { incoming, outgoing } = this.#membership.voters;
    return incoming.size === 1 && outgoing.size === 0;
  }

  /** The highest index that a quorum holds durably. */
  committed(): Index {
    return jointIndex(this.#membership.voters, (id) => this.#progress.get(id)?.match);
  }

  /** Whether a quorum of voters was heard from since the last check. */
  isQuorumActive(): boolean {
    const active = new Map<MemberId, boolean>();
    for (const [id, progress] of this.#progress) {
      if (!progress.isLearner) active.set(id, progress.isRecentlyActive);
    }
    return jointVote(this.#membership.voters, active) === 'won';
  }

  resetVotes(): void {
    this.#votes = new Map();
  }

  /** Notes a vote; a second one of the same member does not count. */
  recordVote(id: MemberId, isGranted: boolean): void {
    if (!this.#votes.has(id)) this.#votes.set(id, isGranted);
  }

  tally(): Tally {
    let granted = 0;
    let rejected = 0;
    for (const [id, progress] of this.#progress) {
      const vote = progress.isLearner ? undefined : this.#votes.get(id);
      if (vote === true) granted += 1;
      if (vote === false) rejected += 1;
    }
    return { granted, rejected, result: jointVote(this.#membership.voters, this.#votes) };
  }
}
