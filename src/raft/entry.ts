/** Position in the log; the first entry is 1, and 0 stands before it. A safe integer. */
export type Index = number;

/** Election period (Raft paper section 5.1); 0 before the first election. A safe integer. */
export type Term = number;

/**
 * A member of the group: 1 to 2^53 - 3.
 *
 * etcd's ids are random uint64. Ours stay below 2^53, so that they are plain numbers all through the core; whoever
 * needs 64 bits outside maps them at its edge. 0 is nobody, and the two highest numbers are the local storage threads.
 */
export type MemberId = number;

/** No member: no leader is known, no vote was cast. */
export const NONE: MemberId = 0;

/** Bytes without content, shared: never written to. */
export const EMPTY: Uint8Array = new Uint8Array(0);

/** What an entry holds: a command of the owner, or a membership change in one of its two encodings. */
export type EntryType = 'EntryNormal' | 'EntryConfChange' | 'EntryConfChangeV2';

/** One entry of the replicated log. Immutable once made: the core, the disk and the network share the same object. */
export interface Entry {
  readonly term: Term;
  readonly index: Index;
  readonly type: EntryType;
  readonly data: Uint8Array;
}

/** Names an entry: two logs that hold the same id agree on everything up to it (Raft paper section 5.3). */
export interface EntryId {
  readonly term: Term;
  readonly index: Index;
}

/** Bytes that a safe integer takes as a protobuf varint. */
export function varintSize(value: number): number {
  let size = 1;
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) size += 1;
  return size;
}

/** Size in bytes of an entry as etcd's raftpb.Entry encodes it: the unit of every limit but the uncommitted one. */
export function entrySize({ term, index, type, data }: Entry): number {
  const typeSize = type === 'EntryNormal' ? 0 : 2;
  const dataSize = data.length === 0 ? 0 : 1 + varintSize(data.length) + data.length;
  return typeSize + 1 + varintSize(term) + 1 + varintSize(index) + dataSize;
}

/** Sum of `entrySize`. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entrySize(entry);
  return size;
}

/** Bytes of the owner's data in these entries: an empty entry weighs nothing, so that a leader may always append one. */
export function payloadSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const entry of entries) size += entry.data.length;
  return size;
}

/** The longest prefix of at most `maxBytes`, but at least one entry if there is any. May return its argument. */
export function limitSize(entries: readonly Entry[], maxBytes: number): readonly Entry[] {
  let size = 0;
  for (const [count, entry] of entries.entries()) {
    size += entrySize(entry);
    if (size > maxBytes && count > 0) return entries.slice(0, count);
  }
  return entries;
}
