import type { Entry, Index, MemberId, Term } from '../../../src/raft/entry.ts';
import { MemoryStorage } from '../../../src/raft/memory-storage.ts';
import type { Snapshot } from '../../../src/raft/snapshot.ts';
import type { HardState, Storage } from '../../../src/raft/storage.ts';
import type { Durable } from './checker.ts';
import type { Random } from './random.ts';

/** What is written in one piece. */
export type DiskRecord =
  | { readonly kind: 'vote'; readonly term: Term; readonly vote: MemberId }
  | { readonly kind: 'commit'; readonly commit: Index }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'entry'; readonly entry: Entry }
  | { readonly kind: 'compact'; readonly snapshot: Snapshot; readonly index: Index };

/**
 * A disk that keeps what was flushed, and of the rest, at a crash, any first part of the records.
 * The member reads what it has written, flushed or not.
 */
export class SimDisk implements Storage, Durable {
  #durable = new MemoryStorage();
  #written = new MemoryStorage();
  #unflushed: DiskRecord[] = [];
  readonly #random: Random;
  /** A snapshot for others must be of the newest state: one from before a member joined is refused by that member. */
  newest: () => Snapshot | undefined = () => undefined;
  /** A disk that lies forgets one flush in so many, and says that it was done. */
  readonly #liesOneIn: number;

  constructor(random: Random, liesOneIn = Infinity) {
    this.#random = random;
    this.#liesOneIn = liesOneIn;
  }

  write(records: readonly DiskRecord[]): void {
    for (const record of records) {
      apply(this.#written, record);
      this.#unflushed.push(record);
    }
  }

  flush(): void {
    if (!this.#random.oneIn(this.#liesOneIn)) this.found();
  }

  /** Makes all that is written so far durable, whatever the disk is like. */
  found(): void {
    for (const record of this.#unflushed) apply(this.#durable, record);
    this.#unflushed = [];
  }

  /** Loses what was not flushed, but for a first part of it. */
  crash(): void {
    const kept = this.#unflushed.slice(0, this.#random.below(this.#unflushed.length + 1));
    for (const record of kept) apply(this.#durable, record);
    this.#unflushed = [];
    this.#written = copyOf(this.#durable);
  }

  /** A copy of the log as written. */
  copy(): MemoryStorage {
    return copyOf(this.#written);
  }

  /** Whether the entry, or a snapshot after it, would survive a crash. */
  isDurable(index: Index, term: Term): boolean {
    return this.#durable.firstIndex() > index || this.#durable.term(index) === term;
  }

  durableState(): HardState {
    return this.#durable.initialState().hardState;
  }

  durableLastIndex(): Index {
    return this.#durable.lastIndex();
  }

  /** A torn write can leave a commit index that is behind the snapshot or ahead of the log. */
  initialState(): ReturnType<MemoryStorage['initialState']> {
    const { hardState, confState } = this.#written.initialState();
    const commit = Math.min(Math.max(hardState.commit, this.#written.snapshot().index), this.lastIndex());
    return { hardState: { ...hardState, commit }, confState };
  }

  firstIndex(): Index {
    return this.#written.firstIndex();
  }

  lastIndex(): Index {
    return this.#written.lastIndex();
  }

  term(index: Index): Term | undefined {
    return this.#written.term(index);
  }

  entries(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | undefined {
    return this.#written.entries(lo, hi, maxBytes);
  }

  /** Now and then not ready. */
  snapshot(): Snapshot | undefined {
    return this.#random.oneIn(4) ? undefined : this.newest();
  }

  latestSnapshot(): Snapshot {
    return this.#written.snapshot();
  }
}

function apply(storage: MemoryStorage, record: DiskRecord): void {
  const { hardState } = storage.initialState();
  switch (record.kind) {
    case 'vote':
      storage.setHardState({ ...hardState, term: record.term, vote: record.vote });
      break;
    case 'commit':
      storage.setHardState({ ...hardState, commit: record.commit });
      break;
    case 'snapshot':
      storage.applySnapshot(record.snapshot);
      break;
    case 'entry':
      storage.append([record.entry]);
      break;
    case 'compact':
      storage.createSnapshot(record.snapshot.index, record.snapshot.confState, record.snapshot.data);
      storage.compact(record.index);
      break;
    default:
      record satisfies never;
  }
}

function copyOf(from: MemoryStorage): MemoryStorage {
  const copy = new MemoryStorage();
  const snapshot = from.snapshot();
  const base = from.firstIndex() - 1;
  copy.applySnapshot({ ...snapshot, index: base, term: from.term(base) ?? 0 });
  copy.append(from.entries(base + 1, from.lastIndex() + 1, Infinity) ?? []);
  if (snapshot.index > base) copy.createSnapshot(snapshot.index, snapshot.confState, snapshot.data);
  copy.setHardState(from.initialState().hardState);
  return copy;
}
