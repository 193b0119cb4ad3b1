import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, rmdirSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PRIVATE, type Usage } from './memory-board.ts';

/**
 * Memory and processor time at rest of the processes of three control boards, with 5 nodes and 50 pods, as root with
 * containerd: `node bench/memory.ts [entry]`; without an entry it compiles what a release runs. Takes 4 minutes: a first
 * start, a pulled plug of all boards, and a second start with what the first has compiled; then two more nodes and the pods
 * come. The parts are the real ones, with their units' environment, and Raft, mutual TLS, multicast DNS and the floating
 * address between them; the two nodes' agents are acted for by a client. "rss" counts some 50 MB that all processes of
 * node share; "pss" shares them out; "own" is what one process alone holds. "cpu" is of one core of this machine, with the
 * programs that a part runs.
 */
const CHECKOUT = join(import.meta.dirname, '..');
const BOARDS = 3;
const NODES = 2;
const DEPLOYMENTS = 5;
/** After the code that was compiled has been written. */
const FIRST_MS = 25_000;
/** Longer than until the parts give back what the start took. */
const LOADED_MS = 65_000;
const CPU_MS = 60_000;

/** A board's process, told what to do. */
class Board {
  readonly #child: ChildProcess;

  /** @param number also the last of its address */
  constructor(entry: string, number: number, folder: string) {
    const netns = ['netns', 'exec', `board-${number}`];
    const apart = ['unshare', '--mount', '--pid', '--cgroup', '--fork', '--kill-child', '--mount-proc'];
    const node = [process.execPath, join(CHECKOUT, 'bench/memory-board.ts'), entry, String(number), folder];
    this.#child = spawn('ip', [...netns, ...apart, ...node], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  }

  async tell(command: string, argument = ''): Promise<unknown> {
    const answered = new Promise<{ answer?: unknown; error?: string }>((settle) => {
      this.#child.once('message', (message) => settle(message as object));
      this.#child.once('exit', () => settle({ error: 'a board has ended' }));
    });
    this.#child.send([command, argument]);
    const { answer, error } = await answered;
    if (error !== undefined) throw new Error(error);
    return answer;
  }

  end(): void {
    this.#child.kill('SIGKILL');
  }
}

/** In a network namespace of its own: a bridge, and the boards on it. */
async function measure(entry: string, folder: string): Promise<void> {
  const ip = (text: string): void => void execFileSync('ip', text.split(' '));
  mkdirSync('/run/netns', { recursive: true });
  execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run/netns']);
  ip('link add br0 type bridge');
  ip('address add 10.9.0.254/24 dev br0');
  ip('link set br0 up');
  const boards: Board[] = [];
  for (let number = 1; number <= BOARDS; number += 1) {
    ip(`netns add board-${number}`);
    ip(`link add port-${number} type veth peer name eth0 netns board-${number}`);
    ip(`link set port-${number} master br0 up`);
    boards.push(new Board(entry, number, folder));
  }
  try {
    await run(boards);
  } finally {
    for (const board of boards) board.end();
  }
}

async function run(boards: readonly Board[]): Promise<void> {
  const [first, ...others] = boards;
  if (first === undefined) return;
  const all = async (command: string, argument = ''): Promise<unknown[]> =>
    Promise.all(boards.map(async (board) => board.tell(command, argument)));
  await first.tell('make', 'found: true\n');
  const token = await first.tell('init');
  await first.tell('start');
  for (const board of others) await board.tell('make', `token: ${JSON.stringify(token)}\n`);
  await Promise.all(others.map(async (board) => board.tell('start')));
  await all('untilReady');
  await sleep(FIRST_MS);
  await all('kill');
  await all('start');
  await sleep(FIRST_MS);
  await all('untilReady');
  await first.tell('load', `${NODES},${DEPLOYMENTS}`);
  await sleep(LOADED_MS);
  const usages = (await all('measure', String(CPU_MS))) as [string, Usage][][];
  console.log(`${BOARDS + NODES} nodes and ${String(await first.tell('pods'))} pods; of one core of this machine`);
  usages.forEach((usage, i) => print(`c${i + 1}`, usage));
}

function print(board: string, parts: readonly [string, Usage][]): void {
  const sum = (what: keyof Usage): number => parts.reduce((total, [, usage]) => total + usage[what], 0);
  const total = { rss: sum('rss'), pss: sum('pss'), own: sum('own'), cpu: sum('cpu') };
  for (const [name, { rss, pss, own, cpu }] of [...parts, ['sum', total] as const]) {
    const mb = Object.entries({ rss, pss, own }).map(([what, value]) => `${what} ${value.toFixed(0).padStart(4)} MB`);
    console.log(`  ${board} ${name.padEnd(8)}${mb.join('  ')}  cpu ${cpu.toFixed(1)} %`);
  }
}

/** The JavaScript that a release has. Gives the entry. */
function build(folder: string): string {
  execFileSync('sh', [join(CHECKOUT, 'src/cli/build.sh'), join(folder, 'dist')], { stdio: ['ignore', 2, 2] });
  for (const name of ['package.json', 'node_modules']) symlinkSync(join(CHECKOUT, name), join(folder, name));
  return join(folder, 'dist/src/main.js');
}

async function runApart(entry: string, folder: string): Promise<number> {
  const made = PRIVATE.map((path) => mkdirSync(path, { recursive: true })).filter((path) => path !== undefined);
  const apart = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn('unshare', [...apart, process.execPath, import.meta.filename, entry, folder, 'apart'], {
    stdio: 'inherit',
  });
  // unshare itself takes no notice of these while it waits.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => child.kill('SIGKILL'));
  const code = await new Promise<number>((settle) => child.once('exit', (status) => settle(status ?? 1)));
  for (const path of made) rmdirSync(path);
  return code;
}

const [given, inside = '', apart] = process.argv.slice(2);
if (given !== undefined && apart === 'apart') {
  await measure(given, inside);
  process.exit();
}
const folder = mkdtempSync(join(tmpdir(), 'bench-memory-'));
try {
  process.exitCode = await runApart(given === undefined ? build(folder) : resolve(given), folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
