import type { Clock } from '../../src/host/clock.ts';

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that a test moves by hand: wall and monotonic time go together. */
export interface FakeClock extends Clock {
  /** Moves time on, waking each sleeper when its moment has come, in order, and lets what they started settle. */
  advance(ms: number): Promise<void>;
  /** How many are asleep. */
  readonly sleeping: number;
}

/** @param startMs wall clock at the start; a fixed date unless set */
export function createFakeClock(startMs = Date.UTC(2026, 0, 1)): FakeClock {
  let now = 0;
  const sleepers = new Set<Sleeper>();

  return {
    nowMs: () => startMs + now,
    monotonicMs: () => now,
    async sleepMs(ms, signal) {
      signal.throwIfAborted();
      return new Promise<void>((resolve, reject) => {
        const aborted = (): void => {
          sleepers.delete(sleeper);
          reject(signal.reason as Error);
        };
        const sleeper: Sleeper = {
          at: now + ms,
          wake: () => {
            signal.removeEventListener('abort', aborted);
            resolve();
          },
        };
        signal.addEventListener('abort', aborted, { once: true });
        sleepers.add(sleeper);
      });
    },
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const next = [...sleepers].toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        now = Math.max(now, next.at);
        sleepers.delete(next);
        next.wake();
        await settle();
      }
      now = end;
      await settle();
    },
    get sleeping() {
      return sleepers.size;
    },
  };
}

/** Lets promises that are ready run, and what they make ready. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 4; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
