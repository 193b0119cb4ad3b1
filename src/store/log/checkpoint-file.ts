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

/** Reads the newest checkpoint; undefined when there is none. @throws LogDamagedError */
export async function readCheckpoint(
  disk: Disk,
): Promise<{ meta: CheckpointMeta; state: Buffer; bytes: number } | undefined> {
  const names = (await disk.list()).filter((name) => NAME.test(name));
  const newest = names.toSorted((a, b) => indexOf(b) - indexOf(a))[0];
  if (newest === undefined) return undefined;
  const bytes = (await disk.read(newest)) ?? Buffer.alloc(0);
  const bodyLength = bytes.length - FOOTER_BYTES;
  const isWhole =
    bodyLength > HEADER_BYTES &&
    bytes.readUInt32BE(0) === MAGIC &&
    bytes.readBigUInt64BE(bodyLength) === BigInt(bodyLength) &&
    crc32(bytes.subarray(0, bodyLength)) === bytes.readUInt32BE(bodyLength + 8);
  if (!isWhole) throw new LogDamagedError(`"${newest}" is damaged`);
  if (bytes.readUInt32BE(4) !== VERSION) throw new RangeError(`"${newest}" has a format other than ${VERSION}`);
  const metaEnd = HEADER_BYTES + bytes.readUInt32BE(8);
  const meta = metaType.decode(bytes.subarray(HEADER_BYTES, metaEnd));
  await removeOlder(disk);
  return { meta, state: bytes.subarray(metaEnd, bodyLength), bytes: bytes.length };
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
