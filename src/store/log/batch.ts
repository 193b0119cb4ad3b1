import { crc32 } from 'node:zlib';
import { field, message, repeated } from '../../host/protobuf.ts';
import type { Entry, EntryType } from '../../raft/entry.ts';
import type { HardState } from '../../raft/storage.ts';
import { toBlocks } from './block.ts';

/** What is written with one flush. */
export interface Batch {
  /** The hard state after this batch: in every one, so that no segment is needed only for it. */
  readonly hardState: HardState;
  /** In the order given: each replaces what stood at its index and after. */
  readonly entries: readonly Entry[];
  /** Not 0: a snapshot up to this index took the place of the whole log before `entries`. */
  readonly resetIndex: number;
}

/** Where a batch stands in the chain of all batches. */
export interface Link {
  /** Number of the segment's life: a recycled segment's old batches carry another. */
  readonly salt: bigint;
  /** Counts batches over the whole life of the log. */
  readonly sequence: number;
  /** Checksum of the batch before; of the first one of a log 0. */
  readonly previousCrc: number;
}

/** A batch as found on the disk. */
export interface FoundBatch {
  readonly link: Link;
  readonly crc: number;
  readonly batch: Batch;
  /** In whole blocks. */
  readonly bytes: number;
}

interface StoredEntry {
  readonly term: number;
  readonly index: number;
  readonly type: number;
  readonly data: Buffer;
}

interface StoredBatch {
  readonly term: number;
  readonly vote: number;
  readonly commit: number;
  readonly resetIndex: number;
  readonly entries: readonly StoredEntry[];
}

const storedEntry = message<StoredEntry>('LogEntry', {
  term: field(1, 'uint64'),
  index: field(2, 'uint64'),
  type: field(3, 'int32'),
  data: field(4, 'bytes'),
});
const storedBatch = message<StoredBatch>('LogBatch', {
  term: field(1, 'uint64'),
  vote: field(2, 'uint64'),
  commit: field(3, 'uint64'),
  resetIndex: field(4, 'uint64'),
  entries: repeated(5, storedEntry),
});

const TYPES: readonly EntryType[] = ['EntryNormal', 'EntryConfChange', 'EntryConfChangeV2'];
const MAGIC = 0x42724c62; // "BrLb"
/** magic 4, crc 4, payload length 4, previous crc 4, salt 8, sequence 8 */
const HEADER_BYTES = 32;
const CRC_OFFSET = 4;
const COVERED_OFFSET = 8;

/** The bytes of a batch, padded with zeroes to whole blocks, and its checksum. */
export function encodeBatch(batch: Batch, link: Link): { readonly bytes: Buffer; readonly crc: number } {
  const { term, vote, commit } = batch.hardState;
  const entries = batch.entries.map(({ term, index, type, data }) => ({
    term,
    index,
    type: TYPES.indexOf(type),
    data: data as Buffer,
  }));
  const framed = storedBatch.encode({ term, vote, commit, resetIndex: batch.resetIndex, entries }, HEADER_BYTES);
  framed.writeUInt32BE(MAGIC, 0);
  framed.writeUInt32BE(framed.length - HEADER_BYTES, 8);
  framed.writeUInt32BE(link.previousCrc, 12);
  framed.writeBigUInt64BE(link.salt, 16);
  framed.writeBigUInt64BE(BigInt(link.sequence), 24);
  const crc = crc32(framed.subarray(COVERED_OFFSET));
  framed.writeUInt32BE(crc, CRC_OFFSET);
  const bytes = Buffer.alloc(toBlocks(framed.length));
  framed.copy(bytes);
  return { bytes, crc };
}

/** The batch at `position`, if one stands there whole and undamaged; its entries are views into `segment`. */
export function decodeBatch(segment: Buffer, position: number): FoundBatch | undefined {
  if (segment.length - position < HEADER_BYTES || segment.readUInt32BE(position) !== MAGIC) return undefined;
  const end = position + HEADER_BYTES + segment.readUInt32BE(position + 8);
  if (end > segment.length) return undefined;
  const crc = segment.readUInt32BE(position + CRC_OFFSET);
  if (crc32(segment.subarray(position + COVERED_OFFSET, end)) !== crc) return undefined;
  const stored = storedBatch.decode(segment.subarray(position + HEADER_BYTES, end));
  const { term, vote, commit, resetIndex } = stored;
  const entries = stored.entries.map((entry) => ({ ...entry, type: TYPES[entry.type] ?? 'EntryNormal' }));
  return {
    link: {
      previousCrc: segment.readUInt32BE(position + 12),
      salt: segment.readBigUInt64BE(position + 16),
      sequence: Number(segment.readBigUInt64BE(position + 24)),
    },
    crc,
    batch: { hardState: { term, vote, commit }, entries, resetIndex },
    bytes: toBlocks(end - position),
  };
}
