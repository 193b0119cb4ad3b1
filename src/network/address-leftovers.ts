import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isIpv4 } from '../api/ipv4.ts';
import { CNI_NETWORK } from './cni-config.ts';

const FOLDER = `/var/lib/cni/networks/${CNI_NETWORK}`;

/**
 * A sandbox gets its address before the runtime lists it. Much longer than that takes, and on either side of now: a
 * board without a clock battery may have written the file "in the future".
 */
const AGE_MS_MIN = 5 * 60_000;

/**
 * Frees the addresses of sandboxes that ended without the runtime's say, as in a pulled plug: host-local keeps a file
 * per address, with the sandbox's id in it, and only a CNI DEL takes it away. Returns the addresses freed.
 */
export async function freeLeftoverAddresses(
  live: ReadonlySet<string>,
  nowMs: number,
  folder: string = FOLDER,
): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const freed: string[] = [];
  for (const name of names.filter(isIpv4)) {
    const path = join(folder, name);
    const sandbox = (await readFile(path, 'utf8').catch(() => '')).split(/\r?\n/)[0]?.trim() ?? '';
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: nowMs }));
    if (live.has(sandbox) || Math.abs(nowMs - mtimeMs) < AGE_MS_MIN) continue;
    await rm(path, { force: true });
    freed.push(name);
  }
  return freed;
}
