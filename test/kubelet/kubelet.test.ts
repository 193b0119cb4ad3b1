import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { StatusError } from '../../src/api/status.ts';
import { nodes, pods } from '../../src/client/resources.ts';
import type { Thresholds } from '../../src/kubelet/eviction/thresholds.ts';
import { startBoard } from './fake-board.ts';

void t.test(
  'a container that crashes is held back for 10, 20, 40 s, and forgiven after ten quiet minutes',
  async (t) => {
    const board = await startBoard(t);
    await board.create('web');
    const crash = async (count: number): Promise<void> => {
      await board.until(`start ${count}`, () => board.launched.length === count);
      await board.untilRunning('web');
      board.launched.at(-1)?.finish(1);
    };
    const waitsFor = async (delay: string): Promise<void> =>
      board.until(`held back for ${delay}`, async () => {
        const state = (await board.get('web'))?.status?.containerStatuses?.[0]?.state;
        return state?.waiting?.message?.startsWith(`back-off ${delay} `) === true;
      });
    await crash(1);
    await crash(2); // the first time it is started at once
    for (const [delay, count] of [
      ['10s', 3],
      ['20s', 4],
      ['40s', 5],
    ] as const) {
      await waitsFor(delay);
      const began = board.clock.nowMs();
      await board.passUntil(`start ${count}`, () => board.launched.length === count);
      const waitedS = (board.clock.nowMs() - began) / 1000;
      t.ok(waitedS >= parseInt(delay, 10) - 1, `${delay}: not before its time (${waitedS} s)`);
      if (count < 5) await crash(count);
    }
    await board.untilRunning('web');
    await board.clock.advance(600_000);
    await board.pass(1);
    board.launched.at(-1)?.finish(1);
    await board.until('start 6', () => board.launched.length === 6);
    t.match((await board.get('web'))?.status?.phase, 'Running');
  },
);

void t.test('a deleted pod gets SIGTERM, its grace, SIGKILL; then its object goes', async (t) => {
  const board = await startBoard(t);
  await board.create('web');
  await board.untilRunning('web');
  const [process] = board.launched;
  if (process === undefined) throw new Error('nothing was launched');
  process.isStubborn = true;
  await board.client.delete(pods, { namespace: 'default', name: 'web' });
  await board.until('it is being stopped', () => board.runtime.calls.some((call) => call.startsWith('stopContainer')));
  await board.pass(29);
  t.equal(board.runtime.running().length, 1, 'within its grace');
  await board.pass(2);
  await board.until('gone', async () => (await board.get('web')) === undefined);
  t.equal(board.runtime.running().length, 0);
  t.same(await board.runtime.listSandboxes(new AbortController().signal), []);
  await board.until('told', async () => (await board.eventsOf('web')).includes('Killing'));
});

void t.test('sidecars end after the containers they serve', async (t) => {
  const board = await startBoard(t);
  const sidecar = { name: 'side', image: 'img:1', restartPolicy: 'Always' };
  await board.create('web', { initContainers: [sidecar] });
  await board.untilRunning('web');
  const main = board.launched.find(({ name }) => name === 'main');
  const side = board.launched.find(({ name }) => name === 'side');
  if (main === undefined || side === undefined) throw new Error('not all were launched');
  main.isStubborn = true;
  let sideEnded = false;
  void side.ended.then(() => {
    sideEnded = true;
    return undefined;
  });
  await board.client.delete(pods, { namespace: 'default', name: 'web' });
  await board.until('main is being stopped', () =>
    board.runtime.calls.some((call) => call.startsWith('stopContainer')),
  );
  await sleep(50);
  t.notOk(sideEnded, 'main still runs');
  main.finish(0);
  await board.until('gone', async () => (await board.get('web')) === undefined);
  t.ok(sideEnded);
});

void t.test('a pod that takes over a name starts when the one before it has ended', async (t) => {
  const board = await startBoard(t);
  await board.create('web');
  await board.untilRunning('web');
  const [first] = board.launched;
  if (first === undefined) throw new Error('nothing was launched');
  first.isStubborn = true;
  await board.client.delete(pods, { namespace: 'default', name: 'web' }, { gracePeriodSeconds: 0 });
  await board.create('web');
  await board.until('the old one is being stopped', () =>
    board.runtime.calls.some((call) => call.startsWith('stopContainer')),
  );
  await sleep(50);
  t.equal(board.launched.length, 1, 'never two of one name');
  first.finish(0);
  await board.until('the new one', () => board.launched.length === 2);
  await board.untilRunning('web');
});

void t.test('a sandbox name that a pulled plug left reserved is freed', async (t) => {
  const board = await startBoard(t);
  let refusals = 1;
  board.runtime.onCall = (name) => {
    if (name !== 'runSandbox' || refusals === 0) return;
    refusals -= 1;
    const text =
      'rpc error: code = Unknown desc = failed to reserve sandbox name "x": name "x" is reserved for "0badc0de"';
    throw new StatusError('AlreadyExists', text);
  };
  await board.create('web');
  await board.untilRunning('web');
  t.ok(board.runtime.calls.includes('stopSandbox 0badc0de'));
});

void t.test('after a crash of everything below it the same pods run again', async (t) => {
  const board = await startBoard(t);
  await board.create('web');
  await board.untilRunning('web');
  await board.stop();
  await board.runtime.crash();
  await board.pass(1);
  board.start();
  await board.until('started again', () => board.launched.length === 2);
  await board.untilRunning('web');
  const [status] = (await board.get('web'))?.status?.containerStatuses ?? [];
  t.match(status, { restartCount: 1, lastState: { terminated: { exitCode: 137 } } });
  await board.until('told', async () => (await board.eventsOf('web')).includes('SandboxChanged'));
});

void t.test('a deadline ends a pod; a board without a network starts none', async (t) => {
  const board = await startBoard(t);
  await board.create('limited', { activeDeadlineSeconds: 5 });
  await board.untilRunning('limited');
  await board.passUntil('failed', async () => (await board.get('limited'))?.status?.phase === 'Failed');
  t.match((await board.get('limited'))?.status, {
    reason: 'DeadlineExceeded',
    message: 'Pod was active on the node longer than the specified deadline',
  });
  await board.until('stopped', () => board.runtime.running().length === 0);

  const why = { reason: 'NetworkPluginNotReady', message: 'cni plugin not initialized' };
  board.runtime.conditionsNow = [
    { type: 'RuntimeReady', status: true, reason: '', message: '' },
    { type: 'NetworkReady', status: false, ...why },
  ];
  await board.pass(6);
  const ready = async (): Promise<{ status?: string; message?: string } | undefined> =>
    (await board.client.get(nodes, '', 'w1')).status?.conditions?.find(({ type }) => type === 'Ready');
  await board.until('not ready', async () => (await ready())?.status === 'False');
  t.equal(
    (await ready())?.message,
    'container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:cni plugin not initialized',
  );
  await board.create('late');
  await board.until('told', async () => (await board.eventsOf('late')).includes('NetworkNotReady'));
});

void t.test('static pods run from files, with a mirror in the API', async (t) => {
  const board = await startBoard(t);
  const manifest = `apiVersion: v1
kind: Pod
metadata: { name: fixed, namespace: default }
spec:
  containers: [{ name: main, image: 'img:1' }]
`;
  const path = join(board.manifests, 'fixed.yaml');
  await writeFile(path, manifest);
  await board.until('it runs', () => board.launched.length === 1);
  await board.pass(8);
  await board.untilRunning('fixed-w1');
  const mirror = await board.get('fixed-w1');
  t.match(mirror?.metadata?.ownerReferences, [{ kind: 'Node', name: 'w1' }]);
  t.ok(mirror?.metadata?.annotations?.['kubernetes.io/config.mirror']);
  await rm(path);
  await board.until('stopped', () => board.runtime.running().length === 0);
  await board.pass(8);
  await board.until('its mirror is gone', async () => (await board.get('fixed-w1')) === undefined);
});

void t.test('a pod that does not fit fails and never starts', async (t) => {
  const board = await startBoard(t);
  const resources = { requests: { cpu: '4000' } };
  await board.create('huge', { containers: [{ name: 'main', image: 'img:1', resources }] });
  await board.until('failed', async () => (await board.get('huge'))?.status?.phase === 'Failed');
  t.match((await board.get('huge'))?.status, {
    reason: 'OutOfcpu',
    message: /^Pod was rejected: Node didn't have enough resource: cpu, requested: 4000000/,
  });
  t.equal(board.launched.length, 0);
});

void t.test('a pod past its deadline is Failed when its containers have ended, not before', async (t) => {
  const board = await startBoard(t);
  await board.create('late', { activeDeadlineSeconds: 5 });
  await board.untilRunning('late');
  const [process] = board.launched;
  if (process === undefined) throw new Error('nothing was launched');
  process.isStubborn = true;
  const phase = async (): Promise<string | undefined> => (await board.get('late'))?.status?.phase;
  await board.passUntil('it is being stopped', () => board.runtime.calls.some((call) => call.startsWith('stop')));
  await board.pass(5);
  t.equal(await phase(), 'Running', 'a container still runs');
  const ready = (await board.get('late'))?.status?.conditions?.find(({ type }) => type === 'Ready');
  t.match(ready, { status: 'False', reason: 'PodFailed' }, 'but it is to get no more traffic');
  await board.passUntil('Failed', async () => (await phase()) === 'Failed');
  t.match((await board.get('late'))?.status, { reason: 'DeadlineExceeded' });
  t.equal(board.runtime.running().length, 0);
  t.ok((await board.eventsOf('late')).includes('DeadlineExceeded'));
});

void t.test('a pod that wants user namespaces or unsafe sysctls does not run without or with them', async (t) => {
  const board = await startBoard(t);
  await board.create('mapped', { hostUsers: false });
  await board.until('told of', async () => (await board.eventsOf('mapped')).includes('FailedCreatePodSandBox'));
  await board.create('unsafe', { securityContext: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } });
  await board.until('refused', async () => (await board.get('unsafe'))?.status?.phase === 'Failed');
  t.match((await board.get('unsafe'))?.status, {
    reason: 'SysctlForbidden',
    message: 'Pod was rejected: forbidden sysctl: "net.core.somaxconn" not allowlisted',
  });
  t.equal(board.launched.length, 0);
});

void t.test('when the runtime is back, what it kept from starting starts at once', async (t) => {
  const board = await startBoard(t);
  await board.pass(1);
  const list = board.runtime.listSandboxes.bind(board.runtime);
  board.runtime.listSandboxes = async () => Promise.reject(new StatusError('ServiceUnavailable', 'no runtime'));
  await board.create('web');
  await board.pass(20); // tried after 1, 3, 7 and 15 s; the next time would be after 25
  t.equal(board.launched.length, 0);
  board.runtime.listSandboxes = list;
  await board.pass(2);
  await board.until('started', () => board.launched.length === 1);
});

void t.test('images are tidied up only where their file system is watched', async (t) => {
  const looks = async (evictionHard: Thresholds): Promise<number> => {
    let count = 0;
    const board = await startBoard(t, evictionHard);
    board.images.filesystems = async () => {
      count += 1;
      return [{ mountpoint: '/', usedBytes: 0, usedInodes: 0 }];
    };
    // A pod that runs: everything has begun.
    await board.create('web');
    await board.untilRunning('web');
    await board.pass(2);
    const before = count;
    await board.clock.advance(300_000);
    return count - before;
  };
  t.equal(await looks({ 'nodefs.available': '0%' }), 0);
  t.ok((await looks({ 'imagefs.available': '0%' })) > 0);
});
