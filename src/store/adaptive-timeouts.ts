/** One tick of Raft's clock in the store. */
export const TICK_MS = 50;
/** A leader speaks every 100 ms. */
export const HEARTBEAT_TICKS = 2;
/** 400 to 800 ms (Raft draws up to twice the timeout): a dead leader is replaced within a second. */
const ELECTION_TICKS_MIN = 8;
/** 5 to 10 s: what a card with a stalled flash needs, and what the cluster's clients bear. */
const ELECTION_TICKS_MAX = 100;
/** How fast the memory of a slow write fades: half in about 70 observations. */
const FADE = 0.99;

/**
 * How long to wait for a leader, from what writes and messages really take:
 * with a timeout shorter than a vote takes, no election would ever end.
 */
export class AdaptiveTimeouts {
  #flushMs = 0;
  #roundTripMs = 0;

  /** Notes how long a flush of the disk took. */
  flushed(ms: number): void {
    this.#flushMs = Math.max(ms, this.#flushMs * FADE);
  }

  /** Notes how long a message and its answer took. */
  answered(ms: number): void {
    this.#roundTripMs = Math.max(ms, this.#roundTripMs * FADE);
  }

  /** Ticks without a leader after which to campaign. */
  get electionTicks(): number {
    // An election needs the votes of a majority to be durable, and two messages.
    const ticks = Math.ceil((this.#flushMs + 2 * this.#roundTripMs) / TICK_MS);
    return Math.min(ELECTION_TICKS_MAX, Math.max(ELECTION_TICKS_MIN, ticks));
  }

  /** The slowest flush that is still remembered, in milliseconds. */
  get flushMs(): number {
    return this.#flushMs;
  }
}
