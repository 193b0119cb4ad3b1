import { constants, write } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/**
 * One folder of files, as a log needs it. Whatever settles is durable: it
 * survives a pulled plug. Every failure is thrown, and after a failed write
 * nothing is known of the bytes concerned: the owner must end, not try again.
 */
export interface Disk {
  /** Names of all files, in no order. */
  list(): Promise<string[]>;
  /** The whole file; undefined when there is none. */
  read(name: string): Promise<Buffer | undefined>;
  /** Fills `into` with the file's bytes from `position` on; gives how many there were: 0 at the end, or without a file. */
  readInto(name: string, position: number, into: Buffer): Promise<number>;
  /** Opens an existing file for writing in place. */
  open(name: string): Promise<DiskFile>;
  /** Makes a file of `bytes` zeroes, its blocks allocated, so that later writes change no metadata. */
  createZeroed(name: string, bytes: number): Promise<void>;
  /** Makes or replaces a file at once: the old content or the new, never a mixture. Gives its length. */
  replace(name: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<number>;
  /** Renames a file, over another one if there is one. */
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; one that is not there is no error. */
  remove(name: string): Promise<void>;
}

/** A file open for writing in place. */
export interface DiskFile {
  /** Writes within the file and makes it durable, in one flush. A pulled plug leaves any part of the 512-byte sectors. */
  write(position: number, bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

const ZERO_CHUNK = Buffer.alloc(1 << 20);

/** The files of one folder, which is made if needed. */
export async function openDisk(folder: string): Promise<Disk> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await syncFolder(dirname(folder));
  const path = (name: string): string => join(folder, name);
  return {
    list: () => readdir(folder),
    read: async (name) => readFile(path(name)).catch(undefinedIfMissing),
    readInto: async (name, position, into) => {
      const file = await open(path(name), 'r').catch(undefinedIfMissing);
      if (file === undefined) return 0;
      try {
        let length = 0;
        for (;;) {
          const { bytesRead } = await file.read(into, length, into.length - length, position + length);
          length += bytesRead;
          if (bytesRead === 0 || length === into.length) return length;
        }
      } finally {
        await file.close();
      }
    },
    open: async (name) => new RealFile(await open(path(name), constants.O_WRONLY | constants.O_DSYNC)),
    createZeroed: async (name, bytes) => {
      await writeAside(path(name), zeroes(bytes));
      await syncFolder(folder);
    },
    replace: async (name, chunks) => {
      const length = await writeAside(path(name), chunks);
      await syncFolder(folder);
      return length;
    },
    rename: async (from, to) => {
      await rename(path(from), path(to));
      await syncFolder(folder);
    },
    remove: async (name) => {
      await rm(path(name), { force: true });
      await syncFolder(folder);
    },
  };
}

class RealFile implements DiskFile {
  readonly #file: FileHandle;

  /** @param file opened with O_DSYNC: each write returns when data and what is needed to find it are durable */
  constructor(file: FileHandle) {
    this.#file = file;
  }

  async write(position: number, bytes: Buffer): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#writeSome(position + at, bytes.subarray(at));
  }

  /** The handle's own `write` goes through several promises, each a step later. */
  #writeSome(position: number, bytes: Buffer): Promise<number> {
    return new Promise((resolve, reject) => {
      write(this.#file.fd, bytes, 0, bytes.length, position, (error, length) =>
        error === null ? resolve(length) : reject(error),
      );
    });
  }

  async close(): Promise<void> {
    await this.#file.close();
  }
}

function* zeroes(bytes: number): Generator<Buffer> {
  for (let rest = bytes; rest > 0; rest -= ZERO_CHUNK.length)
    yield ZERO_CHUNK.subarray(0, Math.min(rest, ZERO_CHUNK.length));
}

async function writeAside(path: string, chunks: AsyncIterable<Buffer> | Iterable<Buffer>): Promise<number> {
  const aside = `${path}.new`;
  const file = await open(aside, 'w', 0o600);
  let length = 0;
  try {
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      length += chunk.length;
    }
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
  return length;
}

/** Makes what was renamed, made or removed in a folder durable. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function undefinedIfMissing(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
}
