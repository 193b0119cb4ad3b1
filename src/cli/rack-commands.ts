import { join } from 'node:path';
import { InvalidArgumentError } from 'commander';
import type { Command } from 'commander';
import { execAny } from '../host/exec.ts';
import { attachToBoard, sshToBoard } from '../rack/board-exec.ts';
import { plugBoard, pullBoard, waitForBoard } from '../rack/board.ts';
import { DEFAULT_OPTIONS, findBoard, planLayout } from '../rack/layout.ts';
import type { Layout, RackOptions } from '../rack/layout.ts';
import { RackError } from '../rack/rack-error.ts';
import { withRackLock } from '../rack/rack-lock.ts';
import { boardPaths, rackPaths } from '../rack/rack-paths.ts';
import type { RackPaths } from '../rack/rack-paths.ts';
import { readState } from '../rack/rack-state.ts';
import type { RackState } from '../rack/rack-state.ts';
import { boardStatuses, storeMembers } from '../rack/rack-status.ts';
import { removeRack } from '../rack/remove-rack.ts';
import { createProgress } from './progress.ts';
import { rackStatusText } from './rack-status-text.ts';
import { up } from './up.ts';

const CHECKOUT = join(import.meta.dirname, '../..');

/** Adds `up`, `down` and `rack ...` to the command line. */
export function registerRackCommands(program: Command): void {
  const paths = rackPaths(CHECKOUT);
  const { control, workers, subnet, memoryMib } = DEFAULT_OPTIONS;
  program
    .command('up')
    .description('make a rack of boards on this machine and wait until it is a cluster')
    .option('--control <count>', `boards that hold the store: 1, 3 or 5 (default: ${control})`, wholeNumber)
    .option('--workers <count>', `boards that only run pods: 0 to 20 (default: ${workers})`, wholeNumber)
    .option('--subnet <cidr>', `network of the boards (default: ${subnet})`)
    .option('--api-port <port>', 'port on this machine that leads to the Kubernetes API (default: none)', wholeNumber)
    .option('--memory <mib>', `memory of each board (default: ${memoryMib})`, wholeNumber)
    .action((flags: UpFlags) => run(() => withRackLock(paths, () => upWithFlags(paths, flags))));
  program
    .command('down')
    .description('end the rack: nothing of it is left but the cached Debian tree in .rack')
    .option('--purge', 'remove the Debian tree too')
    .action((flags: { purge?: boolean }) =>
      run(() => withRackLock(paths, () => removeRack(paths, flags.purge !== true, never()))),
    );
  const rack = program.command('rack').description('look at and handle the boards of the rack');
  registerBoardCommands(rack.enablePositionalOptions(), paths); // so that a command's own options reach it
}

function registerBoardCommands(rack: Command, paths: RackPaths): void {
  rack
    .command('status')
    .description('boards, plugs, memory of each process, store members')
    .action(() => run(() => printStatus(paths)));
  rack
    .command('exec <board> [command...]')
    .description('run a command on a board: rack exec w1 -- nft list ruleset')
    .passThroughOptions()
    .action((board: string, command: string[]) => run(() => execCommand(paths, board, command)));
  rack
    .command('ssh <board> [command...]')
    .description('log in to a board')
    .passThroughOptions()
    .action((board: string, command: string[]) =>
      run(async () => exitWith(await sshToBoard(paths, findBoard((await openRack(paths)).layout, board), command))),
    );
  rack
    .command('pull <boards...>')
    .description('pull plugs: everything on these boards ends at once')
    .action((boards: string[]) => run(() => pull(paths, boards)));
  rack
    .command('plug <boards...>')
    .description('put plugs in again: a cold boot each')
    .action((boards: string[]) => run(() => plug(paths, boards)));
  rack
    .command('logs <board> [unit]')
    .description("a board's journal, of one unit or all of Bramble's; also while its plug is out")
    .option('-f, --follow', 'go on with what comes')
    .option('-n, --lines <count>', 'lines from the end', '200')
    .action((board: string, unit: string | undefined, flags: LogFlags) => run(() => logs(paths, board, unit, flags)));
}

interface UpFlags {
  readonly control?: number;
  readonly workers?: number;
  readonly subnet?: string;
  readonly apiPort?: number;
  readonly memory?: number;
}

interface LogFlags {
  readonly follow?: boolean;
  readonly lines: string;
}

async function upWithFlags(paths: RackPaths, { memory, ...flags }: UpFlags): Promise<void> {
  const stop = new AbortController();
  // What is begun stays, to be completed by the next `up` or ended by `down`.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort());
  const wanted: Partial<RackOptions> = { ...flags, ...(memory === undefined ? {} : { memoryMib: memory }) };
  await up(paths, wanted, createProgress(process.stderr), stop.signal);
}

async function printStatus(paths: RackPaths): Promise<void> {
  const { layout } = await openRack(paths);
  const [boards, members] = await Promise.all([
    boardStatuses(paths, layout, never()),
    storeMembers(paths, layout, never()),
  ]);
  process.stdout.write(`${rackStatusText(layout, boards, members)}\n`);
}

async function execCommand(paths: RackPaths, name: string, command: readonly string[]): Promise<void> {
  const board = findBoard((await openRack(paths)).layout, name);
  if (command.length === 0) throw new RackError(`what is to run on ${name}? rack exec ${name} -- COMMAND...`);
  // A terminal needs a login of its own on the board; anything else is faster without.
  const isTerminal = process.stdin.isTTY && process.stdout.isTTY;
  exitWith(isTerminal ? await sshToBoard(paths, board, command) : await attachToBoard(paths, name, command));
}

async function pull(paths: RackPaths, names: readonly string[]): Promise<void> {
  const { layout } = await openRack(paths);
  const boards = names.map((name) => findBoard(layout, name));
  await Promise.all(boards.map(({ name }) => pullBoard(paths, name, never())));
}

async function plug(paths: RackPaths, names: readonly string[]): Promise<void> {
  const { layout, state } = await openRack(paths);
  const boards = names.map((name) => findBoard(layout, name));
  await Promise.all(
    boards.map(async (board) => {
      await plugBoard(paths, state.base, board, state.options.memoryMib, never());
      await waitForBoard(paths, board, state.options.memoryMib, never());
    }),
  );
}

async function logs(paths: RackPaths, name: string, unit: string | undefined, flags: LogFlags): Promise<void> {
  findBoard((await openRack(paths)).layout, name);
  const units = unit === undefined ? ['--unit=bramble-*', '--unit=containerd'] : [`--unit=${unit}`];
  const common = ['journalctl', '--no-pager', '--output=short-precise', `--lines=${flags.lines}`, ...units];
  const isOn = await attachToBoard(paths, name, [...common, ...(flags.follow === true ? ['--follow'] : [])]).catch(
    (error: unknown) => {
      if (error instanceof RackError) return null; // its plug is out: its journal is still to be read from outside
      throw error;
    },
  );
  if (isOn !== null) return exitWith(isOn);
  const journal = join(boardPaths(paths, name).upper, 'var/log/journal');
  const { code, stdout, stderr } = await execAny([...common, `--directory=${journal}`]);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  exitWith(code);
}

async function openRack(paths: RackPaths): Promise<{ layout: Layout; state: RackState }> {
  const state = await readState(paths);
  if (state === undefined) throw new RackError('there is no rack: npm run up makes one');
  return { layout: planLayout(state.options), state };
}

/** A failure that a person can act on is one line; any other shows where it came from. */
async function run(action: () => Promise<void>): Promise<void> {
  if (process.getuid?.() !== 0) return fail('the rack needs root: sudo npm run ...');
  try {
    await action();
  } catch (error) {
    if (error instanceof RackError) return fail(error.message);
    if (error instanceof Error && error.name === 'AbortError')
      return fail('stopped; up again completes it, down ends it');
    throw error;
  }
}

function fail(message: string): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = 1;
}

function exitWith(code: number): void {
  process.exitCode = code;
}

/** For commands that end by themselves within the limits of what they call. */
function never(): AbortSignal {
  return new AbortController().signal;
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
