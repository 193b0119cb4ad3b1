import type { ResponseStream } from '../../host/grpc/grpc-server-call.ts';
import type { Backend } from '../backend.ts';
import { EtcdError } from '../etcd-api/etcd-error.ts';
import type { WatchEvent } from '../etcd-api/key-value.ts';
import { WATCH_FILTER } from '../etcd-api/watch.ts';
import type { WatchCreateRequest, WatchRequest, WatchResponse } from '../etcd-api/watch.ts';
import { rangeOf } from '../mvcc/range-query.ts';
import { WatchCursor } from '../mvcc/watch-cursor.ts';
import { answerHeader } from './answer-header.ts';

interface Watch {
  readonly id: number;
  readonly cursor: WatchCursor;
  readonly isFragmented: boolean;
  readonly wantsProgress: boolean;
  /** Whether anything was sent since the last progress interval. */
  isFresh: boolean;
}

/** etcd's id for "no watch", and for answers that concern all watches of a stream. */
const NO_WATCH = -1;
/** Watches on one stream; the server closes streams that want more. */
const WATCHES_MAX = 10_000;
/** A fragment's events, as near as whole events allow (etcd: the request limit). */
const FRAGMENT_BYTES = 1_572_864;

/**
 * All watches of one client stream. `run` pulls events from the store's
 * history whenever there are new ones and the client has taken the last: a
 * slow client is behind, not buffered.
 */
export class WatchStream {
  readonly #backend: Backend;
  readonly #responses: ResponseStream<WatchResponse>;
  readonly #watches = new Map<number, Watch>();
  readonly #control: Partial<WatchResponse>[] = [];
  #nextId = 0;
  #isProgressAsked = false;
  #wake: () => void = () => undefined;

  constructor(backend: Backend, responses: ResponseStream<WatchResponse>) {
    this.#backend = backend;
    this.#responses = responses;
  }

  /** Takes in one request of the client. */
  handle(request: WatchRequest): void {
    if (request.createRequest !== undefined) this.#create(request.createRequest);
    else if (request.cancelRequest !== undefined) this.#cancel(request.cancelRequest.watchId);
    else if (request.progressRequest !== undefined) this.#isProgressAsked = true;
    this.#wake();
  }

  /** Has the watches that asked for it, and were silent for the interval, told how far they are. */
  reportProgress(): void {
    for (const watch of this.#watches.values()) {
      if (watch.wantsProgress && !watch.isFresh && watch.cursor.isUpToDate) this.#say({ watchId: watch.id });
      watch.isFresh = false;
    }
    if (this.#control.length > 0) this.#wake();
  }

  /** Sends until `signal` is aborted. @throws GrpcError Cancelled when the client has gone */
  async run(signal: AbortSignal): Promise<void> {
    const wake = (): void => this.#wake();
    signal.addEventListener('abort', wake, { once: true });
    // An API server has a stream for each kind: a write is of interest to one of them, and wakes no other.
    const unsubscribe = this.#backend.onProgress(() => {
      if (this.#isProgressAsked || this.#hasNews()) wake();
    });
    try {
      while (!signal.aborted) {
        const woken = new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        if (!(await this.#sendAll(signal))) await woken;
      }
    } finally {
      unsubscribe();
      signal.removeEventListener('abort', wake);
    }
  }

  #hasNews(): boolean {
    for (const { cursor } of this.#watches.values()) if (cursor.skip()) return true;
    return false;
  }

  /** One round over all watches; true when something is left to do at once. */
  async #sendAll(signal: AbortSignal): Promise<boolean> {
    await this.#sendControl();
    let isBehind = false;
    for (const watch of this.#watches.values()) {
      if (signal.aborted) return false;
      if (watch.cursor.isSynced) continue;
      await this.#sendEvents(watch);
      isBehind ||= !watch.cursor.isSynced;
    }
    if (!isBehind && this.#isProgressAsked) await this.#answerProgress();
    return isBehind || this.#control.length > 0;
  }

  async #sendControl(): Promise<void> {
    for (let next = this.#control.shift(); next !== undefined; next = this.#control.shift())
      await this.#responses.send(next);
  }

  async #sendEvents(watch: Watch): Promise<void> {
    if (watch.cursor.isCompacted) {
      const { compactRevision } = this.#backend.state.store;
      this.#watches.delete(watch.id);
      this.#say({
        watchId: watch.id,
        canceled: true,
        compactRevision,
        cancelReason: new EtcdError('Compacted').message,
      });
      return;
    }
    const events = watch.cursor.pull();
    if (events.length === 0) return;
    watch.isFresh = true;
    const header = answerHeader(this.#backend, watch.cursor.seenRevision);
    const parts = watch.isFragmented ? fragments(events) : [events];
    for (const [i, part] of parts.entries())
      await this.#responses.send({ header, watchId: watch.id, events: part, fragment: i < parts.length - 1 });
  }

  async #answerProgress(): Promise<void> {
    const isUpToDate = [...this.#watches.values()].every(({ cursor }) => cursor.isUpToDate);
    if (!isUpToDate || this.#watches.size === 0) return;
    this.#isProgressAsked = false;
    await this.#responses.send({ header: answerHeader(this.#backend), watchId: NO_WATCH });
  }

  #create(request: WatchCreateRequest): void {
    const refuse = (cancelReason: string): void =>
      this.#say({ watchId: NO_WATCH, created: true, canceled: true, cancelReason });
    if (request.startRevision < 0) return refuse(new EtcdError('Compacted').message);
    if (request.watchId !== 0 && this.#watches.has(request.watchId))
      return refuse('mvcc: duplicate watch ID provided on the WatchStream');
    if (this.#watches.size >= WATCHES_MAX) return refuse('mvcc: too many watches on the WatchStream');
    const id = request.watchId !== 0 ? request.watchId : this.#freeId();
    const { filters } = request;
    // No key is the smallest key (v3rpc/watch.go).
    const key = request.key.length === 0 ? Buffer.from([0]) : request.key;
    const cursor = new WatchCursor(this.#backend.state.store, {
      range: rangeOf(key, request.rangeEnd),
      startRevision: request.startRevision,
      withPrevious: request.prevKv,
      withoutPuts: filters.includes(WATCH_FILTER.noPut),
      withoutDeletes: filters.includes(WATCH_FILTER.noDelete),
    });
    this.#say({ watchId: id, created: true });
    const { fragment, progressNotify } = request;
    this.#watches.set(id, { id, cursor, isFragmented: fragment, wantsProgress: progressNotify, isFresh: true });
  }

  #freeId(): number {
    while (this.#watches.has(this.#nextId)) this.#nextId += 1;
    return this.#nextId++;
  }

  #cancel(id: number): void {
    if (this.#watches.delete(id)) this.#say({ watchId: id, canceled: true });
  }

  #say(response: Partial<WatchResponse>): void {
    this.#control.push({ header: answerHeader(this.#backend), ...response });
  }
}

/** Cuts events into runs of about `FRAGMENT_BYTES`. */
function fragments(events: readonly WatchEvent[]): WatchEvent[][] {
  const parts: WatchEvent[][] = [];
  let part: WatchEvent[] = [];
  let bytes = 0;
  for (const event of events) {
    const { kv, prevKv } = event;
    const size = (kv?.value.length ?? 0) + (kv?.key.length ?? 0) + (prevKv?.value.length ?? 0);
    if (bytes + size > FRAGMENT_BYTES && part.length > 0) {
      parts.push(part);
      part = [];
      bytes = 0;
    }
    bytes += size;
    part.push(event);
  }
  parts.push(part);
  return parts;
}
