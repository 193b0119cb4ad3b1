import type { ObjectReference } from '../api/objects.ts';

/**
 * Which Event to write for what happened (client-go tools/record/events_cache.go): a flood about one object is dropped,
 * many similar messages become one Event, and a repeated one counts up. Pure but for its bounded memory.
 */

/** What a part reports. */
export interface Occurrence {
  readonly about: ObjectReference;
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
  readonly atMs: number;
  /** Tells apart what happened in the same millisecond. */
  readonly serial: number;
}

/** `first` undefined: write a new Event. Otherwise patch the Event of that name to this count. */
export interface EventPlan {
  readonly message: string;
  readonly count: number;
  readonly first: { readonly name: string; readonly atMs: number } | undefined;
  /** To be handed to `written` with the name of a new Event. */
  readonly key: string;
}

/** Objects and messages remembered; the least recently used go first. */
const MEMORY_MAX = 4096;
/** Spam filter: this many at once per object, then one per 5 minutes. */
const BURST = 25;
const REFILL_MS = 300_000;
/** So many different messages of one kind within the interval are combined. */
const SIMILAR_MAX = 10;
const SIMILAR_INTERVAL_MS = 600_000;

/** Counts repetitions of Events, joins similar ones and limits each object's rate (client-go tools/record/events_cache.go). */
export class EventCorrelator {
  readonly #tokens = new Recent<{ tokens: number; atMs: number }>();
  readonly #similar = new Recent<{ messages: Set<string>; atMs: number }>();
  readonly #written = new Recent<{ name: string; count: number; firstMs: number }>();

  /** What to write, or undefined when the object has had too many. */
  plan({ about, type, reason, message, atMs }: Occurrence): EventPlan | undefined {
    const object = [about.kind, about.namespace, about.name, about.uid, about.apiVersion].join('/');
    if (!this.#takeToken(object, atMs)) return undefined;
    const group = [object, about.fieldPath, type, reason].join('\0');
    const isCombined = this.#isOneOfMany(group, message, atMs);
    const text = isCombined ? `(combined from similar events): ${message}` : message;
    const key = isCombined ? group : `${group}\0${message}`;
    const before = this.#written.get(key);
    if (before === undefined) return { message: text, count: 1, first: undefined, key };
    before.count += 1;
    return { message: text, count: before.count, first: { name: before.name, atMs: before.firstMs }, key };
  }

  /** Remembers that a new Event stands under this name. */
  written(key: string, name: string, atMs: number): void {
    this.#written.set(key, { name, count: 1, firstMs: atMs });
  }

  /** Forgets an Event that is gone from the server. */
  forget(key: string): void {
    this.#written.delete(key);
  }

  #takeToken(object: string, atMs: number): boolean {
    const bucket = this.#tokens.get(object) ?? { tokens: BURST, atMs };
    bucket.tokens = Math.min(BURST, bucket.tokens + (atMs - bucket.atMs) / REFILL_MS);
    bucket.atMs = atMs;
    this.#tokens.set(object, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  #isOneOfMany(group: string, message: string, atMs: number): boolean {
    let similar = this.#similar.get(group);
    if (similar === undefined || atMs - similar.atMs > SIMILAR_INTERVAL_MS)
      similar = { messages: new Set<string>(), atMs };
    similar.atMs = atMs;
    this.#similar.set(group, similar);
    if (similar.messages.size < SIMILAR_MAX) similar.messages.add(message);
    return similar.messages.size >= SIMILAR_MAX && !similar.messages.has(message);
  }
}

/** A map of the MEMORY_MAX keys used last. */
class Recent<V> {
  readonly #map = new Map<string, V>();

  get(key: string): V | undefined {
    const value = this.#map.get(key);
    if (value === undefined) return undefined;
    this.#map.delete(key);
    this.#map.set(key, value);
    return value;
  }

  set(key: string, value: V): void {
    this.#map.delete(key);
    this.#map.set(key, value);
    if (this.#map.size <= MEMORY_MAX) return;
    const oldest = this.#map.keys().next();
    if (oldest.done !== true) this.#map.delete(oldest.value);
  }

  delete(key: string): void {
    this.#map.delete(key);
  }
}
