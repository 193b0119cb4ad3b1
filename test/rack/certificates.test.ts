import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { leavesOf, remake, shownSerial } from './board-pki.ts';
import { openRack, type Rack, stopwatch, until } from './harness.ts';
import { aliveSince } from './heartbeats.ts';

/** Boards that were off for so long that their certificates are no longer good, and certificates that change under load. */

const { signal } = new AbortController();
const HELLO = readFileSync(join(import.meta.dirname, '../../examples/hello.yaml'), 'utf8');
const LONG = { timeout: 300_000 };
t.setTimeout(LONG.timeout);
const DAY_MS = 86_400_000;
const rack: Rack = await openRack('cluster', signal);
const names = rack.layout.boards.map(({ name }) => name);
const founder = rack.layout.boards.find(({ isFounder }) => isFounder)?.name ?? '';
const store = ['store-server', 'store-peer', 'store-client'];
const local = ['controller-manager', 'scheduler', 'floating-address', 'admin', 'front-proxy-client'];
const ofWorker = ['kubelet-client', 'kubelet-server'];
const ofControl = [...ofWorker, ...store, ...local, 'apiserver', 'apiserver-kubelet-client'];

t.teardown(async () => {
  await rack.restore();
  await rack.tryKubectl(['delete', '--ignore-not-found', '--wait=false', '-f', '-'], HELLO);
});

void t.test('boards that were off past the end of all their certificates come back alone', LONG, async (t) => {
  await rack.kubectl(['apply', '-f', '-'], HELLO);
  await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
  await rack.pull(...names);
  const before = (await Promise.all(names.map((name) => leavesOf(rack, name)))).flat();
  for (const { name, role } of rack.layout.boards)
    t.same(
      before
        .filter((leaf) => leaf.board === name)
        .map((leaf) => leaf.name)
        .toSorted(),
      (role === 'control' ? ofControl : ofWorker).toSorted(),
      `${name} has the certificates that this test knows of`,
    );
  for (const leaf of before) await remake(rack, founder, leaf, Date.now() - 2 * DAY_MS, 1);

  const pluggedMs = Date.now();
  const elapsed = stopwatch();
  await rack.plug(...names);
  await aliveSince(rack, pluggedMs, 120_000, signal);
  t.comment(`all boards were back ${elapsed()} ms after their plugs`);
  const after = await until(
    'every certificate is made anew',
    async () => {
      const leaves = (await Promise.all(names.map((name) => leavesOf(rack, name)))).flat();
      return leaves.every(({ notAfterMs }) => notAfterMs > Date.now() + 100 * DAY_MS) ? leaves : undefined;
    },
    { timeoutMs: 60_000, signal },
  );
  t.comment(`every certificate was made anew ${elapsed()} ms after the plugs`);
  t.equal(after.length, before.length);
  await rack.kubectl(['delete', 'deployment', 'hello']);
  await rack.kubectl(['apply', '-f', '-'], HELLO);
  await rack.kubectl(['rollout', 'status', 'deployment/hello', '--timeout=60s']);
  // The floating address may move while boards are still busy with their start: a connection to where it was hangs.
  const logs = ['logs', 'deployment/hello', '--request-timeout=5s'];
  const said = await until('a kubelet gives logs', async () => rack.kubectl(logs), { timeoutMs: 20_000, signal });
  t.match(said, /serving on 10\.244\./);
});

void t.test('what serves takes up a certificate that was changed, without a restart', LONG, async (t) => {
  const board = rack.layout.boards.findLast(({ role }) => role === 'control');
  const [name, address] = [board?.name ?? '', board?.address ?? ''];
  const units = async (): Promise<string> =>
    rack.exec(name, ['systemctl', 'show', '--property=MainPID', 'bramble-store', 'bramble-server', 'bramble-agent']);
  const before = await units();
  const ports = { apiserver: 6443, 'store-server': 2379, 'store-peer': 2380, 'kubelet-server': 10250 };
  for (const leaf of await leavesOf(rack, name)) await remake(rack, founder, leaf, Date.now(), 365);
  const changed = await leavesOf(rack, name);
  const elapsed = stopwatch();
  for (const [certificate, port] of Object.entries(ports)) {
    const { serial } = changed.find((leaf) => leaf.name === certificate) ?? {};
    await until(`port ${port} shows the new certificate`, async () => (await shownSerial(address, port)) === serial, {
      timeoutMs: 90_000,
      everyMs: 500,
      signal,
    });
  }
  t.comment(`all servers of ${name} had taken up their new certificates after ${elapsed()} ms`);
  t.equal(await units(), before, 'no part was started again');
});
