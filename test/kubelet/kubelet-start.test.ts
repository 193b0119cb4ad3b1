import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { configMaps, pods } from '../../src/client/resources.ts';
import { startBoard } from './fake-board.ts';
import type { Board } from './fake-board.ts';

const SHELL = { name: 'main', image: 'img:1' };

async function untilWaiting(board: Board, name: string, reason: string): Promise<Pod> {
  const waiting = async (): Promise<Pod | undefined> => {
    const pod = await board.get(name);
    return pod?.status?.containerStatuses?.[0]?.state?.waiting?.reason === reason ? pod : undefined;
  };
  await board.until(`${name} waits: ${reason}`, async () => (await waiting()) !== undefined);
  return (await waiting()) ?? { apiVersion: 'v1', kind: 'Pod' };
}

void t.test('a container whose ConfigMap is missing waits, and starts when it is there', async (t) => {
  const board = await startBoard(t);
  const env = [{ name: 'X', valueFrom: { configMapKeyRef: { name: 'conf', key: 'x' } } }];
  await board.create('web', { containers: [{ ...SHELL, env }] });
  const pod = await untilWaiting(board, 'web', 'CreateContainerConfigError');
  t.match(pod.status?.containerStatuses?.[0]?.state?.waiting?.message, /"conf" not found/);
  t.equal(pod.status?.phase, 'Pending');
  const metadata = { name: 'conf', namespace: 'default' };
  await board.client.create(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata, data: { x: '1' } });
  await board.passUntil('it runs', async () => (await board.get('web'))?.status?.phase === 'Running');
});

void t.test('an image that cannot be pulled is held back, then pulled', async (t) => {
  const board = await startBoard(t);
  board.images.onPull = () => {
    throw new Error('no route to registry');
  };
  await board.create('web', { containers: [{ ...SHELL, image: 'other:1' }] });
  await board.passUntil('held back', async () => {
    const state = (await board.get('web'))?.status?.containerStatuses?.[0]?.state;
    return state?.waiting?.reason === 'ImagePullBackOff';
  });
  board.images.onPull = () => undefined;
  await board.passUntil('it runs', async () => (await board.get('web'))?.status?.phase === 'Running');
  const events = await board.eventsOf('web');
  for (const reason of ['Pulling', 'Failed', 'BackOff', 'Pulled', 'Created', 'Started'])
    t.ok(events.includes(reason), reason);
});

void t.test('postStart that fails ends its container; preStop runs before SIGTERM, within the grace', async (t) => {
  const board = await startBoard(t);
  const failing = { postStart: { exec: { command: ['fail'] } } };
  await board.create('failing', { containers: [{ ...SHELL, lifecycle: failing }] });
  await board.until('it was launched', () => board.launched.length === 1);
  await board.until('told', async () => (await board.eventsOf('failing')).includes('FailedPostStartHook'));
  await board.until('killed', () => board.runtime.running().length === 0);
  await board.client.delete(pods, { namespace: 'default', name: 'failing' }, { gracePeriodSeconds: 1 });
  await board.until('gone', async () => (await board.get('failing')) === undefined);

  const slow = { preStop: { sleep: { seconds: 5 } } };
  await board.create('slow', { containers: [{ ...SHELL, lifecycle: slow }] });
  await board.untilRunning('slow');
  board.runtime.calls.length = 0;
  await board.client.delete(pods, { namespace: 'default', name: 'slow' });
  await board.until('being killed', async () => (await board.eventsOf('slow')).includes('Killing'));
  await sleep(50);
  t.notOk(
    board.runtime.calls.some((call) => call.startsWith('stopContainer')),
    'the hook comes first',
  );
  const began = board.clock.nowMs();
  await board.passUntil('gone', async () => (await board.get('slow')) === undefined);
  t.ok(board.clock.nowMs() - began >= 4000);
});

void t.test('a shorter grace overtakes a longer one', async (t) => {
  const board = await startBoard(t);
  await board.create('web', { terminationGracePeriodSeconds: 600 });
  await board.untilRunning('web');
  const [process] = board.launched;
  if (process === undefined) throw new Error('nothing was launched');
  process.isStubborn = true;
  const key = { namespace: 'default', name: 'web' };
  await board.client.delete(pods, key);
  await board.until('being stopped', () => board.runtime.calls.some((call) => call.startsWith('stopContainer')));
  await board.client.delete(pods, key, { gracePeriodSeconds: 3 });
  const began = board.clock.nowMs();
  await board.passUntil('gone', async () => (await board.get('web')) === undefined);
  t.ok(board.clock.nowMs() - began < 30_000, 'not the ten minutes of before');
});

void t.test('a runtime that refuses a sandbox is asked again, less and less often', async (t) => {
  const board = await startBoard(t);
  let refusals = 3;
  board.runtime.onCall = (name) => {
    if (name !== 'runSandbox' || refusals === 0) return;
    refusals -= 1;
    throw new Error('plugin type="bridge" failed');
  };
  await board.create('web');
  await board.until('refused once', () => refusals === 2);
  await sleep(50);
  t.equal(refusals, 2, 'not at once');
  await board.passUntil('it runs', async () => (await board.get('web'))?.status?.phase === 'Running');
  t.ok((await board.eventsOf('web')).includes('FailedCreatePodSandBox'));
});
