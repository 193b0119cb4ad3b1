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

/** Node's timers hold 32 bits: one that is longer would end after a millisecond. */
const TIMER_MAX_MS = 2 ** 31 - 1;

async function sleepMs(ms: number, signal: AbortSignal): Promise<void> {
  let leftMs = ms;
  for (; leftMs > TIMER_MAX_MS; leftMs -= TIMER_MAX_MS) await sleep(TIMER_MAX_MS, undefined, { signal });
  await sleep(leftMs, undefined, { signal });
}

/** The machine's clocks and Node's timers. */
export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleepMs,
};
