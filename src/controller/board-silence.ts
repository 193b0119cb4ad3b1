import type { Clock } from '../host/clock.ts';

/** Three renewals of a board's Lease. */
const SILENT_MS = 12_000;

/**
 * Tells boards that say nothing from those that run, by looking at their Leases now and again: a time in a Lease is by its
 * board's clock, and only that it does not change means something. Remembers one time per board asked after.
 */
export class BoardSilence {
  readonly #clock: Clock;
  readonly #seen = new Map<string, { readonly renewTime: string | undefined; readonly sinceMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param renewTime of the board's Lease as it is now; undefined when it has none */
  isSilent(board: string, renewTime: string | undefined): boolean {
    const nowMs = this.#clock.monotonicMs();
    const seen = this.#seen.get(board);
    if (seen !== undefined && seen.renewTime === renewTime) return nowMs - seen.sinceMs >= SILENT_MS;
    this.#seen.set(board, { renewTime, sinceMs: nowMs });
    return false;
  }

  forget(board: string): void {
    this.#seen.delete(board);
  }
}
