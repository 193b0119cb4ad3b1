import { entriesSize, limitSize } from './entry.ts';
import type { Entry, EntryId, Index, Term } from './entry.ts';
import { invariant } from './invariant.ts';
import type { LogSink } from './log-sink.ts';
import type { Snapshot } from './snapshot.ts';
import type { Storage } from './storage.ts';
import { Unstable } from './unstable.ts';

/**
 * A member's whole log: what the storage holds, then what is not stable yet.
 *
 * Invariant: applied <= applying <= committed <= lastIndex.
 */
export class RaftLog {
  readonly unstable: Unstable;
  readonly #storage: Storage;
  readonly #log: LogSink;
  readonly #applyingBytesMax: number;
  #committed: Index;
  #applying: Index;
  #applied: Index;
  /** Handed out to be applied, and not yet acknowledged. */
  #applyingBytes = 0;
  #isApplyingPaused = false;

  /** @param applyingBytesMax of committed entries handed out and not yet acknowledged */
  constructor(storage: Storage, log: LogSink, applyingBytesMax: number) {
    this.#storage = storage;
    this.#log = log;
    this.#applyingBytesMax = applyingBytesMax;
    const compacted = storage.firstIndex() - 1;
    this.unstable = new Unstable(storage.lastIndex() + 1, log);
    this.#committed = compacted;
    this.#applying = compacted;
    this.#applied = compacted;
  }

  /** Highest index known to be on a quorum's disks. */
  get committed(): Index {
    return this.#committed;
  }

  /** Highest index that the owner has applied. */
  get applied(): Index {
    return this.#applied;
  }

  firstIndex(): Index {
    const { snapshot } = this.unstable;
    return snapshot === null ? this.#storage.firstIndex() : snapshot.index + 1;
  }

  lastIndex(): Index {
    return this.unstable.lastIndex() ?? this.#storage.lastIndex();
  }

  lastId(): EntryId {
    const index = this.lastIndex();
    const term = this.term(index);
    invariant(term !== undefined, () => `the log has no term at its last index ${index}`);
    return { term, index };
  }

  /** undefined when the entry is compacted, or not there yet. That of the last compacted entry is known. */
  term(index: Index): Term | undefined {
    const term = this.unstable.term(index);
    if (term !== undefined) return term;
    if (index + 1 < this.firstIndex() || index > this.lastIndex()) return undefined;
    return this.#storage.term(index);
  }

  hasEntry({ term, index }: EntryId): boolean {
    return this.term(index) === term;
  }

  /** Whether a log that ends so holds at least what ours does (Raft paper section 5.4.1). */
  isUpToDate(their: EntryId): boolean {
    const our = this.lastId();
    return their.term > our.term || (their.term === our.term && their.index >= our.index);
  }

  /**
   * Appends a leader's entries after `previous`, and commits as far as it has and we hold the same.
   *
   * @returns the last index now known to be the leader's; undefined when we do not have `previous`
   */
  maybeAppend(previous: EntryId, entries: readonly Entry[], leaderCommit: Index): Index | undefined {
    if (!this.hasEntry(previous)) return undefined;
    const last = previous.index + entries.length;
    const fresh = this.#firstConflict(entries);
    if (fresh !== undefined) {
      invariant(
        fresh > this.#committed,
        () => `entry ${fresh} conflict with committed entry [committed(${this.#committed})]`,
      );
      this.append(entries.slice(fresh - previous.index - 1));
    }
    this.commitTo(Math.min(leaderCommit, last));
    return last;
  }

  /** Adds entries, in place of what stands from the first one's index on. */
  append(entries: readonly Entry[]): Index {
    const [head] = entries;
    if (head !== undefined) {
      const after = head.index - 1;
      invariant(after >= this.#committed, () => `after(${after}) is out of range [committed(${this.#committed})]`);
      this.unstable.truncateAndAppend(entries);
    }
    return this.lastIndex();
  }

  /**
   * Where this log may agree with one that has `term` at `index`: the highest index, up to that, whose term is no
   * higher. Every index in between has a term that the other log has not reached there, so it cannot be the same.
   * The term found is 0 when the entry is not in our log any more, or not yet.
   */
  findConflictByTerm(index: Index, term: Term): EntryId {
    for (let at = index; at > 0; at -= 1) {
      const ours = this.term(at);
      if (ours === undefined) return { index: at, term: 0 };
      if (ours <= term) return { index: at, term: ours };
    }
    return { index: 0, term: 0 };
  }

  /** Never goes back. */
  commitTo(index: Index): void {
    if (index <= this.#committed) return;
    const last = this.lastIndex();
    invariant(
      index <= last,
      () => `tocommit(${index}) is out of range [lastIndex(${last})]. Was the raft log corrupted, truncated, or lost?`,
    );
    this.#committed = index;
  }

  /** Commits up to an entry of the leader's own term; false if that is not ahead (Raft paper section 5.4.2, figure 8). */
  maybeCommit(id: EntryId): boolean {
    if (id.term === 0 || id.index <= this.#committed || !this.hasEntry(id)) return false;
    this.commitTo(id.index);
    return true;
  }

  /** The commit index found at start. */
  loadCommit(commit: Index): void {
    const last = this.lastIndex();
    invariant(
      commit >= this.#committed && commit <= last,
      () => `state.commit ${commit} is out of range [${this.#committed}, ${last}]`,
    );
    this.#committed = commit;
  }

  appliedTo(index: Index, bytes: number): void {
    invariant(
      this.#applied <= index && index <= this.#committed,
      () => `applied(${index}) is out of range [prevApplied(${this.#applied}), committed(${this.#committed})]`,
    );
    this.#applied = index;
    this.#applying = Math.max(this.#applying, index);
    this.#applyingBytes = Math.max(0, this.#applyingBytes - bytes);
    this.#isApplyingPaused = this.#applyingBytes >= this.#applyingBytesMax;
  }

  /** Notes that entries up to `index` were handed out. */
  acceptApplying(index: Index, bytes: number, allowUnstable: boolean): void {
    invariant(
      index <= this.#committed,
      () => `applying(${index}) is out of range [prevApplying(${this.#applying}), committed(${this.#committed})]`,
    );
    this.#applying = index;
    this.#applyingBytes += bytes;
    // Fewer entries than there are were handed out only if the next one would have passed the limit.
    this.#isApplyingPaused =
      this.#applyingBytes >= this.#applyingBytesMax || index < this.#appliableIndex(allowUnstable);
  }

  hasNextCommitted(allowUnstable: boolean): boolean {
    // A snapshot that is not stored yet goes first, alone.
    if (this.#isApplyingPaused || this.unstable.snapshot !== null) return false;
    return this.#applying < this.#appliableIndex(allowUnstable);
  }

  /** Committed entries to be applied, within the limit. `allowUnstable`: also those not on our own disk yet. */
  nextCommitted(allowUnstable: boolean): readonly Entry[] {
    if (!this.hasNextCommitted(allowUnstable)) return [];
    const room = this.#applyingBytesMax - this.#applyingBytes;
    const entries = this.slice(this.#applying + 1, this.#appliableIndex(allowUnstable) + 1, room);
    invariant(entries !== undefined, 'entries that are not applied yet were compacted');
    return entries;
  }

  /** Entries from `index` on; undefined when compacted. */
  entriesFrom(index: Index, maxBytes: number): readonly Entry[] | undefined {
    const last = this.lastIndex();
    return index > last ? [] : this.slice(index, last + 1, maxBytes);
  }

  /** Entries from `lo` to `hi - 1`, cut to `maxBytes` but not to none; undefined when compacted. */
  slice(lo: Index, hi: Index, maxBytes: number): readonly Entry[] | undefined {
    const first = this.firstIndex();
    if (lo < first) return undefined;
    const last = this.lastIndex();
    invariant(lo <= hi && hi <= last + 1, () => `slice[${lo},${hi}) out of bound [${first},${last}]`);
    if (lo === hi) return [];
    const { offset } = this.unstable;
    if (lo >= offset) return limitSize(this.unstable.slice(lo, hi), maxBytes);
    const cut = Math.min(hi, offset);
    const stable = this.#storage.entries(lo, cut, maxBytes);
    if (stable === undefined || hi <= offset || stable.length < cut - lo) return stable;
    const room = maxBytes - entriesSize(stable);
    if (room <= 0) return stable;
    const rest = limitSize(this.unstable.slice(offset, hi), room);
    // limitSize gives one entry even if that is too large.
    return rest.length === 1 && entriesSize(rest) > room ? stable : [...stable, ...rest];
  }

  /** Whether any committed entry that is not applied satisfies `test`. Reads the log page by page. */
  someUnapplied(test: (entry: Entry) => boolean): boolean {
    for (let lo = this.#applied + 1; lo <= this.#committed;) {
      const page = this.slice(lo, this.#committed + 1, this.#applyingBytesMax);
      invariant(page !== undefined && page.length > 0, 'entries that are not applied yet were compacted');
      if (page.some(test)) return true;
      lo += page.length;
    }
    return false;
  }

  /** The latest snapshot; undefined while it is being made. */
  snapshot(): Snapshot | undefined {
    return this.unstable.snapshot ?? this.#storage.snapshot();
  }

  /** Replaces the whole log by a snapshot, whose entries are all committed. */
  restore(snapshot: Snapshot): void {
    const { index, term } = snapshot;
    this.#log.info(`log [${this.describe()}] starts to restore snapshot [index: ${index}, term: ${term}]`);
    this.#committed = index;
    this.unstable.restore(snapshot);
  }

  /** As it stands in a line for an operator. */
  describe(): string {
    const { offset, length } = this.unstable;
    const next = this.unstable.nextToWrite;
    return [
      `committed=${this.#committed}, applied=${this.#applied}, applying=${this.#applying}`,
      `unstable.offset=${offset}, unstable.offsetInProgress=${next}, len(unstable.Entries)=${length}`,
    ].join(', ');
  }

  #appliableIndex(allowUnstable: boolean): Index {
    return allowUnstable ? this.#committed : Math.min(this.#committed, this.unstable.offset - 1);
  }

  /** The first of these entries that we do not hold, in place of which we may hold another. */
  #firstConflict(entries: readonly Entry[]): Index | undefined {
    const fresh = entries.find((entry) => !this.hasEntry(entry));
    if (fresh !== undefined && fresh.index <= this.lastIndex()) {
      const existing = this.term(fresh.index) ?? 0;
      this.#log.info(
        `found conflict at index ${fresh.index} [existing term: ${existing}, conflicting term: ${fresh.term}]`,
      );
    }
    return fresh?.index;
  }
}
