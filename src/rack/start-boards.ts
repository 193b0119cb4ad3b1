import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readFileIfThere } from '../host/file.ts';
import { reachableNameservers } from './board-files.ts';
import { boardInit, plugBoard, prepareBoard, waitForBoard } from './board.ts';
import { findRackOwner, isForwarding, makeHostNetwork } from './host-network.ts';
import type { Board, Layout, RackOptions } from './layout.ts';
import { planLayout } from './layout.ts';
import { RackError } from './rack-error.ts';
import { rackPaths } from './rack-paths.ts';
import type { RackPaths } from './rack-paths.ts';
import { readState, writeState } from './rack-state.ts';
import { sshKeyPair } from './ssh-keys.ts';

/** systemd-resolved's list of real servers, where /etc/resolv.conf only names its stub on loopback. */
const RESOLV_CONFS = ['/etc/resolv.conf', '/run/systemd/resolve/resolv.conf'];

/** The boards of a rack that have their plug in. */
export async function runningBoards(paths: RackPaths, layout: Layout): Promise<Board[]> {
  const inits = await Promise.all(layout.boards.map(({ name }) => boardInit(paths, name)));
  return layout.boards.filter((_, index) => inits[index] !== null);
}

/**
 * Puts in the plugs of all boards that are out, and waits until each answers by ssh. Works from any state that a crash of
 * itself or of the machine leaves: with no board on, the network is laid anew; boards that were there keep their data.
 *
 * @param base path of the base tree
 * @throws RackError when the rack of another checkout has this machine's network
 */
export async function startBoards(
  paths: RackPaths,
  options: RackOptions,
  base: string,
  signal: AbortSignal,
): Promise<Layout> {
  const layout = planLayout(options);
  await refuseOtherRack(paths);
  const state = await readState(paths);
  const owner = await findRackOwner(signal);
  const wasForwarding = owner === paths.root && state !== undefined ? state.wasForwarding : await isForwarding();
  await writeState(paths, { version: 1, options, base: basename(base), wasForwarding, isReady: false });
  const on = await runningBoards(paths, layout);
  if (on.length === 0) await makeHostNetwork(layout, options.apiPort, paths.root, signal);
  // Once, before any board asks for it.
  const { publicKey } = await sshKeyPair(join(paths.ssh, 'id_ed25519'), 'bramble-rack', signal);
  const common = { authorizedKey: publicKey, nameservers: await hostNameservers() };
  const boot = async (board: Board): Promise<void> => {
    if (!on.includes(board)) {
      await prepareBoard(paths, layout, board, common, signal);
      await plugBoard(paths, basename(base), board, options.memoryMib, signal);
    }
    await waitForBoard(paths, board, options.memoryMib, signal);
  };
  await Promise.all(layout.boards.map(boot));
  return layout;
}

/** @throws RackError when a rack of another checkout is on this machine: names and table exist once */
export async function refuseOtherRack(paths: RackPaths): Promise<void> {
  const owner = await findRackOwner(AbortSignal.timeout(10_000));
  if (owner === null || owner === '' || owner === paths.root) return;
  const isThere = (await readFile(rackPaths(owner.replace(/\/\.rack$/, '')).state).catch(() => null)) !== null;
  if (isThere) throw new RackError(`the rack of ${owner} is on this machine: end it there first (npm run down)`);
}

async function hostNameservers(): Promise<string[]> {
  for (const path of RESOLV_CONFS) {
    const found = reachableNameservers((await readFileIfThere(path)) ?? '');
    if (found.length > 0) return found;
  }
  return [];
}
