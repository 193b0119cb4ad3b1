import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutLoad } from './put-load.ts';
import { openClient, startMembers, stopMembers } from './store-members.ts';
import type { Maker, Members } from './store-members.ts';

/**
 * Our store and Debian's etcd side by side, under the same writes of 600 bytes in turns of a second: what reaches the
 * disk per write at the rates of an idle cluster, then writes per second with 1, 64 and 1000 clients. One client speaks to
 * the leader, many to all members. Prints the median and the range of the turns' ratios, for only those mean anything
 * on a shared machine, and the processor time of all members per write, which others' load hardly changes. As root each
 * store has an ext4 file system of its own in a file, so that nobody else's writes are counted; BENCH_DIR names another
 * place (a card) instead. Takes about 130 s.
 */
const TEMP = mkdtempSync(join(tmpdir(), 'bench-'));
const VALUE = Buffer.alloc(600, 120);
const MAKERS: readonly Maker[] = ['ours', 'etcd'];
/** Compilers and caches get warm, as they are in a store that has run for a while. */
const WARM_SECONDS = 3;
const TURNS = 6;
const CLOCK_TICKS_PER_SECOND = 100;

interface Store {
  readonly members: Members;
  readonly loads: readonly PutLoad[];
  /** Index of the leader's. */
  readonly leader: number;
  readonly diskStat: string;
}

interface Turn {
  readonly writes: number;
  readonly seconds: number;
  readonly takenMs: readonly number[];
  readonly diskBytes: number;
  readonly cpuMs: number;
}

interface Case {
  readonly title: string;
  readonly clients: number;
  readonly turns: number;
  readonly seconds: number;
  /** In all; absent: as fast as it goes. */
  readonly perSecond?: number;
}

/** A folder on a file system that nobody else writes to. */
function placeOf(maker: Maker): string {
  const given = process.env['BENCH_DIR'];
  if (given !== undefined) return given;
  const [image, place] = [join(TEMP, `${maker}.img`), join(TEMP, maker)];
  for (const args of [
    ['truncate', '-s', '4G', image],
    ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', image],
    ['mkdir', place],
    ['mount', '-o', 'loop', image, place],
  ])
    if (spawnSync(args[0] ?? '', args.slice(1)).status !== 0) throw new Error(`failed: ${args.join(' ')}`);
  return place;
}

/** Bytes that a disk had been told to write; /proc/PID/io counts whole page-cache folios instead. */
function writtenBytes(diskStat: string): number {
  return Number(readFileSync(diskStat, 'utf8').trim().split(/\s+/)[6]) * 512;
}

/** Processor time of all members so far, of all threads, in user and kernel (proc_pid_stat(5), fields 14 and 15). */
function cpuMs({ children }: Members): number {
  const ticks = children.map(({ pid }) => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return Number(fields[11]) + Number(fields[12]);
  });
  return (ticks.reduce((sum, one) => sum + one, 0) * 1000) / CLOCK_TICKS_PER_SECOND;
}

async function open(maker: Maker, count: number, root: string): Promise<Store> {
  const { dev } = statSync(root);
  const members = await startMembers({ maker, count, root });
  const client = openClient(members.urls, undefined);
  const states = await Promise.all(members.urls.map((url) => client.status(url)));
  client.close();
  const leader = states.findIndex(({ header, leader }) => header.memberId === leader);
  const loads = await Promise.all(members.urls.map((url) => PutLoad.open(url)));
  return { members, loads, leader, diskStat: `/sys/dev/block/${dev >> 8}:${dev & 255}/stat` };
}

async function close({ members, loads }: Store): Promise<void> {
  for (const load of loads) load.close();
  await stopMembers(members);
}

/** One turn of writes. */
async function turn({ members, loads, leader, diskStat }: Store, clients: number, seconds: number, perSecond?: number) {
  const takenMs: number[] = [];
  const before = { disk: writtenBytes(diskStat), cpu: cpuMs(members), ms: performance.now() };
  const endMs = before.ms + seconds * 1000;
  const one = async (number: number): Promise<void> => {
    const load = loads[clients === 1 ? leader : number % loads.length];
    for (let i = 0; performance.now() < endMs; i += 1) {
      const startMs = performance.now();
      await load?.put(Buffer.from(`/registry/leases/kube-node-lease/${number}-${i % 100}`), VALUE);
      takenMs.push(performance.now() - startMs);
      if (perSecond === undefined) continue;
      const restMs = (1000 * clients) / perSecond - (performance.now() - startMs);
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, restMs)));
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => one(i)));
  const taken = (performance.now() - before.ms) / 1000;
  if (perSecond !== undefined) await new Promise((resolve) => setTimeout(resolve, 300)); // etcd commits every 100 ms
  return {
    writes: takenMs.length,
    seconds: taken,
    takenMs,
    diskBytes: (writtenBytes(diskStat) - before.disk) / members.urls.length,
    cpuMs: cpuMs(members) - before.cpu,
  } satisfies Turn;
}

const sorted = (numbers: readonly number[]): readonly number[] => numbers.toSorted((a, b) => a - b);
const at = (numbers: readonly number[], part: number): number =>
  sorted(numbers)[Math.min(numbers.length - 1, Math.floor(numbers.length * part))] ?? 0;
const column = (number: number, width: number, digits = 0): string => number.toFixed(digits).padStart(width);

/** A row of the table: ours, etcd's, and the ratio of what was measured in turns. */
function report(title: string, ours: readonly Turn[], etcd: readonly Turn[]): void {
  const each = (turns: readonly Turn[]) => {
    const sum = (of: (one: Turn) => number): number => turns.reduce((total, one) => total + of(one), 0);
    const [writes, takenMs] = [sum((one) => one.writes), turns.flatMap((one) => one.takenMs)];
    return {
      rates: turns.map((one) => one.writes / one.seconds),
      diskBytes: sum((one) => one.diskBytes) / writes,
      cpuUs: (1000 * sum((one) => one.cpuMs)) / writes,
      p50: at(takenMs, 0.5),
      p99: at(takenMs, 0.99),
    };
  };
  const [a, b] = [each(ours), each(etcd)];
  const ratios = sorted(a.rates.map((rate, i) => rate / (b.rates[i] ?? rate)));
  console.log(
    title.padEnd(24) +
      column(at(a.rates, 0.5), 7) +
      column(at(b.rates, 0.5), 7) +
      column(at(ratios, 0.5), 7, 2) +
      ` (${column(ratios[0] ?? 0, 4, 2)} to ${column(ratios.at(-1) ?? 0, 4, 2)})` +
      column(a.p50, 8, 1) +
      column(b.p50, 6, 1) +
      column(a.p99, 7, 1) +
      column(b.p99, 6, 1) +
      column(a.cpuUs, 8) +
      column(b.cpuUs, 6) +
      column(a.diskBytes, 8) +
      column(b.diskBytes, 7) +
      column(a.diskBytes / b.diskBytes, 6, 2),
  );
}

const CASES: Record<number, readonly Case[]> = {
  1: [
    { title: '1 member, 2 writes/s', clients: 1, turns: 1, seconds: 20, perSecond: 2 },
    { title: '1 member, 20 writes/s', clients: 1, turns: 1, seconds: 8, perSecond: 20 },
    { title: '1 member, 1 client', clients: 1, turns: TURNS, seconds: 1 },
    { title: '1 member, 64 clients', clients: 64, turns: TURNS, seconds: 1 },
  ],
  3: [
    { title: '3 members, 1 client', clients: 1, turns: TURNS, seconds: 1 },
    { title: '3 members, 64 clients', clients: 64, turns: TURNS, seconds: 1 },
    { title: '3 members, 1000 clients', clients: 1000, turns: TURNS, seconds: 1 },
  ],
};

try {
  const places = MAKERS.map(placeOf);
  console.log(
    '                              writes/s                            p50 ms        p99 ms   cpu us/write   disk bytes/write',
  );
  console.log(
    '                           ours   etcd  ratio (of turns)       ours  etcd   ours  etcd    ours  etcd    ours   etcd ratio',
  );
  for (const [count, cases] of Object.entries(CASES)) {
    const stores = await Promise.all(MAKERS.map((maker, i) => open(maker, Number(count), places[i] ?? TEMP)));
    await new Promise((resolve) => setTimeout(resolve, 6000)); // what a start has written goes to the disk within 5 s
    try {
      for (const { title, clients, turns, seconds, perSecond } of cases) {
        const results: Turn[][] = stores.map(() => []);
        if (perSecond === undefined) for (const store of stores) await turn(store, clients, WARM_SECONDS);
        for (let i = 0; i < turns; i += 1) {
          // Who comes first changes, so that what changes over time does not favour one.
          const order = i % 2 === 0 ? [0, 1] : [1, 0];
          for (const j of order) {
            const store = stores[j];
            if (store !== undefined) results[j]?.push(await turn(store, clients, seconds, perSecond));
          }
        }
        report(title, results[0] ?? [], results[1] ?? []);
      }
    } finally {
      await Promise.all(stores.map(close));
    }
  }
  console.log(
    `load of the machine: ${loadavg()
      .map((load) => load.toFixed(1))
      .join(', ')}`,
  );
} finally {
  if (process.env['BENCH_DIR'] === undefined) for (const maker of MAKERS) spawnSync('umount', [join(TEMP, maker)]);
  rmSync(TEMP, { recursive: true });
}
