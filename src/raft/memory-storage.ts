import { entrySize } from './entry.ts';
import type { Entry, Index, Term } from './entry.ts';
import { invariant } from './invariant.ts';
import { EMPTY_SNAPSHOT } from './snapshot.ts';
import type { ConfState, Snapshot } from './snapshot.ts';
import { EMPTY_HARD_STATE } from './storage.ts';
import type { HardState, Storage } from './storage.ts';

/** A stable log in memory: for tests, and as the readable half of a log whose other half is a file. */
export class MemoryStorage implements Storage {
  #hardState: HardState = EMPTY_HARD_STATE;
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  /** Index and term of the last compacted entry. */
  #base: { index: Index; term: Term } = { index: 0, term: 0 };
  #entries: Entry[] = [];

  initialState(): { hardState: HardState; confState: ConfState } {
    return { hardState: this.#hardState, confState: this.#snapshot.confState };
  }

  firstIndex(): Index {
    return this.#base.index + 1;
  }

  lastIndex(): Index {
    return this.#base.index + this.#entries.length;
  }

  term(index: Index): Term | undefined {
    if (index === this.#base.index) return this.#base.term;
    return this.#entries[index - this.#base.index - 1]?.term;
  }

  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | undefined {
    const first = this.firstIndex();
    if (lo < first) return undefined;
    invariant(
      hi <= this.lastIndex() + 1,
      () => `entries up to ${hi} were asked of a log that ends at ${this.lastIndex()}`,
    );
    const from = lo - first;
    let to = from;
    // Cut before copying: a member that lags asks for all that there is, time and again.
    for (let bytes = 0; to < hi - first; to += 1) {
      const entry = this.#entries[to];
      bytes += entry === undefined ? 0 : entrySize(entry);
      if (bytes > maxBytes && to > from) break;
    }
    return this.#entries.slice(from, to);
  }

  snapshot(): Snapshot {
    return this.#snapshot;
  }

  setHardState(state: HardState): void {
    this.#hardState = state;
  }

  /** Replaces what stands from the first entry's index on. Entries that are compacted already are skipped. */
  append(entries: readonly Entry[]): void {
    const fresh = entries.filter((entry) => entry.index > this.#base.index);
    const [head] = fresh;
    if (head === undefined) return;
    const keep = head.index - this.firstIndex();
    invariant(keep <= this.#entries.length, () => `entries are missing between ${this.lastIndex()} and ${head.index}`);
    this.#entries.length = keep;
    for (const entry of fresh) this.#entries.push(entry);
  }

  /** Replaces the whole log by a snapshot. False if ours is as new. */
  applySnapshot(snapshot: Snapshot): boolean {
    if (this.#snapshot.index !== 0 && this.#snapshot.index >= snapshot.index) return false;
    this.#snapshot = snapshot;
    this.#base = { index: snapshot.index, term: snapshot.term };
    this.#entries = [];
    return true;
  }

  /** Notes that the owner's state at `index` is `data`. Compaction is a call of its own. */
  createSnapshot(index: Index, confState: ConfState, data: Uint8Array): Snapshot {
    const term = this.term(index);
    invariant(
      term !== undefined,
      () => `a snapshot at ${index}, of a log from ${this.firstIndex()} to ${this.lastIndex()}`,
    );
    this.#snapshot = { index, term, confState, data };
    return this.#snapshot;
  }

  /** Drops the entries up to and including `index`, which the owner has in a snapshot. */
  compact(index: Index): void {
    const term = this.term(index);
    invariant(
      term !== undefined,
      () => `compaction at ${index}, of a log from ${this.firstIndex()} to ${this.lastIndex()}`,
    );
    this.#entries = this.#entries.slice(index - this.#base.index);
    this.#base = { index, term };
  }
}
