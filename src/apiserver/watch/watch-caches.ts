import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { Storage } from '../storage/storage.ts';
import { WatchCache } from './watch-cache.ts';

/** The caches by prefix, each begun when it is first asked for. */
export class WatchCaches {
  readonly #caches = new Map<string, WatchCache>();
  readonly #running = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(storage: Storage, clock: Clock, log: Log) {
    this.#storage = storage;
    this.#clock = clock;
    this.#log = log;
  }

  /** The cache of the objects below `/registry/<storagePrefix>/`. May not have its first list yet: waitFor(0). */
  of(prefix: string): WatchCache {
    const known = this.#caches.get(prefix);
    if (known !== undefined) return known;
    const cache = new WatchCache({ storage: this.#storage, prefix, clock: this.#clock, log: this.#log });
    this.#caches.set(prefix, cache);
    this.#running.add(cache.run(this.#stop.signal));
    return cache;
  }

  all(): Iterable<[prefix: string, cache: WatchCache]> {
    return this.#caches.entries();
  }

  /** Ends all watches; settles when they are gone. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}
