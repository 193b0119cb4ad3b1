import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, rm, symlink, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readFileIfThere } from '../host/file.ts';
import { boardFiles } from './board-files.ts';
import type { CommonIdentity, OwnIdentity } from './board-files.ts';
import { findBoardProcesses, readProcessTable } from './board-process.ts';
import { makeBoardCgroups, removeCgroups, repeatCapInside } from './cgroup.ts';
import { removeBoardLink, SWITCH_NAMESPACE } from './host-network.ts';
import { killProcess } from './kill-process.ts';
import type { Board, Layout } from './layout.ts';
import { RackError } from './rack-error.ts';
import { boardPaths } from './rack-paths.ts';
import type { BoardPaths, RackPaths } from './rack-paths.ts';
import { sshKeyPair } from './ssh-keys.ts';

/** 25 boards that boot at one moment on two cores take minutes; one that has died is noticed at once. */
const BOOT_TIMEOUT_MS = 300_000;
const KILL_TIMEOUT_MS = 10_000;
/** What nspawn needs to clear up after a board that was killed is some 20 ms. */
const CLEAR_UP_MS = 2_000;
const POLL_MS = 50;

/** Lays out a board's files, blank: done once, and again only while its plug is out. Keeps its identity and its data. */
export async function prepareBoard(
  paths: RackPaths,
  layout: Layout,
  board: Board,
  common: CommonIdentity,
  signal: AbortSignal,
): Promise<void> {
  const at = boardPaths(paths, board.name);
  for (const dir of [at.upper, at.work, at.root]) await mkdir(dir, { recursive: true });
  // On this machine's file system: containerd cannot lay its overlays over ours.
  for (const name of ['containerd', 'kubelet', 'bramble']) await mkdir(join(at.persistent, name), { recursive: true });
  const identity = { ...common, ...(await ownIdentity(board, at, signal)) };
  for (const file of boardFiles(layout, board, identity)) {
    const path = join(at.upper, file.path);
    await mkdir(dirname(path), { recursive: true });
    await rm(path, { force: true });
    if ('linkTo' in file) await symlink(file.linkTo, path);
    else await writeFile(path, file.text, { mode: file.mode });
  }
  await chmod(join(at.upper, 'root/.ssh'), 0o700);
  await mkdir(join(at.upper, 'var/log/journal'), { recursive: true });
}

/** Puts a board's plug in: a cold boot. @throws RackError when it is in already */
export async function plugBoard(
  paths: RackPaths,
  base: string,
  board: Board,
  memoryMib: number,
  signal: AbortSignal,
): Promise<void> {
  const at = boardPaths(paths, board.name);
  if ((await boardInit(paths, board.name)) !== null) throw new RackError(`the plug of ${board.name} is in already`);
  await removeCgroups(board.name);
  await removeBoardLink(board.name, signal);
  const groups = await makeBoardCgroups(board.name, memoryMib);
  const script = join(paths.checkout, 'src/rack/board.sh');
  const output = await open(at.console, 'w');
  try {
    const namespaces = ['--mount', 'nsenter', `--net=/run/netns/${SWITCH_NAMESPACE}`];
    const keeping = ['sh', script, paths.root, board.name, base, paths.checkout, ...groups];
    const keeper = spawn('unshare', namespaces.concat(keeping), {
      detached: true,
      stdio: ['ignore', output.fd, output.fd],
      cwd: '/',
    });
    keeper.on('error', () => undefined); // waitForBoard sees that nothing runs
    keeper.unref();
  } finally {
    await output.close();
  }
}

/** Waits until the board answers on its ssh port, and lets it see its memory cap. @throws RackError with what its console says when it does not */
export async function waitForBoard(
  paths: RackPaths,
  board: Board,
  memoryMib: number,
  signal: AbortSignal,
): Promise<void> {
  const deadlineMs = performance.now() + BOOT_TIMEOUT_MS;
  while (!(await answersSsh(board.address))) {
    const isOver = performance.now() > deadlineMs;
    if (isOver || (await isDead(paths, board.name))) {
      const output = (await readFileIfThere(boardPaths(paths, board.name).console)) ?? '';
      const last = output.trim().split('\n').slice(-3).join('; ');
      throw new RackError(`${board.name} ${isOver ? 'does not boot' : 'ended while booting'}: ${last}`);
    }
    await sleep(POLL_MS, undefined, { signal });
  }
  const init = await boardInit(paths, board.name);
  if (init !== null) await repeatCapInside(init, memoryMib);
}

/** Pulls a board's plug: SIGKILL to its PID 1, which ends everything in it at once. Nothing happens when it is out. */
export async function pullBoard(paths: RackPaths, name: string, signal: AbortSignal): Promise<void> {
  const dir = boardPaths(paths, name).dir;
  const startMs = performance.now();
  for (;;) {
    const { init, nspawn, keepers } = findBoardProcesses(await readProcessTable(), dir);
    if (init === null && nspawn === null && keepers.length === 0) break;
    const waitedMs = performance.now() - startMs;
    // PID 1 first and alone: nspawn then sees it end and clears up after itself. What has none, or stays on, goes the same way.
    if (init !== null) killProcess(init);
    else if (waitedMs > CLEAR_UP_MS)
      for (const pid of [...keepers, ...(nspawn === null ? [] : [nspawn])]) killProcess(pid);
    if (waitedMs > KILL_TIMEOUT_MS) throw new RackError(`${name} does not end: process ${init ?? nspawn}`);
    await sleep(POLL_MS, undefined, { signal });
  }
  await removeCgroups(name);
  await removeBoardLink(name, signal);
}

/** The board's PID 1 in this machine's numbers; null while its plug is out. */
export async function boardInit(paths: RackPaths, name: string): Promise<number | null> {
  return findBoardProcesses(await readProcessTable(), boardPaths(paths, name).dir).init;
}

async function ownIdentity(board: Board, at: BoardPaths, signal: AbortSignal): Promise<OwnIdentity> {
  const machineId = (await readFileIfThere(join(at.upper, 'etc/machine-id')))?.trim();
  const host = await sshKeyPair(join(at.dir, 'ssh_host_ed25519_key'), `root@${board.name}`, signal);
  return {
    machineId: machineId ?? randomBytes(16).toString('hex'),
    hostKey: host.privateKey,
    hostPublicKey: host.publicKey,
  };
}

async function isDead(paths: RackPaths, name: string): Promise<boolean> {
  const { init, nspawn, keepers } = findBoardProcesses(await readProcessTable(), boardPaths(paths, name).dir);
  return init === null && nspawn === null && keepers.length === 0;
}

/** Whether something on port 22 says SSH. */
function answersSsh(address: string): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host: address, port: 22, timeout: 500 });
  const end = (isAnswer: boolean): void => {
    socket.destroy();
    resolve(isAnswer);
  };
  socket.on('data', (chunk: Buffer) => end(chunk.toString('latin1').startsWith('SSH-')));
  for (const event of ['error', 'timeout', 'close']) socket.on(event, () => end(false));
  return promise;
}
