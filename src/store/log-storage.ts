import { MemoryStorage } from '../raft/memory-storage.ts';
import type { Entry, Index, Term } from '../raft/entry.ts';
import { entrySize } from '../raft/entry.ts';
import type { ConfState, Snapshot } from '../raft/snapshot.ts';
import type { HardState, Storage } from '../raft/storage.ts';
import { EMPTY } from '../raft/entry.ts';
import { EntryBytes } from './log/entry-bytes.ts';

/** Entries kept in memory for members that lag; one that lags more gets a snapshot. */
const KEPT_BYTES = 8 << 20;
/** Entries in memory before those beyond what is kept are dropped. */
const TRIM_BYTES = 10 << 20;

/** The log as Raft reads it: the newest part of it, in memory; the disk holds the same for the next start. */
export class LogStorage implements Storage {
  readonly #memory = new MemoryStorage();
  readonly #bytesOfEntries = new EntryBytes();
  readonly #makeSnapshot: () => Snapshot;
  #bytes = 0;

  /** @param makeSnapshot captures the present state, for a member that lags */
  constructor(makeSnapshot: () => Snapshot) {
    this.#makeSnapshot = makeSnapshot;
  }

  /** Starts from what the disk held. */
  restore(
    hardState: HardState,
    base: { index: Index; term: Term; confState: ConfState },
    entries: readonly Entry[],
  ): void {
    this.#memory.applySnapshot({ ...base, data: EMPTY });
    this.#memory.setHardState(hardState);
    for (const entry of entries) this.#bytes += entrySize(entry);
    this.#memory.append(entries); // their bytes are their own already
  }

  initialState(): { readonly hardState: HardState; readonly confState: ConfState } {
    return this.#memory.initialState();
  }

  firstIndex(): Index {
    return this.#memory.firstIndex();
  }

  lastIndex(): Index {
    return this.#memory.lastIndex();
  }

  term(index: Index): Term | undefined {
    return this.#memory.term(index);
  }

  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | undefined {
    return this.#memory.entries(lo, hi, maxBytes);
  }

  snapshot(): Snapshot {
    return this.#makeSnapshot();
  }

  append(entries: readonly Entry[]): void {
    for (const entry of entries) this.#bytes += entrySize(entry);
    this.#memory.append(entries.map((entry) => this.#bytesOfEntries.keep(entry)));
  }

  /** Replaces the whole log. */
  applySnapshot(snapshot: Snapshot): void {
    this.#memory.applySnapshot(snapshot);
    this.#bytes = 0;
  }

  /** Drops applied entries beyond what is kept for members that lag. */
  trim(applied: Index): void {
    if (this.#bytes < TRIM_BYTES) return;
    const first = this.#memory.firstIndex();
    const all = this.#memory.entries(first, applied + 1, Infinity) ?? [];
    let kept = 0;
    let at = all.length - 1;
    for (; at >= 0 && kept < KEPT_BYTES; at -= 1) kept += entrySize(all[at] ?? NOTHING);
    if (at >= 0) this.#memory.compact(first + at);
    this.#bytes = kept;
  }
}

const NOTHING: Entry = { term: 0, index: 0, type: 'EntryNormal', data: EMPTY };
