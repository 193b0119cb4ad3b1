import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pullBoard } from './board.ts';
import { removeCgroups } from './cgroup.ts';
import { findRackOwner, isForwarding, removeHostNetwork } from './host-network.ts';
import type { RackPaths } from './rack-paths.ts';
import { readState } from './rack-state.ts';

/** What nspawn leaves of its own below /run when its boards are gone. */
const NSPAWN_RUN = '/run/systemd/nspawn';

/**
 * Ends a rack: afterwards there is no process, namespace, mount, interface, table, control group or file of it outside
 * .rack, and in .rack only the base tree, which takes longest to make. Works from any state, and when there is no rack.
 */
export async function removeRack(paths: RackPaths, isBaseKept: boolean, signal: AbortSignal): Promise<void> {
  const state = await readState(paths).catch(() => undefined); // unreadable: its boards are found by their folders
  const boards = await readdir(paths.boards).catch(() => []);
  await Promise.all(boards.map((name) => pullBoard(paths, name, signal)));
  const owner = await findRackOwner(signal);
  if (owner === null || owner === '' || owner === paths.root) {
    await removeHostNetwork(state?.wasForwarding ?? (await isForwarding()), signal);
    await removeCgroups(null);
    await removeNspawnRun(boards);
  }
  // The state last: a `down` that was cut off knows what to give back.
  const all = await readdir(paths.root).catch(() => []);
  const kept = new Set(['state.json', 'lock', ...(isBaseKept ? ['base'] : [])]);
  for (const name of all.filter((one) => !kept.has(one))) await removeTree(join(paths.root, name));
  await rm(paths.state, { force: true });
}

/** Folders go only when they are empty: another container may be using them. */
async function removeNspawnRun(boards: readonly string[]): Promise<void> {
  const ours = [...boards, 'ansible'].map((name) => `propagate/bramble-${name}`);
  for (const name of [...ours, 'propagate', 'locks', 'unix-export', '']) {
    await rmdir(join(NSPAWN_RUN, name)).catch(() => undefined);
  }
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3, retryDelay: 100 });
}
