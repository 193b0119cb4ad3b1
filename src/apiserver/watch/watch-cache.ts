import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { isReason, StatusError } from '../../api/status.ts';
import { CachedObject } from '../storage/cached-object.ts';
import type { Storage, StorageBatch, StorageEvent, StorageWatch } from '../storage/storage.ts';
import { EventRing, type CacheEvent } from './event-ring.ts';

export interface WatchCacheOptions {
  readonly storage: Storage;
  /** `/registry/pods/` */
  readonly prefix: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Told after every batch; must not block. */
export interface CacheListener {
  /** There is something new in the ring, or the revision has moved. */
  onProgress(): void;
  /** The ring has begun anew: what was known is void. */
  onReset(): void;
}

const PAGE = 500;
const RETRY_MS = 250;
const RETRY_MS_MAX = 1000;
/** How often progress is asked for while a reader waits (kube-apiserver's progress requester). */
const PROGRESS_MS = 100;
/** How often anyway: bookmarks of a quiet kind move on, and a lost watch resumes from after the store's last compaction. */
const PROGRESS_IDLE_MS = 45_000;

/** All objects below a prefix as of `revision`, and the last events: one watch of the store, however many readers. */
export class WatchCache {
  readonly #options: WatchCacheOptions;
  readonly #objects = new Map<string, CachedObject>();
  readonly #listeners = new Set<CacheListener>();
  #sortedKeys: readonly string[] | undefined;
  #ring = new EventRing(0);
  #revision = 0;
  #watch: StorageWatch | undefined;
  #progressTimer: NodeJS.Timeout | undefined;
  readonly #waiting = new Set<() => void>();

  constructor(options: WatchCacheOptions) {
    this.#options = options;
  }

  /** Every change up to it is in the cache. 0 until the first list. */
  get revision(): number {
    return this.#revision;
  }

  /** Whether the watch is running, or about to for the first time: only then will a new revision come by itself soon. */
  get isFollowing(): boolean {
    return this.#watch !== undefined || this.#revision === 0;
  }

  get ring(): EventRing {
    return this.#ring;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): CachedObject | undefined {
    return this.#objects.get(key);
  }

  /** The objects whose keys begin with `prefix`, in key order. */
  list(prefix: string): CachedObject[] {
    this.#sortedKeys ??= [...this.#objects.keys()].sort();
    const keys = this.#sortedKeys;
    const found: CachedObject[] = [];
    for (let i = firstAtLeast(keys, prefix); i < keys.length; i += 1) {
      const object = this.#objects.get(keys[i] ?? '');
      if (!object?.key.startsWith(prefix)) break;
      found.push(object);
    }
    return found;
  }

  /** Adds a listener; gives the function that takes it away. */
  listen(listener: CacheListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when the cache has every change up to `revision`. Rejects with the signal's reason. */
  async waitFor(revision: number, signal: AbortSignal): Promise<void> {
    while (this.#revision < revision || this.#revision === 0) {
      signal.throwIfAborted();
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake);
        this.#askForProgress();
      });
    }
  }

  /** Asks the store how far the watch is, so that `revision` moves though nothing below the prefix changes. */
  #requestProgress(): void {
    this.#watch?.requestProgress().catch(() => undefined); // the watch's own iteration reports a lost connection
  }

  /** Keeps the cache up to date until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, prefix } = this.#options;
    let retryMs = RETRY_MS;
    let mustList = true;
    while (!signal.aborted) {
      const before = this.#revision;
      try {
        if (mustList) await this.#list(signal);
        mustList = false;
        await this.#follow(signal);
      } catch (error) {
        if (signal.aborted) break;
        mustList ||= isReason(error, 'Expired');
        retryMs = this.#revision > before ? RETRY_MS : Math.min(retryMs * 2, RETRY_MS_MAX);
        log.warn('watch of the store ended, taking it up again', { prefix, mustList, error });
      }
      await clock.sleepMs(retryMs, signal).catch(() => undefined); // rejects only when aborted
    }
    clearTimeout(this.#progressTimer);
  }

  async #list(signal: AbortSignal): Promise<void> {
    const { storage, prefix } = this.#options;
    const objects: CachedObject[] = [];
    let revision = 0;
    let startKey = prefix;
    for (;;) {
      const page = await storage.list(
        prefix,
        { limit: PAGE, startKey, ...(revision === 0 ? {} : { revision }) },
        signal,
      );
      revision = page.revision;
      for (const { key, text, revision: written } of page.items) objects.push(new CachedObject(key, text, written));
      const last = page.items.at(-1);
      if (last === undefined || page.items.length < PAGE) break;
      startKey = `${last.key}\0`;
    }
    this.#reset(objects, revision);
  }

  #reset(objects: readonly CachedObject[], revision: number): void {
    this.#objects.clear();
    for (const object of objects) this.#objects.set(object.key, object);
    this.#sortedKeys = undefined;
    this.#ring = new EventRing(revision);
    this.#revision = revision;
    for (const listener of this.#listeners) listener.onReset();
    this.#wakeWaiting();
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { storage, prefix } = this.#options;
    const ended = new AbortController();
    const both = AbortSignal.any([signal, ended.signal]);
    const idleTimer = setInterval(() => this.#requestProgress(), PROGRESS_IDLE_MS);
    idleTimer.unref(); // nothing waits for it
    try {
      this.#watch = await storage.watch(prefix, this.#revision, both);
      if (this.#waiting.size > 0) this.#requestProgress();
      for await (const batch of this.#watch) this.#apply(batch);
      throw new StatusError('ServiceUnavailable', 'the store ended the watch');
    } finally {
      clearInterval(idleTimer);
      this.#watch = undefined;
      ended.abort();
    }
  }

  #apply({ events, revision }: StorageBatch): void {
    for (const event of events) this.#applyEvent(event);
    this.#revision = Math.max(this.#revision, revision);
    for (const listener of this.#listeners) listener.onProgress();
    this.#wakeWaiting();
  }

  #applyEvent({ type, key, text, revision }: StorageEvent): void {
    if (revision <= this.#revision) return; // told again after the watch was taken up anew
    const previous = this.#objects.get(key);
    const atMs = this.#options.clock.monotonicMs();
    if (type === 'delete') {
      if (previous === undefined) return;
      this.#objects.delete(key);
      this.#sortedKeys = undefined;
      this.#push({ revision, type, object: previous.at(revision), previous, atMs });
      return;
    }
    const object = new CachedObject(key, text, revision);
    this.#objects.set(key, object);
    if (previous === undefined) this.#sortedKeys = undefined;
    this.#push({ revision, type, object, previous, atMs });
  }

  #push(event: CacheEvent): void {
    this.#ring.push(event);
  }

  #wakeWaiting(): void {
    for (const wake of this.#waiting) wake();
  }

  #askForProgress(): void {
    if (this.#progressTimer !== undefined) return;
    this.#requestProgress();
    this.#progressTimer = setTimeout(() => {
      this.#progressTimer = undefined;
      if (this.#waiting.size > 0) this.#askForProgress();
    }, PROGRESS_MS);
  }
}

function firstAtLeast(keys: readonly string[], prefix: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((keys[middle] ?? '') >= prefix) high = middle;
    else low = middle + 1;
  }
  return low;
}
