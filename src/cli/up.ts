import { ensureBaseTree } from '../rack/base-tree.ts';
import { compileCode } from '../rack/compiled-code.ts';
import { waitForNodes, writeClients, writeKubeconfig } from '../rack/kube-clients.ts';
import { DEFAULT_OPTIONS, planLayout } from '../rack/layout.ts';
import type { Layout, RackOptions } from '../rack/layout.ts';
import { provision } from '../rack/provision.ts';
import { RackError } from '../rack/rack-error.ts';
import { makeImages } from '../rack/rack-images.ts';
import type { RackPaths } from '../rack/rack-paths.ts';
import { readState, writeState } from '../rack/rack-state.ts';
import { waitForVoters } from '../rack/rack-status.ts';
import { refuseOtherRack, runningBoards, startBoards } from '../rack/start-boards.ts';
import type { Progress } from './progress.ts';

/**
 * Brings the rack up until every board is a Node that is Ready. A rack that is up stays as it is, and so do boards whose
 * plug was pulled; one that a crash left half made is completed.
 *
 * @param wanted what the user chose; the rest is as the rack has it, or the default
 * @throws RackError when a rack with other options is there
 */
export async function up(
  paths: RackPaths,
  wanted: Partial<RackOptions>,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  const state = await readState(paths);
  const options = { ...(state?.options ?? DEFAULT_OPTIONS), ...wanted };
  const layout = planLayout(options);
  if (state !== undefined && JSON.stringify(options) !== JSON.stringify({ ...options, ...state.options })) {
    throw new RackError('a rack with other options is there: end it first (npm run down)');
  }
  if (state?.isReady === true) {
    const on = await runningBoards(paths, layout);
    if (on.length > 0) return progress.say(describeRunning(layout, on.length));
  }
  await bringUp(paths, options, progress, signal);
  progress.say(`The rack is up after {total}: ${layout.boards.map(({ name }) => name).join(' ')}`);
  progress.say(`  export KUBECONFIG=${paths.kubeconfig}`);
  progress.say(`  export PATH=${paths.bin}:$PATH   # kubectl and etcdctl of the boards' Debian, if you have none`);
}

async function bringUp(paths: RackPaths, options: RackOptions, progress: Progress, signal: AbortSignal): Promise<void> {
  if (/[:,\\]/.test(paths.checkout)) {
    throw new RackError(
      `the rack cannot live in ${paths.checkout}: its path must not hold a colon, comma or backslash`,
    );
  }
  await refuseOtherRack(paths);
  const base = await progress.stage('Debian tree', async (note) => {
    const tree = await ensureBaseTree(paths, note, signal);
    note(tree.builtInSeconds === 0 ? 'there already' : 'built');
    await Promise.all([makeImages(paths, tree.dir, signal), writeClients(paths, tree.dir)]);
    return tree.dir;
  });
  await progress.stage('Code is compiled', () => compileCode(paths, signal));
  const layout = await progress.stage('Boards boot', () => startBoards(paths, options, base, signal));
  await progress.stage('Ansible', async (note) => {
    const { changed } = await provision(paths, base, layout, note, signal);
    note(`${changed} changes`);
  });
  await progress.stage('Cluster is founded', () => writeKubeconfig(paths, layout, options.apiPort, signal));
  await progress.stage('Nodes are Ready', (note) => waitForNodes(paths, layout, note, signal));
  await progress.stage('Store members vote', (note) => waitForVoters(paths, layout, note, signal));
  const state = await readState(paths);
  if (state !== undefined) await writeState(paths, { ...state, isReady: true });
}

function describeRunning(layout: Layout, onCount: number): string {
  const out = layout.boards.length - onCount;
  const plugs = out === 0 ? '' : `; the plugs of ${out} are out (npm run rack -- status)`;
  return `The rack is up already: ${layout.boards.length} boards${plugs}. Nothing was changed.`;
}
