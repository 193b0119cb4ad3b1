import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { boardPaths } from '../../src/rack/rack-paths.ts';
import { openRack, type Rack, stopwatch, until } from './harness.ts';
import { aliveSince } from './heartbeats.ts';

/** Boards as Ansible has left them, switched on in any order. It founds the rack's cluster anew each time. */

const { signal } = new AbortController();
const LONG = { timeout: 400_000 };
t.setTimeout(900_000);
const skip =
  process.env['BRAMBLE_TEST_FOUNDING'] === '1'
    ? false
    : 'set BRAMBLE_TEST_FOUNDING=1: it takes minutes, and the cluster';
/** What `bramble init` makes on the founder, which Ansible runs; all else comes of the first start. */
const OF_INIT = [
  'ca.crt',
  'ca.key',
  'store-ca.crt',
  'store-ca.key',
  'front-proxy-ca.crt',
  'front-proxy-ca.key',
  'sa.key',
];

/** Takes from all cards what boards have written since they were set up. */
async function forget(rack: Rack): Promise<void> {
  await rack.pull(...rack.layout.boards.map(({ name }) => name));
  for (const { name, isFounder } of rack.layout.boards) {
    const { persistent } = boardPaths(rack.paths, name);
    for (const [folder, keep] of [
      ['bramble', isFounder ? ['pki', 'tokens.json'] : []],
      ['bramble/pki', isFounder ? [...OF_INIT, 'sa.pub'] : []],
      ['kubelet', []],
    ] as const) {
      const entries = await readdir(join(persistent, folder)).catch(() => []);
      for (const entry of entries.filter((one) => !keep.some((kept) => kept === one)))
        await rm(join(persistent, folder, entry), { recursive: true });
    }
  }
}

const ORDERS: readonly { readonly title: string; readonly steps: readonly (readonly string[])[] }[] = [
  { title: 'workers first, the founder last', steps: [['w1', 'w2'], ['c2', 'c3'], ['c1']] },
  {
    title: 'the founder and a worker; the other control boards when they have a cluster',
    steps: [['c1', 'w1'], ['c3'], ['c2', 'w2']],
  },
];
const PAUSE_MS = 15_000;

for (const { title, steps } of ORDERS) {
  void t.test(title, { ...LONG, skip }, async (t) => {
    const rack = await openRack('cluster', signal);
    t.teardown(() => rack.restore());
    await forget(rack);
    const sinceMs = Date.now();
    for (const [index, boards] of steps.entries()) {
      if (index > 0) await sleep(PAUSE_MS);
      await rack.plug(...boards);
    }
    const elapsed = stopwatch();
    await aliveSince(rack, sinceMs, 180_000, signal);
    t.comment(`all Nodes were Ready ${elapsed()} ms after the last plug`);
    const voters = await until(
      'all control boards vote',
      async () => {
        const { stdout } = await rack.tryExec('c1', [
          'etcdctl',
          '--endpoints=https://127.0.0.1:2379',
          '--cacert=/var/lib/bramble/pki/store-ca.crt',
          '--cert=/var/lib/bramble/pki/store-client.crt',
          '--key=/var/lib/bramble/pki/store-client.key',
          'member',
          'list',
        ]);
        const lines = stdout.trim().split('\n');
        return lines.length === 3 && lines.every((line) => /started.*false$/.test(line)) ? lines : undefined;
      },
      { timeoutMs: 60_000, signal },
    );
    t.equal(voters.length, 3);
  });
}
