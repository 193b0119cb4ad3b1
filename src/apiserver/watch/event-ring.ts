import type { CachedObject } from '../storage/cached-object.ts';

/** A change of one object, kept for the watchers. */
export interface CacheEvent {
  readonly revision: number;
  readonly type: 'put' | 'delete';
  /** After the change; of a delete the last state under the revision of the delete. */
  readonly object: CachedObject;
  readonly previous: CachedObject | undefined;
  /** When it came in, monotonic time. */
  readonly atMs: number;
  /** The event's bytes by wire format, made once for all watchers of that format; only while the event is fresh. */
  encoded?: Map<string, Buffer> | undefined;
}

/** Bounds of what is kept for watchers that resume or lag: both hold for each kind. */
const EVENTS_MAX = 2048;
const TEXT_LENGTH_MAX = 4 * 1024 * 1024;
/** Who has been away for longer than this lists anew (kube-apiserver keeps 75 s), but for the last events of a quiet kind. */
const KEPT_MS = 5 * 60_000;
const EVENTS_MIN = 128;
/** Watchers are served as soon as an event is in; one that lags behind this many encodes for itself. */
const FRESH_EVENTS = 32;

/** The last events of a kind. Positions count all events ever pushed, so that a watcher is only a number. */
export class EventRing {
  readonly #events: CacheEvent[] = [];
  #first = 0;
  #textLength = 0;
  #floor: number;

  /** @param floor events after this revision follow without a gap */
  constructor(floor: number) {
    this.#floor = floor;
  }

  /** A watch can resume from this revision and later ones. */
  get floor(): number {
    return this.#floor;
  }

  /** Position of the next event to be pushed. */
  get end(): number {
    return this.#first + this.#events.length;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#textLength += event.object.text.length;
    const stale = this.#events[this.#events.length - 1 - FRESH_EVENTS];
    if (stale !== undefined) stale.encoded = undefined;
    if (this.#events.length > EVENTS_MAX || this.#textLength > TEXT_LENGTH_MAX || this.#isOld(event.atMs))
      this.#dropOldest();
  }

  /** Whether the event at a position is among the last, whose bytes are kept. */
  isFresh(position: number): boolean {
    return position >= this.end - FRESH_EVENTS;
  }

  /** The event at a position; undefined at the end. @throws RangeError when it has been dropped already */
  at(position: number): CacheEvent | undefined {
    if (position < this.#first) throw new RangeError(`event ${position} is no longer kept`);
    return this.#events[position - this.#first];
  }

  has(position: number): boolean {
    return position >= this.#first;
  }

  /** Position of the first event after `revision`, which is at least the floor. */
  after(revision: number): number {
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#events[middle]?.revision ?? 0) > revision) high = middle;
      else low = middle + 1;
    }
    return this.#first + low;
  }

  /** Whether all of the oldest quarter, which is dropped at once, has been kept for long enough. */
  #isOld(nowMs: number): boolean {
    const last = this.#events[Math.ceil(this.#events.length / 4)];
    return this.#events.length > EVENTS_MIN && last !== undefined && last.atMs < nowMs - KEPT_MS;
  }

  /** Drops a quarter at once, so that dropping costs little per event; whole revisions only. */
  #dropOldest(): void {
    let count = Math.ceil(this.#events.length / 4);
    const last = this.#events[count - 1]?.revision;
    while (count < this.#events.length && this.#events[count]?.revision === last) count += 1;
    for (const event of this.#events.splice(0, count)) this.#textLength -= event.object.text.length;
    this.#first += count;
    this.#floor = last ?? this.#floor;
  }
}
