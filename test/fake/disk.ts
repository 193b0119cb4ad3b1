import type { Disk, DiskFile } from '../../src/host/disk.ts';

/** What a pulled plug tears: a disk writes whole sectors, in any order. */
const SECTOR_BYTES = 512;

interface Pending {
  readonly file: Buffer;
  readonly position: number;
  readonly bytes: Buffer;
}

/**
 * A disk in memory that loses what was not acknowledged. `crash` gives the
 * disk as it is found at the next start; the old one fails from then on.
 */
export class FakeDisk implements Disk {
  readonly files = new Map<string, Buffer>();
  /** Bytes and flushes that reached the disk. */
  writtenBytes = 0;
  flushes = 0;
  /** The next write fails with this. */
  failure: Error | undefined;
  #pending: Pending[] = [];
  #isDead = false;

  async list(): Promise<string[]> {
    this.#check();
    return [...this.files.keys()];
  }

  async read(name: string): Promise<Buffer | undefined> {
    this.#check();
    const bytes = this.files.get(name);
    return bytes === undefined ? undefined : Buffer.from(bytes);
  }

  async readInto(name: string, position: number, into: Buffer): Promise<number> {
    this.#check();
    return this.files.get(name)?.copy(into, 0, position) ?? 0;
  }

  async open(name: string): Promise<DiskFile> {
    this.#check();
    const file = this.files.get(name); // stays the same through a rename, as an open file does
    if (file === undefined) throw new Error(`no such file: "${name}"`);
    return {
      write: async (position, bytes) => {
        const pending = { file, position, bytes: Buffer.from(bytes) };
        this.#pending.push(pending);
        await this.#settle();
        this.#pending = this.#pending.filter((one) => one !== pending);
        bytes.copy(file, position);
        this.writtenBytes += bytes.length;
        this.flushes += 1;
      },
      close: async () => undefined,
    };
  }

  async createZeroed(name: string, bytes: number): Promise<void> {
    await this.#settle();
    this.files.set(name, Buffer.alloc(bytes));
  }

  async replace(name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<number> {
    const all: Buffer[] = [];
    for await (const chunk of chunks) all.push(Buffer.from(chunk));
    await this.#settle();
    const content = Buffer.concat(all);
    this.files.set(name, content);
    this.writtenBytes += content.length;
    this.flushes += 1;
    return content.length;
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#settle();
    const bytes = this.files.get(from);
    if (bytes === undefined) throw new Error(`no such file: "${from}"`);
    this.files.delete(from);
    this.files.set(to, bytes);
  }

  async remove(name: string): Promise<void> {
    await this.#settle();
    this.files.delete(name);
  }

  /** Pulls the plug. @param random gives a number from 0 up to 1; decides for each sector of unacknowledged writes */
  crash(random: () => number): FakeDisk {
    const found = new FakeDisk();
    for (const { file, position, bytes } of this.#pending)
      for (let at = 0; at < bytes.length; at += SECTOR_BYTES)
        if (random() < 0.5) bytes.copy(file, position + at, at, Math.min(at + SECTOR_BYTES, bytes.length));
    for (const [name, bytes] of this.files) found.files.set(name, Buffer.from(bytes));
    this.#isDead = true;
    return found;
  }

  async #settle(): Promise<void> {
    this.#check();
    await new Promise((resolve) => setImmediate(resolve));
    this.#check();
  }

  #check(): void {
    if (this.#isDead) throw new Error('the plug of this disk was pulled');
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
  }
}
