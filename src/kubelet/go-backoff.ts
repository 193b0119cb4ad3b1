import type { Clock } from '../host/clock.ts';

interface Entry {
  delayMs: number;
  lastMs: number;
}

/** More keys than this are dropped, the oldest first: a board runs 110 pods. */
const KEYS_MAX = 10_000;

/**
 * Delays that double per key from `initialMs` to `maxMs` and start anew when nothing happened for twice the maximum
 * (client-go flowcontrol.Backoff).
 */
export class GoBackoff {
  readonly #clock: Clock;
  readonly #initialMs: number;
  readonly #maxMs: number;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock, initialMs: number, maxMs: number) {
    this.#clock = clock;
    this.#initialMs = initialMs;
    this.#maxMs = maxMs;
  }

  /** The key's present delay in ms, 0 when it has none. */
  get(key: string): number {
    return this.#entries.get(key)?.delayMs ?? 0;
  }

  /** Whether the delay that began at `eventMs` is still running. */
  isInBackoffSince(key: string, eventMs: number): boolean {
    const entry = this.#entries.get(key);
    if (entry === undefined || this.#isStale(entry, eventMs)) return false;
    const elapsedMs = this.#clock.nowMs() - eventMs;
    // A board without a clock of its own may be set back: nobody is to wait for the old time to come again.
    return elapsedMs >= 0 && elapsedMs < entry.delayMs;
  }

  /** Whether the delay that began at the last `next` is still running. */
  isInBackoff(key: string): boolean {
    const entry = this.#entries.get(key);
    return entry !== undefined && this.isInBackoffSince(key, entry.lastMs);
  }

  /** Milliseconds until isInBackoff says no. */
  remainingSinceLastMs(key: string): number {
    return this.isInBackoff(key) ? this.remainingMs(key, this.#entries.get(key)?.lastMs ?? 0) : 0;
  }

  /** Milliseconds until isInBackoffSince says no. */
  remainingMs(key: string, eventMs: number): number {
    return Math.max(0, this.get(key) - (this.#clock.nowMs() - eventMs));
  }

  /** Counts one more try: the delay doubles. */
  next(key: string, eventMs: number): void {
    const nowMs = this.#clock.nowMs();
    const entry = this.#entries.get(key);
    const delayMs =
      entry === undefined || this.#isStale(entry, eventMs) ? this.#initialMs : Math.min(entry.delayMs * 2, this.#maxMs);
    this.#entries.delete(key);
    this.#entries.set(key, { delayMs, lastMs: nowMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > KEYS_MAX && oldest !== undefined) this.#entries.delete(oldest);
  }

  /** Forgets the key. */
  reset(key: string): void {
    this.#entries.delete(key);
  }

  #isStale(entry: Entry, eventMs: number): boolean {
    return eventMs - entry.lastMs > this.#maxMs * 2;
  }
}
