import type { Entry } from '../../raft/entry.ts';
import { EMPTY_HARD_STATE } from '../../raft/storage.ts';
import type { HardState } from '../../raft/storage.ts';
import { decodeBatch } from './batch.ts';
import type { FoundBatch } from './batch.ts';
import { BLOCK_BYTES, LogDamagedError } from './block.ts';
import { EntryBytes } from './entry-bytes.ts';
import { decodeSegmentHeader } from './segment-header.ts';
import type { SegmentHeader } from './segment-header.ts';

/** A segment that is part of the log. */
export interface KnownSegment {
  readonly name: string;
  readonly number: number;
  /** Highest index of an entry in it; 0 when there is none. */
  readonly lastIndex: number;
  /** Whether there is no batch in it. */
  readonly isEmpty: boolean;
}

/** What the segments hold. */
export interface Recovered {
  readonly hardState: HardState;
  /** In ascending order of indexes without gaps. */
  readonly entries: readonly Entry[];
  /** The last snapshot that replaced the log: a checkpoint at or after it must be there; 0 when there was none. */
  readonly resetIndex: number;
  readonly segments: readonly KnownSegment[];
  /** Sequence and checksum of the last batch. */
  readonly sequence: number;
  readonly crc: number;
  /** Bytes after the last batch that were not zero and belonged to no batch: a write that the plug cut off. */
  readonly isTailTorn: boolean;
}

/**
 * Reads the log back. A batch that is not whole at the very end was never acknowledged and is left out; one that is not
 * whole anywhere else is damage. They are told apart by proof: a batch is written only after the one before was
 * durable, so if anything later in the chain exists, the batch in question was acknowledged.
 *
 * @param names of every segment, in any order; a file gets the name of one only when its header is durable
 * @param read gives the whole segment, or (`isHeader`) its first block; valid until the next call
 * @throws LogDamagedError
 */
export async function recover(
  names: readonly string[],
  read: (name: string, isHeader: boolean) => Promise<Buffer>,
): Promise<Recovered> {
  const segments = await inOrder(names, read);
  const log = new Replay();
  const known: KnownSegment[] = [];
  let sequence = segments[0]?.header.previousSequence ?? 0;
  let crc = segments[0]?.header.previousCrc ?? 0;
  let isTailTorn = false;
  for (const [i, { name, header }] of segments.entries()) {
    const bytes = await read(name, false);
    if (header.previousSequence !== sequence || header.previousCrc !== crc)
      throw new LogDamagedError(
        `"${name}" follows batch ${header.previousSequence}, but the log before it ends with ${sequence}`,
      );
    let position = BLOCK_BYTES;
    const start = sequence;
    let lastIndex = 0;
    for (;;) {
      const found = decodeBatch(bytes, position);
      if (found === undefined || !follows(found, header.salt, sequence, crc)) break;
      sequence = found.link.sequence;
      ({ crc } = found);
      log.add(found);
      for (const { index } of found.batch.entries) lastIndex = Math.max(lastIndex, index);
      position += found.bytes;
    }
    assertNothingFollows(bytes, position, header.salt, name);
    if (i === segments.length - 1) isTailTorn = isTorn(bytes, position, header.salt);
    known.push({ name, number: header.number, lastIndex, isEmpty: sequence === start });
  }
  const { hardState, entries, resetIndex } = log;
  return { hardState, entries, resetIndex, segments: known, sequence, crc, isTailTorn };
}

async function inOrder(names: readonly string[], read: (name: string, isHeader: boolean) => Promise<Buffer>) {
  const found: { readonly name: string; readonly header: SegmentHeader }[] = [];
  for (const name of names) {
    const header = decodeSegmentHeader(await read(name, true));
    if (header === undefined) throw new LogDamagedError(`"${name}" has a damaged header`);
    found.push({ name, header });
  }
  const segments = found.toSorted((a, b) => a.header.number - b.header.number);
  for (const [i, { name, header }] of segments.entries()) {
    const before = segments[i - 1]?.header.number ?? header.number - 1;
    if (header.number !== before + 1) throw new LogDamagedError(`a segment is missing between ${before} and "${name}"`);
  }
  return segments;
}

function follows({ link }: FoundBatch, salt: bigint, sequence: number, crc: number): boolean {
  return link.salt === salt && link.sequence === sequence + 1 && link.previousCrc === crc;
}

/** A whole batch of this life after one that is not whole proves that the latter had been acknowledged. */
function assertNothingFollows(bytes: Buffer, position: number, salt: bigint, name: string): void {
  for (let at = position; at < bytes.length; at += BLOCK_BYTES) {
    const found = decodeBatch(bytes, at);
    if (found === undefined || found.link.salt !== salt) continue;
    throw new LogDamagedError(`"${name}" is damaged at byte ${position}: batch ${found.link.sequence} stands after it`);
  }
}

function isTorn(bytes: Buffer, position: number, salt: bigint): boolean {
  const block = bytes.subarray(position, position + BLOCK_BYTES);
  return block.length >= 24 && block.readBigUInt64BE(16) === salt;
}

/** The entries of batches read one after another. */
class Replay {
  /** What is read is overwritten by what is read next. */
  readonly #bytes = new EntryBytes();
  hardState: HardState = EMPTY_HARD_STATE;
  entries: Entry[] = [];
  resetIndex = 0;

  add({ batch }: FoundBatch): void {
    this.hardState = batch.hardState;
    if (batch.resetIndex > 0) {
      this.entries = [];
      this.resetIndex = batch.resetIndex;
    }
    for (const entry of batch.entries) {
      const first = this.entries[0]?.index ?? entry.index;
      const keep = entry.index - first;
      if (keep < 0) this.entries = [];
      else if (keep < this.entries.length) this.entries.length = keep;
      else if (keep > this.entries.length)
        throw new LogDamagedError(`entries are missing between ${first + this.entries.length - 1} and ${entry.index}`);
      this.entries.push(this.#bytes.keep(entry));
    }
  }
}
