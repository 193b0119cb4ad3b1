import { crc32 } from 'node:zlib';
import type { Disk } from '../../host/disk.ts';
import { field, message, repeated } from '../../host/protobuf.ts';
import type { ConfState } from '../../raft/snapshot.ts';
import { LogDamagedError } from './block.ts';

/** What a checkpoint is of: the state after an entry, and the Raft configuration then. */
export interface CheckpointMeta {
  readonly index: number;
  readonly term: number;
  readonly confState: ConfState;
}

/** The wire form of a Raft configuration. */
export const confState = message<ConfState>('ConfState', {
  voters: repeated(1, 'uint64'),
  votersOutgoing: repeated(2, 'uint64'),
  learners: repeated(3, 'uint64'),
  learnersNext: repeated(4, 'uint64'),
  autoLeave: field(5, 'bool'),
});
const metaType = message<CheckpointMeta>('CheckpointMeta', {
  index: field(1, 'uint64'),
  term: field(2, 'uint64'),
  confState: field(3, confState),
});

const MAGIC = 0x42724c63; // "BrLc"
const VERSION = 1;
/** magic 4, version 4, length of meta 4 */
const HEADER_BYTES = 12;
/** length of everything before 8, crc of everything before 4 */
const FOOTER_BYTES = 12;
const NAME = /^checkpoint-(\d+)$/;

/** Writes a checkpoint in place of all older ones; gives its length in bytes. */
export async function writeCheckpoint(disk: Disk, meta: CheckpointMeta, state: Iterable<Buffer>): Promise<number> {
  const name = `checkpoint-${meta.index}`;
  const length = await disk.replace(name, framed(meta, state));
  await removeOlder(disk);
  return length;
}

/** A checkpoint that was found whole. */
export interface FoundCheckpoint {
  readonly meta: CheckpointMeta;
  /** Length of the file. */
  readonly bytes: number;
  /** Reads the state's bytes, in order and once; each piece is valid until the next. */
  state(): AsyncGenerator<Buffer>;
}

/** Read at a time: a state of any size takes no more memory than this beside itself. */
const PIECE_BYTES = 1 << 20;

/** Finds the newest checkpoint and checks it; undefined when there is none. @throws LogDamagedError */
export async function readCheckpoint(disk: Disk): Promise<FoundCheckpoint | undefined> {
  const names = (await disk.list()).filter((name) => NAME.test(name));
  const newest = names.toSorted((a, b) => indexOf(b) - indexOf(a))[0];
  if (newest === undefined) return undefined;
  const bytes = await checkedLength(disk, newest);
  const bodyLength = bytes - FOOTER_BYTES;
  const header = Buffer.alloc(HEADER_BYTES);
  await disk.readInto(newest, 0, header);
  if (bodyLength <= HEADER_BYTES || header.readUInt32BE(0) !== MAGIC) throw damaged(newest);
  if (header.readUInt32BE(4) !== VERSION) throw new RangeError(`"${newest}" has a format other than ${VERSION}`);
  const metaBytes = Buffer.alloc(header.readUInt32BE(8));
  await disk.readInto(newest, HEADER_BYTES, metaBytes);
  const start = HEADER_BYTES + metaBytes.length;
  await removeOlder(disk);
  return { meta: metaType.decode(metaBytes), bytes, state: () => pieces(disk, newest, start, bodyLength) };
}

/** The length of a file whose footer tells its length and checksum. @throws LogDamagedError */
async function checkedLength(disk: Disk, name: string): Promise<number> {
  let crc = 0;
  let length = 0;
  // The checksum is of all but the footer: that is held back.
  let held: Buffer = Buffer.alloc(0);
  for await (const piece of pieces(disk, name, 0, Infinity)) {
    const isShort = piece.length < FOOTER_BYTES;
    const known = isShort ? Buffer.concat([held, piece]) : piece;
    if (!isShort) crc = crc32(held, crc);
    const end = Math.max(0, known.length - FOOTER_BYTES);
    crc = crc32(known.subarray(0, end), crc);
    length += piece.length;
    held = Buffer.from(known.subarray(end));
  }
  const isWhole =
    held.length === FOOTER_BYTES &&
    held.readBigUInt64BE(0) === BigInt(length - FOOTER_BYTES) &&
    held.readUInt32BE(8) === crc;
  if (!isWhole) throw damaged(name);
  return length;
}

async function* pieces(disk: Disk, name: string, from: number, to: number): AsyncGenerator<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(PIECE_BYTES);
  for (let at = from; at < to;) {
    const length = await disk.readInto(name, at, buffer.subarray(0, Math.min(PIECE_BYTES, to - at)));
    if (length === 0) return;
    yield buffer.subarray(0, length);
    at += length;
  }
}

function damaged(name: string): LogDamagedError {
  return new LogDamagedError(`"${name}" is damaged`);
}

/** Yields to the event loop between chunks: heartbeats go on while a large state is written. */
async function* framed(meta: CheckpointMeta, state: Iterable<Buffer>): AsyncGenerator<Buffer> {
  const header = metaType.encode(meta, HEADER_BYTES);
  header.writeUInt32BE(MAGIC, 0);
  header.writeUInt32BE(VERSION, 4);
  header.writeUInt32BE(header.length - HEADER_BYTES, 8);
  let crc = 0;
  let length = 0;
  const note = (chunk: Buffer): Buffer => {
    crc = crc32(chunk, crc);
    length += chunk.length;
    return chunk;
  };
  yield note(header);
  for (const chunk of state) {
    yield note(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const footer = Buffer.alloc(FOOTER_BYTES);
  footer.writeBigUInt64BE(BigInt(length), 0);
  footer.writeUInt32BE(crc, 8);
  yield footer;
}

async function removeOlder(disk: Disk): Promise<void> {
  const names = (await disk.list()).filter((name) => NAME.test(name));
  const newest = Math.max(...names.map(indexOf));
  for (const name of names) if (indexOf(name) < newest) await disk.remove(name);
}

function indexOf(name: string): number {
  return Number(NAME.exec(name)?.[1] ?? 0);
}
