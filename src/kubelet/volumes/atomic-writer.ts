import {
  chmod,
  chown,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { StatusError } from '../../api/status.ts';

/** One file of a volume. */
export interface VolumeFile {
  readonly content: Uint8Array;
  /** Permission bits. */
  readonly mode: number;
  /** Owner, where the file is for one user only; root when absent. */
  readonly uid?: number;
}

/** Path within the volume to file. */
export type Payload = ReadonlyMap<string, VolumeFile>;

interface WriteOptions {
  readonly now: Date;
  /** Called with the directory of the new files before anybody sees them: for owners and modes. */
  readonly beforeShown?: (directory: string) => Promise<void>;
}

const DATA = '..data';

/**
 * Makes a directory hold exactly these files, so that a reader sees all of the old or all of the new: they lie in a
 * directory of their own, `..data` points to it, and only that link is changed, by rename (upstream's AtomicWriter;
 * pods rely on the names). Writes nothing when nothing differs.
 *
 * @returns whether anything was written
 * @throws StatusError BadRequest for a path that leads out of the volume
 */
export async function writeAtomically(
  target: string,
  payload: Payload,
  { now, beforeShown }: WriteOptions,
): Promise<boolean> {
  for (const path of payload.keys()) checkPath(path);
  await mkdir(target, { recursive: true, mode: 0o755 });
  const old = await readlink(join(target, DATA)).catch(() => undefined);
  if (old !== undefined && (await isSame(join(target, old), payload))) {
    await linkAll(target, payload);
    await dropOldDirectories(target, old);
    return false;
  }
  const name = timestamp(now);
  try {
    await makeDirectory(join(target, name));
    for (const [path, file] of payload) await writeOne(join(target, name), path, file);
    await beforeShown?.(join(target, name));
  } catch (error) {
    // Each try would leave one, and a full card is just when there are many tries.
    await rm(join(target, name), { recursive: true, force: true });
    throw error;
  }
  await rm(join(target, `${DATA}_tmp`), { force: true });
  await symlink(name, join(target, `${DATA}_tmp`));
  await rename(join(target, `${DATA}_tmp`), join(target, DATA));
  await linkAll(target, payload);
  await dropOldLinks(target, payload);
  await dropOldDirectories(target, name);
  return true;
}

async function writeOne(root: string, path: string, { content, mode, uid }: VolumeFile): Promise<void> {
  const whole = join(root, path);
  const parents = dirname(path).split('/');
  if (parents[0] !== '.')
    for (let depth = 1; depth <= parents.length; depth += 1)
      await makeDirectory(join(root, ...parents.slice(0, depth)));
  await writeFile(whole, content, { mode: 0o600 });
  if (uid !== undefined) await chown(whole, uid, -1);
  await chmod(whole, mode); // after all, as the umask does not count for chmod
}

/** Readable by everyone, whatever our own umask. */
async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o755 });
  await chmod(path, 0o755);
}

/** As upstream's validatePath: names that begin with two dots are ours. */
function checkPath(path: string): void {
  const parts = path.split('/');
  if (path !== '' && !path.startsWith('/') && !parts.includes('..') && !path.startsWith('..')) return;
  throw new StatusError('BadRequest', `invalid path: must be a relative path inside of the volume: "${path}"`);
}

/** `..2026_11_20_08_16_35.123456789`, as upstream names them. */
function timestamp(now: Date): string {
  const digits = now.toISOString().slice(0, 19).replaceAll(/[-T:]/g, '_');
  return `..${digits}.${randomBytes(4).readUInt32BE() % 1_000_000_000}`;
}

async function isSame(folder: string, payload: Payload): Promise<boolean> {
  const found = await filesBelow(folder).catch(() => []);
  if (found.length !== payload.size) return false;
  for (const path of found) {
    const wanted = payload.get(path);
    if (wanted === undefined) return false;
    const [stat, content] = [await lstat(join(folder, path)), await readFile(join(folder, path))];
    if ((stat.mode & 0o777) !== (wanted.mode & 0o777) && (stat.mode & 0o777) !== (groupReadable(wanted.mode) & 0o777))
      return false;
    if (!content.equals(wanted.content)) return false;
  }
  return true;
}

/** The mode that fsGroup makes of a file's. */
function groupReadable(mode: number): number {
  return mode | 0o440;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1));
}

/** Each first path element is a link into `..data`. */
async function linkAll(target: string, payload: Payload): Promise<void> {
  for (const first of new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''))) {
    const link = join(target, first);
    if ((await readlink(link).catch(() => undefined)) === join(DATA, first)) continue;
    await rm(link, { recursive: true, force: true });
    await symlink(join(DATA, first), link);
  }
}

async function dropOldLinks(target: string, payload: Payload): Promise<void> {
  const wanted = new Set([...payload.keys()].map((path) => path.split('/')[0] ?? ''));
  for (const name of await readdir(target))
    if (!name.startsWith('..') && !wanted.has(name)) await rm(join(target, name), { recursive: true, force: true });
}

/** All timestamped directories but the present one: the last, and what a pulled plug left half written. */
async function dropOldDirectories(target: string, present: string): Promise<void> {
  for (const name of await readdir(target))
    if (/^\.\.\d{4}_/.test(name) && name !== present) await rm(join(target, name), { recursive: true, force: true });
}
