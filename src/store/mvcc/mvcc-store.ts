import { EtcdError } from '../etcd-api/etcd-error.ts';
import { ChangeLog } from './change-log.ts';
import { isTombstone, keptAt, visibleAt } from './key-history.ts';
import type { Key, Version } from './key-history.ts';
import { KeyIndex } from './key-index.ts';
import { EMPTY_VALUE, isSparse, ValueHeap, valueBytes } from './value-heap.ts';

/** A range of keys: one key, [key, end), or everything from key on. */
export interface KeyRange {
  readonly key: Key;
  /** Exclusive; null: to the last key. Absent: only `key`. */
  readonly end?: Key | null;
}

/** A write as it is restored from a checkpoint. */
export interface StoredVersion {
  readonly key: Key;
  readonly main: number;
  readonly sub: number;
  readonly create: number;
  readonly version: number;
  readonly lease: bigint;
  readonly value: Uint8Array;
}

/**
 * All keys with their history: revisions as etcd has them. The first write
 * makes revision 2, for an empty store is at 1. A change is made in
 * a transaction: `begin`, any `put` and `delete`, `end`; its writes share one
 * revision, and reads inside see them.
 */
export class MvccStore {
  readonly changes = new ChangeLog();
  #index = new KeyIndex();
  #values = new ValueHeap();
  #revision = 1;
  #compactRevision = 0;
  /** Number of the next write in the open transaction; -1 when none is open. */
  #sub = -1;
  #bytes = 0;

  /** The last revision; inside a transaction that has written, the one being made. */
  get revision(): number {
    return this.#sub > 0 ? this.#revision + 1 : this.#revision;
  }

  /** History before this revision is gone; 0 before the first compaction. */
  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** Bytes of keys, values and bookkeeping, as quota and database size count them. */
  get bytes(): number {
    return this.#bytes;
  }

  get keyCount(): number {
    return this.#index.size;
  }

  /** The write of `key` visible now. */
  get(key: Key): Version | undefined {
    const history = this.#index.get(key);
    return history === undefined ? undefined : visibleAt(history, this.revision);
  }

  /**
   * Calls `visit` with what is visible in the range at `revision` (0: now), in key order.
   *
   * @throws EtcdError Compacted, FutureRevision
   */
  visit(range: KeyRange, revision: number, visit: (version: Version) => void): void {
    if (revision > this.revision) throw new EtcdError('FutureRevision');
    if (revision > 0 && revision < this.#compactRevision) throw new EtcdError('Compacted');
    const at = revision > 0 ? revision : this.revision;
    const each = (history: Version['history']): void => {
      const version = visibleAt(history, at);
      if (version !== undefined) visit(version);
    };
    if (range.end === undefined) {
      const history = this.#index.get(range.key);
      if (history !== undefined) each(history);
    } else this.#index.visit(range.key, range.end ?? undefined, each);
  }

  /** Opens a transaction. */
  begin(): void {
    if (this.#sub !== -1) throw new Error('a transaction is open already');
    this.#sub = 0;
  }

  /** Closes the transaction; its revision counts only if it wrote. */
  end(): void {
    if (this.#sub > 0) this.#revision += 1;
    this.#sub = -1;
  }

  /** Writes a key; the bytes are copied. */
  put(key: Key, value: Uint8Array, lease: bigint): Version {
    const before = this.get(key);
    const main = this.#revision + 1;
    return this.#add({
      key,
      main,
      sub: this.#nextSub(),
      create: before?.create ?? main,
      version: (before?.version ?? 0) + 1,
      lease,
      value,
    });
  }

  /** Deletes what is visible in the range; gives what was there. */
  delete(range: KeyRange): Version[] {
    const deleted: Version[] = [];
    this.visit(range, 0, (version) => deleted.push(version));
    for (const { history } of deleted)
      this.#add({
        key: history.key,
        main: this.#revision + 1,
        sub: this.#nextSub(),
        create: 0,
        version: 0,
        lease: 0n,
        value: EMPTY_BYTES,
      });
    return deleted;
  }

  /** Forgets history before `revision`. @throws EtcdError Compacted, FutureRevision */
  compact(revision: number): void {
    if (revision <= this.#compactRevision) throw new EtcdError('Compacted');
    if (revision > this.#revision) throw new EtcdError('FutureRevision');
    this.#compactRevision = revision;
    this.changes.compact(revision);
    this.#index.prune((history) => {
      const kept = keptAt(history, revision);
      for (let i = 0; i < history.versions.length - kept.length; i += 1) this.#forget(history.versions[i]);
      history.versions = kept;
      return kept.length > 0;
    });
    this.#moveOutOfSparseSlabs();
  }

  /** Calls `visit` with every write that is kept, in key order, oldest first. */
  visitAll(visit: (version: Version) => void): void {
    this.#index.visit('', undefined, ({ versions }) => versions.forEach(visit));
  }

  /** Forgets everything, to be filled by `restoreVersion` and closed by `endRestore`; watches go on where they were. */
  beginRestore(revision: number, compactRevision: number): void {
    this.#index = new KeyIndex();
    this.#values = new ValueHeap();
    this.#bytes = 0;
    this.#revision = revision;
    this.#compactRevision = compactRevision;
    this.changes.clear();
  }

  /** Adds a write as it was stored; those of one key must come oldest first. */
  restoreVersion(stored: StoredVersion): void {
    const version = this.#add(stored, false);
    if (version.main >= this.#compactRevision) this.changes.push(version);
  }

  endRestore(): void {
    this.changes.sort();
  }

  #nextSub(): number {
    if (this.#sub === -1) throw new Error('a write outside of a transaction');
    return this.#sub++;
  }

  #add(stored: StoredVersion, isChange = true): Version {
    const history = this.#index.getOrAdd(stored.key);
    const { main, sub, create, version, lease } = stored;
    const value = stored.value.length === 0 ? EMPTY_VALUE : this.#values.store(stored.value);
    const added: Version = { history, main, sub, create, version, lease, value };
    // Most keys are written once between compactions, and an array that was pushed to has room for 17.
    if (history.versions.length === 0) history.versions = [added];
    else history.versions.push(added);
    if (isChange) this.changes.push(added);
    this.#bytes += VERSION_BYTES + stored.key.length + value.length;
    return added;
  }

  #forget(version: Version | undefined): void {
    if (version === undefined) return;
    this.#values.release(version.value);
    this.#bytes -= VERSION_BYTES + version.history.key.length + version.value.length;
  }

  #moveOutOfSparseSlabs(): void {
    this.visitAll((version) => {
      if (isTombstone(version) || version.value.length === 0 || !isSparse(version.value)) return;
      const old = version.value;
      version.value = this.#values.store(valueBytes(old));
      this.#values.release(old);
    });
  }
}

/** What a write costs beside its key and value, as etcd's quota estimates it (storage/quota.go). */
const VERSION_BYTES = 256;
const EMPTY_BYTES = new Uint8Array(0);
