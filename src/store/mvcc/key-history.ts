import type { ValueRef } from './value-heap.ts';

/**
 * A key as a string of one character per byte: orders as bytes do, hashes as
 * strings do, and takes one byte per character on the heap.
 */
export type Key = string;

/** One write of one key. */
export interface Version {
  readonly history: KeyHistory;
  /** The store's revision that this write is part of, and its place in it. */
  readonly main: number;
  readonly sub: number;
  /** Revision of the key's creation; 0 of a deletion. */
  readonly create: number;
  /** Writes since the creation, this one too; 0 of a deletion. */
  readonly version: number;
  readonly lease: bigint;
  value: ValueRef;
}

/** All writes of one key since the last compaction, oldest first. */
export interface KeyHistory {
  readonly key: Key;
  versions: Version[];
}

/** The string of a key's bytes. */
export function keyOf(bytes: Uint8Array): Key {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

/** The bytes of a key. */
export function keyBytes(key: Key): Buffer {
  return Buffer.from(key, 'latin1');
}

/** Whether this write deleted the key. */
export function isTombstone(version: Version): boolean {
  return version.version === 0;
}

/** The write that is visible at `revision`; undefined when the key did not exist then. */
export function visibleAt(history: KeyHistory, revision: number): Version | undefined {
  const { versions } = history;
  for (let i = versions.length - 1; i >= 0; i -= 1) {
    const version = versions[i];
    if (version !== undefined && version.main <= revision) return isTombstone(version) ? undefined : version;
  }
  return undefined;
}

/** The write before `version`; undefined when that was a deletion, or is compacted. */
export function previous(version: Version): Version | undefined {
  const { versions } = version.history;
  const before = versions[versions.lastIndexOf(version) - 1];
  return before === undefined || isTombstone(before) ? undefined : before;
}

/** The part of a history that a compaction at `revision` keeps, as etcd's keyIndex.compact does. */
export function keptAt(history: KeyHistory, revision: number): Version[] {
  const { versions } = history;
  let last = -1;
  for (let i = 0; i < versions.length && (versions[i]?.main ?? Infinity) <= revision; i += 1) last = i;
  const version = versions[last];
  if (version === undefined) return versions;
  // A deletion at the very revision stays, for a watch may start there.
  const isGone = isTombstone(version) && version.main < revision;
  return versions.slice(isGone ? last + 1 : last);
}
