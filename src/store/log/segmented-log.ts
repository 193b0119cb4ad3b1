import { randomBytes } from 'node:crypto';
import type { Disk, DiskFile } from '../../host/disk.ts';
import { encodeBatch } from './batch.ts';
import type { Batch } from './batch.ts';
import { BLOCK_BYTES } from './block.ts';
import { recover } from './recover.ts';
import type { KnownSegment, Recovered } from './recover.ts';
import { encodeSegmentHeader } from './segment-header.ts';

/** Sizes of a log. */
export interface SegmentedLogOptions {
  /** A multiple of 4096; 8 MiB when absent. A batch must fit into one. */
  readonly segmentBytes?: number;
}

const SEGMENT_BYTES = 8 << 20;
/** Emptied segments kept for reuse; more are removed. */
const SPARES_MAX = 3;
const SEGMENT_NAME = /^segment-\d+$/;
const SPARE_NAME = /^spare-\d+$/;

/**
 * An append-only log of batches in files of fixed size that are zeroed once and then used again and again: a write
 * touches no metadata, so it costs the disk one flush and no journal (README.md has the byte layout).
 */
export class SegmentedLog {
  readonly #disk: Disk;
  readonly #segmentBytes: number;
  #segments: { name: string; number: number; lastIndex: number; isEmpty: boolean }[];
  #spares: string[];
  #file: DiskFile | undefined;
  #salt = 0n;
  #position = 0;
  #sequence: number;
  #crc: number;
  #preparing: Promise<void> | undefined;
  #appendedBytes = 0;

  private constructor(disk: Disk, recovered: Recovered, spares: string[], options: SegmentedLogOptions) {
    this.#disk = disk;
    this.#segmentBytes = options.segmentBytes ?? SEGMENT_BYTES;
    this.#segments = recovered.segments.map((segment: KnownSegment) => ({ ...segment }));
    this.#spares = spares;
    this.#sequence = recovered.sequence;
    this.#crc = recovered.crc;
  }

  /**
   * Reads the log of a folder back and goes on in a fresh segment, so that what a pulled plug left behind the last
   * batch can never be taken for part of the log.
   *
   * @throws LogDamagedError
   */
  static async open(
    disk: Disk,
    options: SegmentedLogOptions = {},
  ): Promise<{ log: SegmentedLog; recovered: Recovered }> {
    const names = await disk.list();
    const recovered = await recover(
      names.filter((one) => SEGMENT_NAME.test(one)),
      segmentReader(disk, options.segmentBytes ?? SEGMENT_BYTES),
    );
    for (const name of names) if (name.endsWith('.new')) await disk.remove(name);
    const spares = names.filter((one) => SPARE_NAME.test(one));
    const empty = recovered.segments.filter(({ isEmpty }) => isEmpty).at(-1);
    const segments = recovered.segments.filter((segment) => segment !== empty || segment !== recovered.segments.at(-1));
    if (empty !== undefined && segments.length < recovered.segments.length) {
      // Restarts in a row must not use up a segment each.
      await disk.rename(empty.name, `spare-${empty.number}`);
      spares.push(`spare-${empty.number}`);
    }
    const log = new SegmentedLog(disk, { ...recovered, segments }, spares, options);
    await log.#rotate();
    return { log, recovered };
  }

  /** Bytes appended since the log was opened, in whole blocks: what the disk had to write. */
  get appendedBytes(): number {
    return this.#appendedBytes;
  }

  /** Largest encoded batch. */
  get batchBytesMax(): number {
    return this.#segmentBytes - BLOCK_BYTES;
  }

  /** Settles when the batch is durable. One at a time. @throws whatever the disk throws: then the process must end */
  async append(batch: Batch): Promise<void> {
    if (this.#position > 0 && this.#position * 2 > this.#segmentBytes) this.#prepareSpare();
    let { bytes, crc } = this.#encode(batch);
    if (this.#position + bytes.length > this.#segmentBytes) {
      await this.#rotate();
      ({ bytes, crc } = this.#encode(batch));
    }
    if (this.#file === undefined || bytes.length > this.batchBytesMax)
      throw new RangeError(`a batch of ${bytes.length} bytes does not fit into a segment of ${this.#segmentBytes}`);
    await this.#file.write(this.#position, bytes);
    this.#position += bytes.length;
    this.#appendedBytes += bytes.length;
    this.#sequence += 1;
    this.#crc = crc;
    const segment = this.#segments.at(-1);
    if (segment === undefined) return;
    segment.isEmpty = false;
    for (const { index } of batch.entries) segment.lastIndex = Math.max(segment.lastIndex, index);
  }

  /** Says that a checkpoint holds everything up to `index`: segments with nothing newer are emptied for reuse. */
  async release(index: number): Promise<void> {
    for (;;) {
      const [oldest] = this.#segments;
      // The hard state stands in the batches: one must remain.
      const isKeptLater = this.#segments.some((segment) => segment !== oldest && !segment.isEmpty);
      if (oldest === undefined || !isKeptLater || oldest.lastIndex > index) return;
      this.#segments.shift();
      if (this.#spares.length >= SPARES_MAX) await this.#disk.remove(oldest.name);
      else {
        const spare = `spare-${oldest.number}`;
        await this.#disk.rename(oldest.name, spare);
        this.#spares.push(spare);
      }
    }
  }

  async close(): Promise<void> {
    await this.#preparing;
    await this.#file?.close();
    this.#file = undefined;
  }

  #encode(batch: Batch): { bytes: Buffer; crc: number } {
    return encodeBatch(batch, { salt: this.#salt, sequence: this.#sequence + 1, previousCrc: this.#crc });
  }

  /** Zeroing takes long: it is done while the present segment still has room. */
  #prepareSpare(): void {
    if (this.#spares.length > 0 || this.#preparing !== undefined) return;
    const name = `spare-${this.#nextNumber()}`;
    this.#preparing = this.#zero(name);
    // Its failure is that of the next rotation.
    this.#preparing.catch(() => undefined);
  }

  async #zero(name: string): Promise<void> {
    await this.#disk.createZeroed(name, this.#segmentBytes);
    this.#spares.push(name);
  }

  async #rotate(): Promise<void> {
    if (this.#spares.length === 0) this.#prepareSpare();
    await this.#preparing;
    this.#preparing = undefined;
    const spare = this.#spares.shift();
    if (spare === undefined) throw new Error('no segment could be prepared');
    const number = this.#nextNumber();
    const name = `segment-${number}`;
    const salt = randomBytes(8).readBigUInt64BE();
    const header = { number, salt, previousSequence: this.#sequence, previousCrc: this.#crc };
    // The header before the name: a segment that can be found is whole, unless it is the one being made.
    const file = await this.#disk.open(spare);
    await file.write(0, encodeSegmentHeader(header));
    await this.#disk.rename(spare, name);
    await this.#file?.close();
    this.#file = file;
    this.#salt = salt;
    this.#position = BLOCK_BYTES;
    this.#appendedBytes += BLOCK_BYTES;
    this.#segments.push({ name, number, lastIndex: 0, isEmpty: true });
  }

  #nextNumber(): number {
    return (this.#segments.at(-1)?.number ?? 0) + 1;
  }
}

/** Reads segments one after the other into the same memory. */
function segmentReader(disk: Disk, segmentBytes: number): (name: string, isHeader: boolean) => Promise<Buffer> {
  const header = Buffer.alloc(BLOCK_BYTES);
  const next = Buffer.alloc(1);
  let whole = Buffer.alloc(0);
  return async (name, isHeader) => {
    if (isHeader) return header.subarray(0, await disk.readInto(name, 0, header));
    if (whole.length === 0) whole = Buffer.allocUnsafeSlow(segmentBytes);
    // A segment written with another size: nothing of it may be overlooked.
    while ((await disk.readInto(name, whole.length, next)) > 0) whole = Buffer.allocUnsafeSlow(whole.length * 2);
    return whole.subarray(0, await disk.readInto(name, 0, whole));
  };
}
