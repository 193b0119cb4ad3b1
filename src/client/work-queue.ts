/**
 * Keys to be worked on: deduplicated, one worker per key at a time, with per-key exponential back-off
 * (client-go util/workqueue).
 */
export interface WorkQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Adds after the key's own back-off: 5 ms doubling to 1000 s unless set otherwise. */
  addRateLimited(key: string): void;
  /** Calls `reconcile` per key; a throw puts the key back with back-off, a return forgets its back-off. */
  run(
    workers: number,
    reconcile: (key: string, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  readonly length: number;
}
