import { crc32 } from 'node:zlib';
import { BLOCK_BYTES } from './block.ts';

/** The first block of a segment: which one it is, and what the batch before it was. */
export interface SegmentHeader {
  readonly number: number;
  /** Chosen anew for each life of the file. */
  readonly salt: bigint;
  /** Sequence and checksum of the last batch before this segment; 0 and 0 at the start of a log. */
  readonly previousSequence: number;
  readonly previousCrc: number;
}

const MAGIC = 0x42724c73; // "BrLs"
const VERSION = 1;
const COVERED_OFFSET = 8;
const COVERED_END = 48;

/** The header's block. */
export function encodeSegmentHeader(header: SegmentHeader): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.writeUInt32BE(MAGIC, 0);
  block.writeUInt32BE(VERSION, 8);
  block.writeUInt32BE(header.previousCrc, 12);
  block.writeBigUInt64BE(BigInt(header.number), 16);
  block.writeBigUInt64BE(header.salt, 24);
  block.writeBigUInt64BE(BigInt(header.previousSequence), 32);
  block.writeUInt32BE(crc32(block.subarray(COVERED_OFFSET, COVERED_END)), 4);
  return block;
}

/** The header of a segment; undefined when its block is not whole. @throws RangeError a later version of the format */
export function decodeSegmentHeader(segment: Buffer): SegmentHeader | undefined {
  if (segment.length < BLOCK_BYTES || segment.readUInt32BE(0) !== MAGIC) return undefined;
  if (crc32(segment.subarray(COVERED_OFFSET, COVERED_END)) !== segment.readUInt32BE(4)) return undefined;
  const version = segment.readUInt32BE(8);
  if (version !== VERSION) throw new RangeError(`the log has format ${version}: this is ${VERSION}`);
  return {
    previousCrc: segment.readUInt32BE(12),
    number: Number(segment.readBigUInt64BE(16)),
    salt: segment.readBigUInt64BE(24),
    previousSequence: Number(segment.readBigUInt64BE(32)),
  };
}
