import type { Clock } from '../host/clock.ts';

const PER_ENDPOINT_MS = 5;
const INTERVAL_MAX_MS = 1_000;

/**
 * Spaces the writes of a Service's endpoints: each carries them all, so in a burst the large ones are written less often.
 * The first change is never held back, nor are those of small Services much: 20 ms for 4 endpoints, 1 s from 200 on
 * (upstream has --endpoint-updates-batch-period, the same for all).
 */
export class WritePace {
  readonly #clock: Clock;
  readonly #lastMs = new Map<string, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** 0: write now, which counts as written; else in how long. */
  waitMs(key: string, endpoints: number): number {
    const nowMs = this.#clock.monotonicMs();
    const lastMs = this.#lastMs.get(key) ?? -Infinity;
    const leftMs = lastMs + Math.min(INTERVAL_MAX_MS, endpoints * PER_ENDPOINT_MS) - nowMs;
    if (leftMs > 0) return leftMs;
    this.#lastMs.set(key, nowMs);
    return 0;
  }

  forget(key: string): void {
    this.#lastMs.delete(key);
  }
}
