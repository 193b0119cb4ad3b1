import { systemClock, type Clock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { isReason } from '../api/status.ts';
import { Heap } from './heap.ts';

/**
 * Keys to be worked on: deduplicated, one worker per key at a time, with per-key exponential back-off
 * (client-go util/workqueue).
 */
export interface WorkQueue {
  add(key: string): void;
  addAfter(key: string, delayMs: number): void;
  /** Adds after the key's own back-off: 5 ms doubling to 1000 s unless set otherwise. */
  addRateLimited(key: string): void;
  /**
   * Calls `reconcile` per key; a throw puts the key back with back-off, a return forgets its back-off. Settles when
   * aborted and the last reconcile has returned.
   */
  run(
    workers: number,
    reconcile: (key: string, signal: AbortSignal) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  readonly length: number;
}

/** Told of each step, for metrics. */
export interface WorkQueueObserver {
  added?(key: string): void;
  started?(key: string, waitedMs: number): void;
  finished?(key: string, tookMs: number, failed: boolean): void;
}

/** How long a key waits after failures, and who is told. */
export interface WorkQueueOptions {
  /** For the log. */
  readonly name?: string;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Back-off after the first failure; 5 ms. */
  readonly baseDelayMs?: number;
  /** Back-off at most; 1000 s. */
  readonly maxDelayMs?: number;
  readonly observer?: WorkQueueObserver;
}

/** An empty queue. Its length is bounded by the number of distinct keys. */
export function createWorkQueue(options: WorkQueueOptions = {}): WorkQueue {
  return new KeyQueue(options);
}

interface Waiting {
  readonly key: string;
  readonly atMs: number;
}

class KeyQueue implements WorkQueue {
  /** Keys to be worked on, each once; those also in `#processing` are queued again when that is done. */
  readonly #dirty = new Set<string>();
  readonly #processing = new Set<string>();
  /** Dirty and not processing, oldest first, from `#head` on. */
  #queue: string[] = [];
  #head = 0;
  readonly #addedMs = new Map<string, number>();
  readonly #failures = new Map<string, number>();
  readonly #waiting = new Heap<Waiting>((a, b) => a.atMs - b.atMs);
  /** When each waiting key is due; heap entries that disagree are stale. */
  readonly #dueMs = new Map<string, number>();
  readonly #idle: (() => void)[] = [];
  #interruptTimer: () => void = () => undefined;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #options: WorkQueueOptions;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? createLog(options.name ?? 'work-queue');
  }

  get length(): number {
    return this.#queue.length - this.#head;
  }

  add(key: string): void {
    if (this.#dirty.has(key)) return;
    this.#dirty.add(key);
    this.#addedMs.set(key, this.#clock.monotonicMs());
    this.#options.observer?.added?.(key);
    if (!this.#processing.has(key)) this.#enqueue(key);
  }

  addAfter(key: string, delayMs: number): void {
    if (delayMs <= 0) return this.add(key);
    const atMs = this.#clock.monotonicMs() + delayMs;
    if (atMs >= (this.#dueMs.get(key) ?? Infinity)) return;
    this.#dueMs.set(key, atMs);
    this.#waiting.push({ key, atMs });
    if (this.#waiting.peek()?.atMs === atMs) this.#interruptTimer();
  }

  addRateLimited(key: string): void {
    const { baseDelayMs = 5, maxDelayMs = 1_000_000 } = this.#options;
    const failures = this.#failures.get(key) ?? 0;
    this.#failures.set(key, failures + 1);
    this.addAfter(key, Math.min(baseDelayMs * 2 ** failures, maxDelayMs));
  }

  async run(workers: number, reconcile: Reconcile, signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#idle.splice(0).forEach((resume) => resume());
    signal.addEventListener('abort', wake, { once: true });
    const loops = Array.from({ length: workers }, async () => this.#work(reconcile, signal));
    await Promise.all([...loops, this.#runTimer(signal)]);
    signal.removeEventListener('abort', wake);
  }

  #enqueue(key: string): void {
    this.#queue.push(key);
    this.#idle.shift()?.();
  }

  /** The oldest key, now being processed; undefined when there is none. */
  #take(): string | undefined {
    const key = this.#queue[this.#head];
    if (key === undefined) return undefined;
    this.#head += 1;
    if (this.#head * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    this.#dirty.delete(key);
    this.#processing.add(key);
    return key;
  }

  async #work(reconcile: Reconcile, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const key = this.#take();
      if (key === undefined) await new Promise<void>((resolve) => this.#idle.push(resolve));
      else await this.#reconcile(key, reconcile, signal);
    }
  }

  async #reconcile(key: string, reconcile: Reconcile, signal: AbortSignal): Promise<void> {
    const startMs = this.#clock.monotonicMs();
    this.#options.observer?.started?.(key, startMs - (this.#addedMs.get(key) ?? startMs));
    this.#addedMs.delete(key);
    let failed = false;
    try {
      await reconcile(key, signal);
      this.#failures.delete(key);
    } catch (error) {
      failed = true;
      if (!signal.aborted) this.#report(key, error);
      this.addRateLimited(key);
    }
    this.#processing.delete(key);
    if (this.#dirty.has(key)) this.#enqueue(key);
    this.#options.observer?.finished?.(key, this.#clock.monotonicMs() - startMs, failed);
  }

  #report(key: string, error: unknown): void {
    const fields = { queue: this.#options.name, key, error };
    // A conflict says that our cache is behind: the next try will have caught up.
    if (isReason(error, 'Conflict')) this.#log.debug('reconcile will be tried again', fields);
    else this.#log.warn('reconcile failed', fields);
  }

  async #runTimer(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#addDue();
      const next = this.#waiting.peek();
      const interrupt = new AbortController();
      this.#interruptTimer = () => interrupt.abort();
      const either = AbortSignal.any([signal, interrupt.signal]);
      if (next === undefined) await untilAborted(either);
      else {
        const delayMs = Math.max(0, next.atMs - this.#clock.monotonicMs());
        await this.#clock.sleepMs(delayMs, either).catch(() => undefined); // rejects only when interrupted
      }
    }
  }

  #addDue(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let next = this.#waiting.peek(); next !== undefined && next.atMs <= nowMs; next = this.#waiting.peek()) {
      this.#waiting.pop();
      if (this.#dueMs.get(next.key) !== next.atMs) continue;
      this.#dueMs.delete(next.key);
      this.add(next.key);
    }
  }
}

type Reconcile = (key: string, signal: AbortSignal) => Promise<void>;
