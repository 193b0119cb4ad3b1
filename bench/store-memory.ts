import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeTls, openClient, startMembers, stopMembers } from './store-members.ts';
import type { Maker, Members } from './store-members.ts';

/**
 * Memory of one member of three, ours beside Debian's etcd: settled after the start, after a minute's worth of an idle
 * cluster's writes with 40 watches open, after a burst of 40,000 keys of 600 bytes, and started again on that. With the environment that our unit
 * sets and a warm compile cache. "own" is what the process alone holds: the rest are pages of its program that other
 * processes of the board share. Takes about 90 s.
 */
const ROOT = mkdtempSync(join(tmpdir(), 'bench-memory-'));
const UNIT = readFileSync(join(import.meta.dirname, '../systemd/bramble-store.service'), 'utf8');
const ENV = {
  NODE_OPTIONS: /NODE_OPTIONS="([^"]*)"/.exec(UNIT)?.[1] ?? '',
  MALLOC_ARENA_MAX: /MALLOC_ARENA_MAX=(\d+)/.exec(UNIT)?.[1] ?? '',
  NODE_COMPILE_CACHE: join(ROOT, 'compile-cache'),
};

const KEYS = 40_000;
const WATCHES = 40;
const SETTLE_MS = 8000;

interface Memory {
  readonly residentMb: number;
  readonly ownMb: number;
}

/** The largest of the members: whose board would be short first. */
function memoryOf({ children }: Members): Memory {
  const all = children.map(({ pid }) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
    const mb = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(text)?.[1]) / 1024;
    return { residentMb: mb('Rss'), ownMb: mb('Private_Clean') + mb('Private_Dirty') };
  });
  return all.reduce((worst, one) => (one.residentMb > worst.residentMb ? one : worst));
}

const settle = async (ms = SETTLE_MS): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function measure(maker: Maker): Promise<Map<string, Memory>> {
  const tls = await makeTls(ROOT);
  const members = await startMembers({ maker, count: 3, root: ROOT, tls, env: ENV });
  const rows = new Map<string, Memory>();
  const note = (title: string): void => void rows.set(title, memoryOf(members));
  const value = Buffer.alloc(600, 120);
  const clients = members.urls.map((url) => openClient([url], tls));
  const stop = new AbortController();
  try {
    await settle();
    note('started');
    for (let i = 0; i < WATCHES; i += 1) {
      const watch = await clients[i % 3]?.watch({ key: Buffer.from(`/registry/${i}`) }, { signal: stop.signal });
      void (async () => {
        for await (const _ of watch ?? []);
      })().catch(() => undefined);
    }
    for (let i = 0; i < 600; i += 1) {
      await clients[i % 3]?.put({ key: Buffer.from(`/registry/leases/${i % 20}`), value });
      await settle(10);
    }
    await settle();
    note('idle cluster, 600 writes');
    let next = 0;
    const writer = async (one: number): Promise<void> => {
      for (let i = next++; i < KEYS; i = next++)
        await clients[one % 3]?.put({ key: Buffer.from(`/registry/pods/default/pod-${i}`), value });
    };
    await Promise.all(Array.from({ length: 64 }, (_, i) => writer(i)));
    note('at the end of 40,000 keys');
    await settle();
    note('settled after them');
    for (let i = 0; i < 3; i += 1) {
      const child = members.children[i];
      const gone = new Promise((resolve) => child?.once('exit', resolve));
      child?.kill('SIGTERM');
      await gone;
      members.restart(i);
      await settle(1500);
    }
    await settle();
    note('started again');
  } finally {
    stop.abort();
    for (const client of clients) client.close();
    await stopMembers(members);
  }
  return rows;
}

try {
  const warmUp = await startMembers({ maker: 'ours', count: 1, root: ROOT, env: ENV });
  await stopMembers(warmUp);
  const ours = await measure('ours');
  const etcd = await measure('etcd');
  const column = (number: number, width: number, digits = 0): string => number.toFixed(digits).padStart(width);
  console.log('MB                          resident              own');
  console.log('                          ours   etcd  ratio   ours   etcd  ratio');
  for (const [title, a] of ours) {
    const b = etcd.get(title) ?? a;
    console.log(
      title.padEnd(24) +
        column(a.residentMb, 6) +
        column(b.residentMb, 7) +
        column(a.residentMb / b.residentMb, 7, 2) +
        column(a.ownMb, 7) +
        column(b.ownMb, 7) +
        column(a.ownMb / b.ownMb, 7, 2),
    );
  }
} finally {
  rmSync(ROOT, { recursive: true });
}
