import type { Clock } from '../host/clock.ts';

/** After this an expectation counts as met, whatever was seen (client-go's ExpectationsTimeout). */
const TIMEOUT_MS = 5 * 60_000;

interface Expected {
  creations: number;
  readonly deletions: Set<string>;
  readonly atMs: number;
}

/**
 * What an owner has done that its cache may not show yet. Until all of it has been seen the owner does no more, so that
 * a cache that lags never makes it create or delete twice.
 */
export class Expectations {
  readonly #clock: Clock;
  readonly #expected = new Map<string, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  expectCreations(key: string, count: number): void {
    this.#expected.set(key, { creations: count, deletions: new Set(), atMs: this.#clock.monotonicMs() });
  }

  expectDeletions(key: string, uids: readonly string[]): void {
    this.#expected.set(key, { creations: 0, deletions: new Set(uids), atMs: this.#clock.monotonicMs() });
  }

  /** A creation was seen, or will never be because it failed. */
  sawCreation(key: string): void {
    const expected = this.#expected.get(key);
    if (expected !== undefined) expected.creations -= 1;
  }

  /** A deletion was seen to begin, or failed. */
  sawDeletion(key: string, uid: string): void {
    this.#expected.get(key)?.deletions.delete(uid);
  }

  isMet(key: string): boolean {
    const expected = this.#expected.get(key);
    if (expected === undefined) return true;
    if (expected.creations <= 0 && expected.deletions.size === 0) return true;
    return this.#clock.monotonicMs() - expected.atMs > TIMEOUT_MS;
  }

  forget(key: string): void {
    this.#expected.delete(key);
  }
}
