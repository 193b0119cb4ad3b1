import t from 'tap';
import type { Pod, PodStatus } from '../../src/api/objects.ts';
import { pods } from '../../src/client/resources.ts';
import { resizeRefusal } from '../../src/kubelet/pod-admission.ts';
import { allocate } from '../../src/kubelet/resize-allocation.ts';
import { startBoard } from './fake-board.ts';

function podOf(cpu: string): Pod {
  const containers = [{ name: 'main', image: 'i', resources: { requests: { cpu } } }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'web', namespace: 'ns' }, spec: { containers } };
}

function ranWith(cpu: string): PodStatus {
  const main = { name: 'main', image: 'i', imageID: '', ready: true, restartCount: 0, containerID: 'containerd://c' };
  return { containerStatuses: [{ ...main, resources: { requests: { cpu } } }] };
}

void t.test('allocate() gives a running pod what fits, and lets it keep what it has where nothing more does', (t) => {
  const pending = { reason: 'Deferred', message: 'm' } as const;
  const refuse = (): typeof pending => pending;
  const wanted = podOf('500m');
  t.same(allocate(wanted, ranWith('0.5'), refuse), { pod: wanted }, 'the same in other words');
  t.same(
    allocate(wanted, ranWith('100m'), () => undefined),
    { pod: wanted },
  );
  t.same(allocate(wanted, {}, refuse), { pod: wanted }, 'not yet begun: admission has looked at it');
  t.same(allocate(wanted, ranWith('100m'), refuse), { pod: podOf('100m'), pending });
  t.end();
});

// Upstream canResizePod: texts and what they are told of.
void t.test('resizeRefusal() puts off what others leave no room for, and says no to more than the board has', (t) => {
  const board = { cpuMilli: 1000, memoryBytes: 2 ** 30, ephemeralStorageBytes: 0, pods: 10, labels: undefined };
  t.equal(resizeRefusal(podOf('400m'), [podOf('600m')], board), undefined);
  t.same(resizeRefusal(podOf('500m'), [podOf('600m')], board), {
    reason: 'Deferred',
    message: "Node didn't have enough resource: cpu, requested: 500, used: 600, capacity: 1000",
  });
  t.same(resizeRefusal(podOf('2'), [], board), {
    reason: 'Infeasible',
    message: "Node didn't have enough capacity: cpu, requested: 2000, capacity: 1000",
  });
  const shrinking = { ...podOf('100m'), status: ranWith('900m') };
  t.equal(resizeRefusal(shrinking, [podOf('600m')], board), undefined, 'what it gives up does not count');
  t.end();
});

void t.test('a resize that the board cannot give is told by a condition, and goes when it is taken back', async (t) => {
  const board = await startBoard(t);
  const resources = { requests: { cpu: '100m' } };
  await board.create('web', { containers: [{ name: 'main', image: 'img:1', resources }] });
  await board.untilRunning('web');
  const resize = async (cpu: string): Promise<unknown> => {
    const body = { spec: { containers: [{ name: 'main', resources: { requests: { cpu } } }] } };
    return board.client.patch(pods, { namespace: 'default', name: 'web' }, { type: 'strategic', body });
  };
  const pending = async (): Promise<string | undefined> => {
    const conditions = (await board.get('web'))?.status?.conditions;
    return conditions?.find(({ type }) => type === 'PodResizePending')?.reason;
  };
  const given = async (): Promise<unknown> =>
    (await board.get('web'))?.status?.containerStatuses?.[0]?.resources?.requests?.['cpu'];
  await resize('4000');
  await board.until('infeasible', async () => (await pending()) === 'Infeasible');
  t.equal(await given(), '100m', 'it keeps what it has');
  await resize('200m');
  await board.until('given', async () => (await given()) === '200m');
  await board.until('told no more', async () => (await pending()) === undefined);
  t.equal(board.launched.length, 1, 'without a restart');
});
