import { aged, cacheSeconds, layoutOf, type Layout } from './wire.ts';

interface Entry {
  readonly message: Buffer;
  readonly layout: Layout;
  readonly atMs: number;
  readonly untilMs: number;
}

/** Answers of upstream resolvers kept at once; about 2 MB. */
const ENTRIES_MAX = 4096;
/** Longer than an hour nothing is believed (CoreDNS's cache), "no such name" half an hour. */
const SECONDS_MAX = 3600;

/** Answers of upstream resolvers, kept for as long as they say. The least recently used go first. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();

  /** The answer with what is left of its times to live; undefined when there is none. */
  get(key: string, nowMs: number): Buffer | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    if (nowMs >= entry.untilMs) return undefined;
    this.#entries.set(key, entry); // last in the order of the map: used last
    return aged(entry.message, entry.layout, Math.floor((nowMs - entry.atMs) / 1000));
  }

  put(key: string, message: Buffer, nowMs: number): void {
    const layout = layoutOf(message);
    const seconds = layout === undefined ? 0 : Math.min(cacheSeconds(message, layout), SECONDS_MAX);
    if (layout === undefined || seconds === 0) return;
    this.#entries.set(key, { message, layout, atMs: nowMs, untilMs: nowMs + seconds * 1000 });
    const [oldest = ''] = this.#entries.keys();
    if (this.#entries.size > ENTRIES_MAX) this.#entries.delete(oldest);
  }
}
