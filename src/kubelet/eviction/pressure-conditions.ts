import type { PressureType } from './thresholds.ts';

/** So long a condition stays after its cause was last seen (upstream evictionPressureTransitionPeriod). */
const TRANSITION_MS = 300_000;

/** Which pressures the Node tells of: at once when one comes, and five minutes longer than it lasts, so that none flaps. */
export class PressureConditions {
  readonly #seenMs = new Map<PressureType, number>();
  #current: readonly PressureType[] = [];

  /** In the order of their names. */
  get current(): readonly PressureType[] {
    return this.#current;
  }

  /** Takes in what is seen now. @param nowMs monotonic. @returns whether the conditions changed */
  update(seen: ReadonlySet<PressureType>, nowMs: number): boolean {
    for (const type of seen) this.#seenMs.set(type, nowMs);
    for (const [type, atMs] of this.#seenMs) if (nowMs - atMs >= TRANSITION_MS) this.#seenMs.delete(type);
    const before = this.#current.join();
    this.#current = [...this.#seenMs.keys()].toSorted();
    return this.#current.join() !== before;
  }
}
