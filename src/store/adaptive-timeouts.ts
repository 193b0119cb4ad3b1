/** One tick of Raft's clock in the store. */
export const TICK_MS = 50;
/** A leader speaks every 200 ms: what a store at rest does is little else, and a heartbeat may still be 300 ms late. */
export const HEARTBEAT_TICKS = 4;
/**
 * 500 to 1000 ms (Raft draws up to twice the timeout): a leader that falls silent is replaced within some 0.8 s. One whose
 * process dies is replaced sooner, see RaftLoop.leaderLost.
 */
const ELECTION_TICKS_MIN = 10;
/** 5 to 10 s: what a card with a stalled flash needs, and what the cluster's clients bear. */
const ELECTION_TICKS_MAX = 100;

/** What a duration mostly stays below: mean and four mean deviations, each of late, as TCP reckons (RFC 6298 section 2). */
class Estimate {
  #meanMs = 0;
  #deviationMs = 0;
  #isFirst = true;

  observe(ms: number): void {
    if (this.#isFirst) {
      this.#isFirst = false;
      this.#meanMs = ms;
      this.#deviationMs = ms / 2;
      return;
    }
    this.#deviationMs += (Math.abs(ms - this.#meanMs) - this.#deviationMs) / 4;
    this.#meanMs += (ms - this.#meanMs) / 8;
  }

  get ms(): number {
    return this.#meanMs + 4 * this.#deviationMs;
  }
}

/**
 * How long to wait for a leader, from what writes and messages really take:
 * with a timeout shorter than a vote takes, no election would ever end.
 */
export class AdaptiveTimeouts {
  readonly #flush = new Estimate();
  readonly #roundTrip = new Estimate();

  /** Notes how long a flush of the disk took. */
  flushed(ms: number): void {
    this.#flush.observe(ms);
  }

  /** Notes how long a message and its answer took. */
  answered(ms: number): void {
    this.#roundTrip.observe(ms);
  }

  /** Ticks without a leader after which to campaign. */
  get electionTicks(): number {
    // An election needs the votes of a majority to be durable, and two messages.
    const ticks = Math.ceil((this.#flush.ms + 2 * this.#roundTrip.ms) / TICK_MS);
    return Math.min(ELECTION_TICKS_MAX, Math.max(ELECTION_TICKS_MIN, ticks));
  }

  /** What a flush mostly takes at most, in milliseconds. */
  get flushMs(): number {
    return this.#flush.ms;
  }
}
