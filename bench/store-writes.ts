import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { openClient, startMembers, stopMembers } from './store-members.ts';
import type { Members } from './store-members.ts';

/**
 * Our store and Debian's etcd, one after the other, under the same writes: what reaches the disk per write at the rates
 * of an idle cluster, and writes per second with 1, 64 and 1000 clients. Prints ratios; only those mean anything on
 * a shared machine. As root it makes an ext4 file system of its own in a file, so that nobody else's writes are counted;
 * BENCH_DIR names another place (a card) instead. Takes about 50 s.
 */
const IMAGE = join(mkdtempSync(join(tmpdir(), 'bench-')), 'disk.img');
const ROOT = process.env['BENCH_DIR'] ?? mountLoop();
const DEVICE_STAT = deviceStat(ROOT);

interface Result {
  readonly bytesPerWrite: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** A file system that nobody else writes to. */
function mountLoop(): string {
  const place = join(dirname(IMAGE), 'mnt');
  for (const args of [
    ['truncate', '-s', '1G', IMAGE],
    ['mkfs.ext4', '-q', '-F', '-E', 'lazy_itable_init=0,lazy_journal_init=0', IMAGE],
    ['mkdir', place],
    ['mount', '-o', 'loop', IMAGE, place],
  ])
    if (spawnSync(args[0] ?? '', args.slice(1)).status !== 0) throw new Error(`failed: ${args.join(' ')}`);
  return place;
}

/** The counters of the disk that a folder lies on. */
function deviceStat(folder: string): string {
  const { dev } = statSync(folder);
  return `/sys/dev/block/${dev >> 8}:${dev & 255}/stat`;
}

/** Bytes that the disk under the bench had been told to write; /proc/PID/io counts whole page-cache folios instead. */
function writtenBytes(): number {
  const sectors = readFileSync(DEVICE_STAT, 'utf8').trim().split(/\s+/)[6];
  return Number(sectors) * 512;
}

/** Writes for `seconds` from so many clients; at `perSecond` in all if given, else as fast as it goes. */
async function load(members: Members, clients: number, seconds: number, perSecond?: number): Promise<Result> {
  const client = openClient(members.urls, undefined);
  const value = Buffer.alloc(600, 120);
  const takenMs: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  const before = writtenBytes();
  const one = async (number: number): Promise<void> => {
    for (let i = 0; performance.now() < endMs; i += 1) {
      const startMs = performance.now();
      await client.put({ key: Buffer.from(`/registry/leases/kube-node-lease/${number}-${i % 100}`), value });
      takenMs.push(performance.now() - startMs);
      if (perSecond === undefined) continue;
      await new Promise((resolve) =>
        setTimeout(resolve, Math.max(0, (1000 * clients) / perSecond - (performance.now() - startMs))),
      );
    }
  };
  await Promise.all(Array.from({ length: clients }, (_, i) => one(i)));
  if (perSecond !== undefined) await new Promise((resolve) => setTimeout(resolve, 300)); // etcd commits every 100 ms
  const bytes = writtenBytes() - before;
  client.close();
  takenMs.sort((a, b) => a - b);
  const at = (part: number): number => takenMs[Math.floor(takenMs.length * part)] ?? 0;
  return {
    bytesPerWrite: bytes / takenMs.length / members.urls.length,
    perSecond: takenMs.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  };
}

const CASES = [
  { title: '1 member, 2 writes/s', members: 1, clients: 1, seconds: 4, perSecond: 2 },
  { title: '1 member, 20 writes/s', members: 1, clients: 1, seconds: 3, perSecond: 20 },
  { title: '1 member, 1 client', members: 1, clients: 1, seconds: 3 },
  { title: '1 member, 64 clients', members: 1, clients: 64, seconds: 3 },
  { title: '3 members, 1 client', members: 3, clients: 1, seconds: 3 },
  { title: '3 members, 64 clients', members: 3, clients: 64, seconds: 3 },
  { title: '3 members, 1000 clients', members: 3, clients: 1000, seconds: 3 },
];

const results = new Map<string, Map<string, Result>>();
for (const members of [1, 3])
  for (const name of ['ours', 'etcd'] as const) {
    const peer = await startMembers({ maker: name, count: members, root: ROOT });
    await new Promise((resolve) => setTimeout(resolve, 1000)); // what a start writes is not counted
    try {
      for (const { title, clients, seconds, perSecond } of CASES.filter((one) => one.members === members)) {
        const result = await load(peer, clients, seconds, perSecond);
        const row = results.get(title) ?? new Map<string, Result>();
        row.set(name, result);
        results.set(title, row);
      }
    } finally {
      await stopMembers(peer);
    }
  }

if (ROOT.startsWith(dirname(IMAGE))) spawnSync('umount', [ROOT]);
rmSync(dirname(IMAGE), { recursive: true });

console.log('                          disk bytes/write          writes/s          p50 ms        p99 ms');
console.log('                          ours   etcd  ratio   ours   etcd  ratio   ours  etcd    ours  etcd');
for (const [title, row] of results) {
  const ours = row.get('ours');
  const etcd = row.get('etcd');
  if (ours === undefined || etcd === undefined) continue;
  const column = (number: number, width: number, digits = 0): string => number.toFixed(digits).padStart(width);
  console.log(
    title.padEnd(24) +
      column(ours.bytesPerWrite, 6) +
      column(etcd.bytesPerWrite, 7) +
      column(ours.bytesPerWrite / etcd.bytesPerWrite, 7, 2) +
      column(ours.perSecond, 7) +
      column(etcd.perSecond, 7) +
      column(ours.perSecond / etcd.perSecond, 7, 2) +
      column(ours.p50Ms, 7, 1) +
      column(etcd.p50Ms, 6, 1) +
      column(ours.p99Ms, 8, 1) +
      column(etcd.p99Ms, 6, 1),
  );
}
