import { expired } from '../../api/status.ts';
import type { ObjectEncoder } from '../negotiation/object-encoder.ts';
import type { CachedObject } from '../storage/cached-object.ts';
import type { CacheEvent } from './event-ring.ts';
import type { ObjectFilter } from './object-filter.ts';
import { selectEvent } from './select-event.ts';
import type { WatchCache } from './watch-cache.ts';

/** Where a watch writes; an answer of HTTP, or a test. */
export interface WatchSink {
  /** False when the client has to catch up first. */
  write(bytes: Buffer): boolean;
  /** Resolves when there is room again. Rejects when the signal is aborted. */
  drained(signal: AbortSignal): Promise<void>;
}

export interface WatchStreamOptions {
  readonly cache: WatchCache;
  readonly filter: ObjectFilter;
  readonly encoder: ObjectEncoder;
  readonly sink: WatchSink;
  /** Objects told first as ADDED, and the revision that they are of. */
  readonly initial: { readonly objects: readonly CachedObject[]; readonly revision: number };
  /** Whether a bookmark that ends the initial events is due (WatchList, KEP-3157). */
  readonly hasInitialEnd: boolean;
  readonly hasBookmarks: boolean;
  /** How long the watch runs. */
  readonly timeoutMs: number;
}

/** Events are written together up to this size. */
const CHUNK_BYTES = 64 * 1024;
/** A client that takes nothing for so long is dropped. */
const DRAIN_TIMEOUT_MS = 30_000;
/** Kube-apiserver's bookmarks come about once a minute. */
const BOOKMARK_MS = 60_000;
const INITIAL_END = { 'k8s.io/initial-events-end': 'true' };

/**
 * Writes events to one client until it is gone, its time is over or it falls behind what the ring holds. A client is a
 * position in the ring and nothing more: however slow it is, it costs no memory.
 */
export class WatchStream {
  readonly #options: WatchStreamOptions;
  #position: number;
  /** What the client has been told of: events up to here are not for it. */
  #revision: number;
  #isFirst = true;
  #isReset = false;
  #wake: (() => void) | undefined;

  constructor(options: WatchStreamOptions) {
    this.#options = options;
    this.#revision = options.initial.revision;
    this.#position = options.cache.ring.after(this.#revision);
  }

  /** Settles when the stream is over; only an aborted write rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const { cache } = this.#options;
    const stop = cache.listen({ onProgress: () => this.#wake?.(), onReset: () => this.#onReset() });
    const onAbort = (): void => this.#wake?.();
    signal.addEventListener('abort', onAbort);
    try {
      await this.#writeInitial(signal);
      await this.#follow(signal);
    } finally {
      stop();
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** A watch cannot go on over a gap; it ends, and the client takes it up anew or lists. */
  #onReset(): void {
    this.#isReset = true;
    this.#wake?.();
  }

  async #writeInitial(signal: AbortSignal): Promise<void> {
    const { initial, encoder, hasInitialEnd } = this.#options;
    let chunk: string[] = [];
    let length = 0;
    for (const object of initial.objects) {
      const line = encoder.event('ADDED', object, this.#isFirst);
      this.#isFirst = false;
      chunk.push(line);
      length += line.length;
      if (length < CHUNK_BYTES) continue;
      await this.#write(Buffer.from(chunk.join('')), signal);
      chunk = [];
      length = 0;
    }
    if (hasInitialEnd) chunk.push(encoder.bookmark(initial.revision, INITIAL_END));
    if (chunk.length > 0) await this.#write(Buffer.from(chunk.join('')), signal);
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { cache, hasBookmarks, timeoutMs } = this.#options;
    const endMs = performance.now() + timeoutMs;
    let bookmarkAtMs = Math.min(performance.now() + BOOKMARK_MS, endMs);
    while (!signal.aborted && !this.#isReset) {
      if (!cache.ring.has(this.#position)) return this.#writeTooOld(signal);
      const chunk = this.#nextChunk();
      if (chunk.length > 0) {
        await this.#write(chunk.length === 1 && chunk[0] !== undefined ? chunk[0] : Buffer.concat(chunk), signal);
        continue;
      }
      const leftMs = bookmarkAtMs - performance.now();
      if (leftMs <= 0) {
        if (hasBookmarks) await this.#writeBookmark(signal);
        if (performance.now() >= endMs) return;
        bookmarkAtMs = Math.min(performance.now() + BOOKMARK_MS, endMs);
        continue;
      }
      await this.#sleep(leftMs, signal);
    }
  }

  /** The next events for this client, as many as go into one write. */
  #nextChunk(): Buffer[] {
    const { ring } = this.#options.cache;
    const chunk: Buffer[] = [];
    let length = 0;
    while (length < CHUNK_BYTES) {
      const event = ring.at(this.#position);
      if (event === undefined) break;
      this.#position += 1;
      if (event.revision <= this.#revision) continue;
      const bytes = this.#bytesOf(event, ring.isFresh(this.#position - 1));
      if (bytes === null) continue;
      chunk.push(bytes);
      length += bytes.length;
    }
    if (ring.at(this.#position) === undefined) this.#revision = Math.max(this.#revision, this.#options.cache.revision);
    return chunk;
  }

  #bytesOf(event: CacheEvent, isFresh: boolean): Buffer | null {
    const { filter, encoder } = this.#options;
    const selected = selectEvent(event, filter);
    if (selected === null) return null;
    const key = encoder.key === null ? null : `${encoder.key} ${selected.type}`;
    const known = key === null ? undefined : event.encoded?.get(key);
    if (known !== undefined) return known;
    const bytes = bytesOwn(encoder.event(selected.type, selected.object, this.#isFirst));
    this.#isFirst = false;
    if (key !== null && isFresh) (event.encoded ??= new Map<string, Buffer>()).set(key, bytes);
    return bytes;
  }

  async #writeBookmark(signal: AbortSignal): Promise<void> {
    await this.#write(Buffer.from(this.#options.encoder.bookmark(this.#revision)), signal);
  }

  async #writeTooOld(signal: AbortSignal): Promise<void> {
    await this.#write(errorEvent(tooOld(this.#revision, this.#options.cache.ring.floor)), signal);
  }

  async #write(bytes: Buffer, signal: AbortSignal): Promise<void> {
    const { sink } = this.#options;
    if (sink.write(bytes)) return;
    await sink.drained(AbortSignal.any([signal, AbortSignal.timeout(DRAIN_TIMEOUT_MS)]));
  }

  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#wake = undefined;
        resolve();
      };
      const timer = setTimeout(wake, ms);
      this.#wake = wake;
      if (signal.aborted) wake();
    });
  }
}

/** In memory of its own: a slice of Node's pool would keep 64 KB for as long as it is kept. */
function bytesOwn(text: string): Buffer {
  const bytes = Buffer.allocUnsafeSlow(Buffer.byteLength(text));
  bytes.write(text);
  return bytes;
}

/** `too old resource version: 5 (10)`: what a watch from before the ring gets. */
export function tooOld(revision: number, floor: number): Error {
  return expired(`too old resource version: ${revision} (${floor})`);
}

/** A failure inside a stream that has begun: an ERROR event with the Status. */
export function errorEvent(status: Error): Buffer {
  return Buffer.from(`{"type":"ERROR","object":${JSON.stringify(status)}}\n`);
}
