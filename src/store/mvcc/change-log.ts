import type { Version } from './key-history.ts';

/** The writes since the last compaction in the order they were made: what watches read. */
export class ChangeLog {
  #changes: Version[] = [];

  get length(): number {
    return this.#changes.length;
  }

  at(position: number): Version | undefined {
    return this.#changes[position];
  }

  push(version: Version): void {
    this.#changes.push(version);
  }

  /** Position of the first write of `revision` or later. */
  positionOf(revision: number): number {
    const last = this.#changes.at(-1);
    if (last === undefined || last.main < revision) return this.#changes.length; // a watch that is up to date
    let low = 0;
    let high = this.#changes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#changes[middle]?.main ?? 0) < revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Forgets the writes before `revision`. */
  compact(revision: number): void {
    const position = this.positionOf(revision);
    if (position > 0) this.#changes = this.#changes.slice(position);
  }

  /** Starts over. */
  clear(): void {
    this.#changes = [];
  }

  /** Puts in order what was pushed in any order. */
  sort(): void {
    this.#changes.sort((a, b) => a.main - b.main || a.sub - b.sub);
  }
}
