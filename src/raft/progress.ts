import type { Index } from './entry.ts';
import { Inflights } from './inflights.ts';
import { invariant } from './invariant.ts';

/**
 * How the leader feeds a follower: one message at a time while it does not know where the logs agree (probe), a stream
 * once it does (replicate), nothing while a snapshot is on its way (snapshot).
 */
export type ProgressState = 'StateProbe' | 'StateReplicate' | 'StateSnapshot';

/** What bounds a follower's stream of appends. */
export interface InflightLimits {
  readonly messages: number;
  readonly bytes: number;
}

/** What the leader knows of one member's log, its own included. Meaningful on a leader only. */
export class Progress {
  /** The logs agree up to here, durably. Less than `next`. */
  match: Index = 0;
  /** Next entry to send; what lies between it and `match` is on its way. */
  next: Index;
  state: ProgressState = 'StateProbe';
  /** In StateSnapshot: index of the snapshot on its way; 0 otherwise. */
  pendingSnapshot: Index = 0;
  /** Heard from since the last check of the quorum. */
  isRecentlyActive = false;
  /** No appends until an answer, or a heartbeat's, comes. */
  isFlowPaused = false;
  isLearner: boolean;
  readonly inflights: Inflights;
  /** Highest commit index sent and probably taken. */
  #sentCommit: Index = 0;

  constructor(next: Index, isLearner: boolean, limits: InflightLimits) {
    this.next = next;
    this.isLearner = isLearner;
    this.inflights = new Inflights(limits.messages, limits.bytes);
  }

  /** Goes back to one message at a time: from the pending snapshot, if there was one, else from `match`. */
  becomeProbe(): void {
    const next = Math.max(this.match, this.pendingSnapshot) + 1;
    this.#resetState('StateProbe');
    this.next = next;
    this.#sentCommit = Math.min(this.#sentCommit, next - 1);
  }

  becomeReplicate(): void {
    this.#resetState('StateReplicate');
    this.next = this.match + 1;
  }

  becomeSnapshot(index: Index): void {
    this.#resetState('StateSnapshot');
    this.pendingSnapshot = index;
    this.next = index + 1;
    this.#sentCommit = index;
  }

  /** Whether appends must wait. */
  get isPaused(): boolean {
    return this.state === 'StateSnapshot' || this.isFlowPaused;
  }

  /** Notes an append of so many entries, of so many bytes of data. */
  sentEntries(count: number, bytes: number): void {
    invariant(this.state !== 'StateSnapshot', 'an append was sent while a snapshot is pending');
    if (this.state === 'StateProbe') {
      if (count > 0) this.isFlowPaused = true;
      return;
    }
    if (count > 0) {
      this.next += count;
      this.inflights.add(this.next - 1, bytes);
    }
    this.isFlowPaused = this.inflights.isFull;
  }

  sentCommit(commit: Index): void {
    this.#sentCommit = commit;
  }

  /** Whether sending this commit index may move the follower's. */
  canBumpCommit(commit: Index): boolean {
    return commit > this.#sentCommit && this.#sentCommit < this.next - 1;
  }

  /** Takes in that the follower holds everything up to `index`. False if that was known. */
  maybeUpdate(index: Index): boolean {
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    this.isFlowPaused = false;
    return true;
  }

  /**
   * Takes in that the follower refused an append after `rejected`; the logs may agree at `hint`.
   *
   * @returns false if the refusal is an old one, overtaken by others
   */
  maybeDecrease(rejected: Index, hint: Index): boolean {
    if (this.state === 'StateReplicate') {
      if (rejected <= this.match) return false;
      this.next = this.match + 1;
    } else {
      // Only one probe is under way, so a refusal of another index answers an older one.
      if (this.next - 1 !== rejected) return false;
      this.next = Math.max(Math.min(rejected, hint + 1), this.match + 1);
      this.isFlowPaused = false;
    }
    this.#sentCommit = Math.min(this.#sentCommit, this.next - 1);
    return true;
  }

  /** As it stands in a line for an operator. */
  describe(): string {
    const { count, isFull } = this.inflights;
    return [
      `${this.state} match=${this.match} next=${this.next}`,
      this.isLearner ? ' learner' : '',
      this.isPaused ? ' paused' : '',
      this.pendingSnapshot > 0 ? ` pendingSnap=${this.pendingSnapshot}` : '',
      this.isRecentlyActive ? '' : ' inactive',
      count > 0 ? ` inflight=${count}${isFull ? '[full]' : ''}` : '',
    ].join('');
  }

  #resetState(state: ProgressState): void {
    this.isFlowPaused = false;
    this.pendingSnapshot = 0;
    this.state = state;
    this.inflights.reset();
  }
}

/** Each member's progress. */
export type ProgressMap = ReadonlyMap<number, Progress>;
