import type { Entry, EntryId, Index, Term } from './entry.ts';
import { invariant } from './invariant.ts';
import type { LogSink } from './log-sink.ts';
import type { Snapshot } from './snapshot.ts';

/**
 * The end of the log that is not known to be on our disk: perhaps a snapshot, then entries from `offset` on. Its first
 * part may be on the way to the disk (in progress); new entries may replace that part before it has arrived.
 */
export class Unstable {
  readonly #log: LogSink;
  #snapshot: Snapshot | null = null;
  #isSnapshotInProgress = false;
  #entries: Entry[] = [];
  #offset: Index;
  /** At least `offset`. */
  #nextToWrite: Index;

  constructor(offset: Index, log: LogSink) {
    this.#offset = offset;
    this.#nextToWrite = offset;
    this.#log = log;
  }

  /** Index of the first entry in here; entries below it are in the storage. */
  get offset(): Index {
    return this.#offset;
  }

  /** The snapshot that is not yet on the disk, in progress or not. */
  get snapshot(): Snapshot | null {
    return this.#snapshot;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** First index that is not on its way to the disk. */
  get nextToWrite(): Index {
    return this.#nextToWrite;
  }

  /** undefined when only the storage knows. */
  lastIndex(): Index | undefined {
    return this.#entries.length > 0 ? this.#offset + this.#entries.length - 1 : this.#snapshot?.index;
  }

  /** undefined when the entry is not in here. */
  term(index: Index): Term | undefined {
    if (index >= this.#offset) return this.#entries[index - this.#offset]?.term;
    return this.#snapshot?.index === index ? this.#snapshot.term : undefined;
  }

  hasNextEntries(): boolean {
    return this.#nextToWrite - this.#offset < this.#entries.length;
  }

  /** Entries to be written that are not on their way. */
  nextEntries(): readonly Entry[] {
    return this.hasNextEntries() ? this.#entries.slice(this.#nextToWrite - this.#offset) : [];
  }

  /** The snapshot to be written, unless it is on its way. */
  nextSnapshot(): Snapshot | null {
    return this.#isSnapshotInProgress ? null : this.#snapshot;
  }

  /** Notes that all in here is now on its way to the disk. */
  accept(): void {
    this.#nextToWrite = this.#offset + this.#entries.length;
    if (this.#snapshot !== null) this.#isSnapshotInProgress = true;
  }

  /** Forgets the entries up to this one, which are on the disk, unless others have replaced them meanwhile. */
  stableTo({ index, term }: EntryId): void {
    const ours = this.term(index);
    if (ours === undefined) {
      this.#log.info(`entry at index ${index} missing from unstable log; ignoring`);
    } else if (index < this.#offset) {
      this.#log.info(`entry at index ${index} matched unstable snapshot; ignoring`);
    } else if (ours !== term) {
      const theirs = `(index,term)=(${index},${term})`;
      this.#log.info(`entry at ${theirs} mismatched with entry at (${index},${ours}) in unstable log; ignoring`);
    } else {
      this.#entries = this.#entries.slice(index + 1 - this.#offset);
      this.#offset = index + 1;
      this.#nextToWrite = Math.max(this.#nextToWrite, this.#offset);
    }
  }

  /** Forgets the snapshot, if it is this one: it is on the disk. */
  stableSnapshotTo(index: Index): void {
    if (this.#snapshot?.index !== index) return;
    this.#snapshot = null;
    this.#isSnapshotInProgress = false;
  }

  /** Replaces all by a snapshot. */
  restore(snapshot: Snapshot): void {
    this.#offset = snapshot.index + 1;
    this.#nextToWrite = this.#offset;
    this.#entries = [];
    this.#snapshot = snapshot;
    this.#isSnapshotInProgress = false;
  }

  /** Adds entries, in place of what stands from the first one's index on. */
  truncateAndAppend(entries: readonly Entry[]): void {
    const from = entries[0]?.index ?? 0;
    if (from === this.#offset + this.#entries.length) {
      for (const entry of entries) this.#entries.push(entry);
    } else if (from <= this.#offset) {
      this.#log.info(`replace the unstable entries from index ${from}`);
      this.#entries = [...entries];
      this.#offset = from;
      this.#nextToWrite = from;
    } else {
      this.#log.info(`truncate the unstable entries before index ${from}`);
      this.#entries = [...this.slice(this.#offset, from), ...entries];
      this.#nextToWrite = Math.min(this.#nextToWrite, from);
    }
  }

  /** Entries from `lo` to `hi - 1`, all in here. */
  slice(lo: Index, hi: Index): readonly Entry[] {
    const end = this.#offset + this.#entries.length;
    invariant(
      this.#offset <= lo && lo <= hi && hi <= end,
      () => `unstable.slice[${lo},${hi}) out of bound [${this.#offset},${end}]`,
    );
    return this.#entries.slice(lo - this.#offset, hi - this.#offset);
  }
}
