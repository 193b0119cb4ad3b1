import { setTimeout as sleep } from 'node:timers/promises';

/** Time as the parts see it; tests pass one that they move by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. */
  nowMs(): number;
  /** Never goes back; for durations. */
  monotonicMs(): number;
  /** Rejects with the signal's reason when it is aborted. */
  sleepMs(ms: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleepMs: (ms, signal) => sleep(ms, undefined, { signal }),
};
