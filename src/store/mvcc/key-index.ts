import type { Key, KeyHistory } from './key-history.ts';

/** A chunk that grows beyond this is cut in two. */
const CHUNK_LENGTH_MAX = 1024;

/** Keys in byte order: a map for single keys, and sorted chunks for ranges. */
export class KeyIndex {
  readonly #byKey = new Map<Key, KeyHistory>();
  #chunks: KeyHistory[][] = [];

  get size(): number {
    return this.#byKey.size;
  }

  get(key: Key): KeyHistory | undefined {
    return this.#byKey.get(key);
  }

  /** The history of `key`, made empty if there is none. */
  getOrAdd(key: Key): KeyHistory {
    const found = this.#byKey.get(key);
    if (found !== undefined) return found;
    const history: KeyHistory = { key, versions: [] };
    this.#byKey.set(key, history);
    this.#insert(history);
    return history;
  }

  /** Calls `visit` for each history from `from` (inclusive) to `end` (exclusive, undefined: to the last), in order. */
  visit(from: Key, end: Key | undefined, visit: (history: KeyHistory) => void): void {
    let at = this.#chunkOf(from);
    let start = lowerBound(this.#chunks[at] ?? [], from);
    for (; at < this.#chunks.length; at += 1, start = 0) {
      const chunk = this.#chunks[at] ?? [];
      for (let i = start; i < chunk.length; i += 1) {
        const history = chunk[i];
        if (history === undefined) continue;
        if (end !== undefined && history.key >= end) return;
        visit(history);
      }
    }
  }

  /** Drops the histories that `isKept` refuses. */
  prune(isKept: (history: KeyHistory) => boolean): void {
    this.#chunks = this.#chunks
      .map((chunk) =>
        chunk.filter((history) => {
          if (isKept(history)) return true;
          this.#byKey.delete(history.key);
          return false;
        }),
      )
      .filter((chunk) => chunk.length > 0);
  }

  #insert(history: KeyHistory): void {
    if (this.#chunks.length === 0) {
      this.#chunks.push([history]);
      return;
    }
    const at = this.#chunkOf(history.key);
    const chunk = this.#chunks[at] ?? [];
    chunk.splice(lowerBound(chunk, history.key), 0, history);
    if (chunk.length > CHUNK_LENGTH_MAX) this.#chunks.splice(at + 1, 0, chunk.splice(CHUNK_LENGTH_MAX / 2));
  }

  /** Index of the last chunk that starts at or before `key`; the first when none does. */
  #chunkOf(key: Key): number {
    let low = 0;
    let high = this.#chunks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#chunks[middle]?.[0]?.key ?? '') <= key) low = middle;
      else high = middle;
    }
    return low;
  }
}

/** Index of the first history at or after `key`. */
function lowerBound(chunk: readonly KeyHistory[], key: Key): number {
  let low = 0;
  let high = chunk.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chunk[middle]?.key ?? '') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
