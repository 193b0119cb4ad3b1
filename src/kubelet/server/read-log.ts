import { watch } from 'node:fs';
import type { FSWatcher } from 'node:fs';
import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { LogLineReader } from './log-line-reader.ts';
import type { LogOptions } from './log-options.ts';
import { tailOffset } from './log-tail-offset.ts';

const BLOCK_BYTES = 64 * 1024;
/** A follower looks at least so often: whether the container runs, and in case a change was not told. */
const LOOK_MS = 1000;

interface ReadLogOptions extends LogOptions {
  readonly path: string;
  /** Whether more may come. */
  isRunning(): Promise<boolean>;
}

/**
 * The text of a container's log, in pieces; with `follow`, also what is written from now on, through rotations, until
 * the container has ended and all of it is read. Only as fast as it is taken.
 */
export async function* readLog(options: ReadLogOptions, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const reader = new LogLineReader(options);
  let left = options.limitBytes ?? Infinity;
  for await (const bytes of rawLog(options, signal)) {
    const text = Buffer.concat(reader.read(bytes));
    if (text.length > 0) yield text.subarray(0, Math.min(text.length, left));
    left -= text.length;
    if (left <= 0) return;
  }
}

async function* rawLog(options: ReadLogOptions, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const { path, follow, tailLines } = options;
  const changes = follow ? new FolderChanges(dirname(path)) : undefined;
  let file = await open(path, 'r');
  try {
    let rotated = await rotatedNames(path);
    let position = tailLines === undefined ? 0 : await tailOffset(file, tailLines);
    let isLastLook = false;
    while (!signal.aborted) {
      for await (const bytes of blocks(file, position, signal)) {
        position += bytes.length;
        yield bytes;
      }
      if (changes === undefined || isLastLook) return;
      if (await wasReplaced(file, path)) {
        // Between the look above and the renaming a last line may have come.
        for await (const bytes of blocks(file, position, signal)) yield bytes;
        const names = await rotatedNames(path);
        const [, ...between] = names.filter((name) => !rotated.includes(name));
        for (const name of between) yield* wholeFile(join(dirname(path), name), signal);
        await file.close();
        file = await open(path, 'r');
        [rotated, position] = [names, 0];
        continue;
      }
      if (await options.isRunning()) await changes.next(LOOK_MS, signal);
      else isLastLook = true;
    }
  } finally {
    changes?.close();
    await file.close();
  }
}

async function* blocks(file: FileHandle, from: number, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  for (let position = from; !signal.aborted;) {
    const block = Buffer.allocUnsafe(BLOCK_BYTES);
    const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, position);
    if (bytesRead === 0) return;
    position += bytesRead;
    yield block.subarray(0, bytesRead);
  }
}

/** A file put aside while a slow reader was still at one before it; packed or not. */
async function* wholeFile(path: string, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  for (const name of [path, `${path}.gz`]) {
    if ((await stat(name).catch(() => undefined)) === undefined) continue;
    const stream = createReadStream(name, { signal });
    yield* (name.endsWith('.gz') ? stream.pipe(createGunzip()) : stream) as AsyncIterable<Buffer>;
    return;
  }
}

async function wasReplaced(file: FileHandle, path: string): Promise<boolean> {
  const [mine, present] = await Promise.all([file.stat(), stat(path).catch(() => undefined)]);
  // Renamed already and the new one not yet begun: it comes.
  return present !== undefined && present.ino !== mine.ino;
}

/** `0.log.20261120-101112` and the like, oldest first, without `.gz`. */
async function rotatedNames(path: string): Promise<readonly string[]> {
  const prefix = `${basename(path)}.`;
  const names = await readdir(dirname(path)).catch(() => []);
  const plain = names
    .filter((name) => name.startsWith(prefix) && !name.endsWith('.tmp'))
    .map((name) => name.replace(/\.gz$/, ''));
  return [...new Set(plain)].toSorted();
}

/** Tells of changes in a folder; none that comes between two calls of next() is lost. */
class FolderChanges {
  readonly #watcher: FSWatcher;
  #hasChanged = false;
  #wake: (() => void) | undefined;

  constructor(folder: string) {
    this.#watcher = watch(folder, () => {
      this.#hasChanged = true;
      this.#wake?.();
    });
    // The folder goes with its pod; the look once a second finds out.
    this.#watcher.on('error', () => undefined);
  }

  async next(limitMs: number, signal: AbortSignal): Promise<void> {
    if (!this.#hasChanged && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        const timer = setTimeout(wake, limitMs);
        this.#wake = wake;
        signal.addEventListener('abort', wake, { once: true });
      });
      this.#wake = undefined;
    }
    this.#hasChanged = false;
  }

  close(): void {
    this.#watcher.close();
  }
}
