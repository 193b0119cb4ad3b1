import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createProgress } from '../../src/cli/progress.ts';
import { up } from '../../src/cli/up.ts';
import type { ExecResult } from '../../src/host/exec.ts';
import { ensureBaseTree } from '../../src/rack/base-tree.ts';
import { execOnBoard } from '../../src/rack/board-exec.ts';
import { boardInit, plugBoard, pullBoard, waitForBoard } from '../../src/rack/board.ts';
import { setBoardLink } from '../../src/rack/host-network.ts';
import { kubectl } from '../../src/rack/kube-clients.ts';
import { DEFAULT_OPTIONS, findBoard, planLayout } from '../../src/rack/layout.ts';
import type { Layout } from '../../src/rack/layout.ts';
import { provision } from '../../src/rack/provision.ts';
import { makeImages } from '../../src/rack/rack-images.ts';
import { rackPaths } from '../../src/rack/rack-paths.ts';
import type { RackPaths } from '../../src/rack/rack-paths.ts';
import { readState } from '../../src/rack/rack-state.ts';
import type { RackState } from '../../src/rack/rack-state.ts';
import { runningBoards, startBoards } from '../../src/rack/start-boards.ts';

/** The rack of this checkout, as tests handle it. All times are this machine's, which is no board of it. */
export interface Rack {
  readonly paths: RackPaths;
  readonly layout: Layout;
  /** Runs a command on a board; gives its standard output. @throws Error with what it said when it fails */
  exec(board: string, argv: readonly string[], input?: string): Promise<string>;
  /** As exec, whatever the exit code. */
  tryExec(board: string, argv: readonly string[], input?: string): Promise<ExecResult>;
  /** Runs the rack's kubectl; gives its standard output. @throws Error with what it said when it fails */
  kubectl(argv: readonly string[], input?: string): Promise<string>;
  /** As kubectl, whatever the exit code. */
  tryKubectl(argv: readonly string[], input?: string): Promise<ExecResult>;
  /** Pulls the plugs of these boards at one moment; returns when all is dead. */
  pull(...boards: string[]): Promise<void>;
  /** Puts these plugs in again; returns when the boards answer by ssh. */
  plug(...boards: string[]): Promise<void>;
  isPlugged(board: string): Promise<boolean>;
  /** Pulls or mends a board's network cable while it runs on. */
  setCable(board: string, state: 'up' | 'down'): Promise<void>;
  /** Puts in every plug that is out and mends every cable: for teardown. */
  restore(): Promise<void>;
}

const CHECKOUT = join(import.meta.dirname, '../..');
const COMMAND_TIMEOUT_MS = 60_000;

/**
 * Opens the rack that is up, or brings one up with the default options. It stays up for the next test: `down` is for
 * whoever ran the tests.
 *
 * @param needs `boards` is content with boards that Ansible has been to; `cluster` waits for all Nodes
 */
export async function openRack(needs: 'boards' | 'cluster', signal: AbortSignal): Promise<Rack> {
  const paths = rackPaths(CHECKOUT);
  const state = (await readState(paths)) ?? null;
  const on = state === null ? [] : await runningBoards(paths, planLayout(state.options));
  if (needs === 'cluster') await up(paths, {}, createProgress(process.stderr), signal);
  else if (on.length === 0) await startBareBoards(paths, state, signal);
  const now = await readState(paths);
  if (now === undefined) throw new Error('the rack is up and has no state');
  const rack = rackOf(paths, now, signal);
  await rack.restore();
  return rack;
}

/** Waits until `check` gives something, and gives that. @throws Error that says what was waited for, and how it last was */
export async function until<T>(
  what: string,
  check: () => Promise<T | null | undefined | false>,
  options: { readonly timeoutMs: number; readonly everyMs?: number; readonly signal: AbortSignal },
): Promise<T> {
  const { timeoutMs, everyMs = 200, signal } = options;
  const startMs = performance.now();
  let last: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found !== null && found !== undefined && found !== false) return found;
      last = found;
    } catch (error) {
      last = error;
    }
    if (performance.now() - startMs > timeoutMs) {
      throw new Error(`after ${timeoutMs} ms still not: ${what} (last: ${String(last)})`, { cause: last });
    }
    await sleep(everyMs, undefined, { signal });
  }
}

/** Milliseconds since this was called, by this machine's clock. */
export function stopwatch(): () => number {
  const startMs = performance.now();
  return () => Math.round(performance.now() - startMs);
}

async function startBareBoards(paths: RackPaths, state: RackState | null, signal: AbortSignal): Promise<void> {
  const base = await ensureBaseTree(paths, () => undefined, signal);
  await makeImages(paths, base.dir, signal);
  const layout = await startBoards(paths, state?.options ?? DEFAULT_OPTIONS, base.dir, signal);
  await provision(paths, base.dir, layout, () => undefined, signal);
}

function rackOf(paths: RackPaths, { options, base }: RackState, signal: AbortSignal): Rack {
  const layout = planLayout(options);
  const run = { timeoutMs: COMMAND_TIMEOUT_MS, signal };
  const withInput = (input: string | undefined): typeof run & { input?: string } =>
    input === undefined ? run : { ...run, input };
  const rack: Rack = {
    paths,
    layout,
    exec: async (board, argv, input) =>
      mustSucceed(`${board}: ${argv.join(' ')}`, await rack.tryExec(board, argv, input)),
    tryExec: (board, argv, input) => execOnBoard(paths, findBoard(layout, board).name, argv, withInput(input)),
    kubectl: async (argv, input) => mustSucceed(`kubectl ${argv.join(' ')}`, await rack.tryKubectl(argv, input)),
    tryKubectl: (argv, input) => kubectl(paths, argv, withInput(input)),
    pull: async (...boards) => {
      await Promise.all(boards.map((board) => pullBoard(paths, findBoard(layout, board).name, signal)));
    },
    plug: async (...names) => {
      const boards = names.map((name) => findBoard(layout, name));
      await Promise.all(boards.map((board) => plugBoard(paths, base, board, options.memoryMib, signal)));
      await Promise.all(boards.map((board) => waitForBoard(paths, board, options.memoryMib, signal)));
    },
    isPlugged: async (board) => (await boardInit(paths, board)) !== null,
    setCable: (board, state) => setBoardLink(findBoard(layout, board).name, state, signal),
    restore: async () => {
      const on = await runningBoards(paths, layout);
      await Promise.all(on.map((board) => rack.setCable(board.name, 'up')));
      await rack.plug(...layout.boards.filter((board) => !on.includes(board)).map(({ name }) => name));
    },
  };
  return rack;
}

function mustSucceed(what: string, { code, stdout, stderr }: ExecResult): string {
  if (code === 0) return stdout;
  throw new Error(`${what} ended with ${code}: ${stderr.trim() || stdout.trim()}`);
}
