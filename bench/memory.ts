import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { makeBoard, runOnBoard, type PartName, PARTS, startPart } from './memory-board.ts';
import { startLoad, untilReady } from './memory-load.ts';

/**
 * Memory and processor time of a control board's three processes: `node bench/memory.ts [entry]` as root, with containerd;
 * the entry is src/main.ts, or dist/src/main.js after `npm run build`. Takes 2 minutes: a first start, and a second one
 * with what the first has compiled, on which four more nodes and 50 pods come. The parts are the real ones, with their
 * units' environment, on a board in namespaces of its own. "rss" counts some 55 MB that all processes of node share; "pss"
 * shares them out; "own" is what one process alone holds. "cpu" is of one core of this machine over the last while.
 */
/** For both starts together to be ready. */
const READY_MS = 90_000;
const SETTLE_MS = 5000;
/** Longer than until the parts give back what the start took. */
const LOADED_MS = 65_000;
const CPU_MS = 15_000;
const NODES = 4;
const DEPLOYMENTS = 5;
const TICKS_PER_SECOND = 100;

async function measure(entry: string): Promise<void> {
  const logs = mkdtempSync(join(tmpdir(), 'bench-memory-'));
  const stop = new AbortController();
  const limit = AbortSignal.timeout(READY_MS);
  try {
    makeBoard(entry, logs);
    const start = (): Map<PartName, ChildProcess> => new Map(PARTS.map((part) => [part, startPart(part, entry, logs)]));
    let parts = start();
    await untilReady(limit);
    await sleep(SETTLE_MS);
    await print('first start', parts, 0);
    await Promise.all([...parts.values()].map(end)); // a clean end writes what has been compiled
    parts = start();
    await untilReady(limit);
    await sleep(SETTLE_MS);
    await print('second start', parts, 0);
    const running = await startLoad(NODES, DEPLOYMENTS, stop.signal);
    await sleep(LOADED_MS);
    await print(`with ${NODES + 1} nodes and ${running()} pods`, parts, CPU_MS);
  } finally {
    stop.abort();
    rmSync(logs, { recursive: true, force: true });
  }
}

async function end(child: ChildProcess): Promise<void> {
  const gone = new Promise((settle) => child.once('exit', settle));
  child.kill('SIGTERM');
  await gone;
}

async function print(title: string, parts: ReadonlyMap<PartName, ChildProcess>, cpuMs: number): Promise<void> {
  const before = new Map([...parts].map(([part, { pid }]) => [part, cpuSeconds(pid)]));
  await sleep(cpuMs);
  console.log(title);
  const sum = { rss: 0, pss: 0, own: 0 };
  for (const [part, { pid }] of parts) {
    const { rss, pss, own } = memoryOf(pid);
    sum.rss += rss;
    sum.pss += pss;
    sum.own += own;
    const cpu = (100_000 * (cpuSeconds(pid) - (before.get(part) ?? 0))) / cpuMs;
    console.log(row(part, { rss, pss, own }) + (cpuMs === 0 ? '' : `  cpu ${cpu.toFixed(1)} %`));
  }
  console.log(row('sum', sum));
}

type Memory = Readonly<Record<'rss' | 'pss' | 'own', number>>;

function row(name: string, memory: Memory): string {
  return `  ${name.padEnd(8)}${Object.entries(memory)
    .map(([what, mb]) => `${what} ${mb.toFixed(0).padStart(4)} MB`)
    .join('  ')}`;
}

/** @throws Error when the process has ended: then its log says why */
function memoryOf(pid: number | undefined): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024;
  return { rss: mb('Rss'), pss: mb('Pss'), own: mb('Private_Clean') + mb('Private_Dirty') };
}

function cpuSeconds(pid: number | undefined): number {
  const [, fields = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ');
  const [user = 0, system = 0] = fields.split(' ').slice(11, 13).map(Number);
  return (user + system) / TICKS_PER_SECOND;
}

const [first, inside] = process.argv.slice(2);
if (first !== undefined && inside === 'inside') {
  await measure(first);
  process.exit();
}
const entry = first === undefined ? join(import.meta.dirname, '../src/main.ts') : resolve(first);
process.exit(await runOnBoard(import.meta.filename, [entry, 'inside']));
