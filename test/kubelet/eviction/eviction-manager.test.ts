import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { nodes } from '../../../src/client/resources.ts';
import { silentLog } from '../../../src/host/log.ts';
import { EvictionManager } from '../../../src/kubelet/eviction/eviction-manager.ts';
import type { PodUse } from '../../../src/kubelet/eviction/pod-use.ts';
import { DEFAULT_THRESHOLDS } from '../../../src/kubelet/eviction/thresholds.ts';
import type { Observation, Signal } from '../../../src/kubelet/eviction/thresholds.ts';
import { createFakeClock } from '../../fake/clock.ts';
import { startBoard } from '../fake-board.ts';

const MIB = 2 ** 20;
const { signal } = new AbortController();

function pod(name: string, spec: object = {}, annotations: Record<string, string> = {}): Pod {
  const containers = [{ name: 'main', image: 'i' }];
  return { metadata: { name, uid: name, annotations }, spec: { containers, ...spec } } as Pod;
}

/** A board whose numbers are set by hand. */
function makeBoard(...pods: readonly Pod[]) {
  const clock = createFakeClock();
  const seen = new Map<Signal, Observation>([['memory.available', { available: 500 * MIB, capacity: 1024 * MIB }]]);
  const log: string[] = [];
  let onReclaim = (): void => undefined;
  const manager = new EvictionManager({
    thresholds: DEFAULT_THRESHOLDS,
    clock,
    log: silentLog,
    observe: async () => seen,
    readUses: async (asked) =>
      asked.map((one): PodUse => {
        const amount = 10 * MIB;
        const rest = { inodes: 1, processes: 1, containers: [], volumes: new Map([['work', 2 * MIB]]) };
        return { pod: one, memoryBytes: amount, diskBytes: amount, ...rest };
      }),
    activePods: () => pods,
    evict: ({ metadata }, end) => log.push(`evict ${metadata?.name} ${end.graceSeconds} ${end.message}`),
    isGone: () => true,
    reclaimDisk: async () => {
      log.push('reclaim');
      onReclaim();
    },
    emit: ({ reason, message }) => log.push(`${reason} ${message}`),
    onChange: () => log.push('changed'),
  });
  return { manager, clock, seen, log, setReclaim: (act: () => void) => (onReclaim = act) };
}

void t.test(
  'EvictionManager ends one pod at a time when memory is short, never a critical or static one',
  async (t) => {
    const vital = pod('vital', { priority: 2_000_000_000 });
    const fixed = pod('fixed', {}, { 'kubernetes.io/config.source': 'file' });
    const { manager, seen, log } = makeBoard(vital, fixed, pod('web'));
    t.same(await manager.look(signal), []);
    t.same(log, []);
    seen.set('memory.available', { available: 50 * MIB, capacity: 1024 * MIB });
    t.match(await manager.look(signal), [{ metadata: { name: 'web' } }]);
    const low = 'The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ';
    t.same(log, ['changed', 'EvictionThresholdMet Attempting to reclaim memory', `evict web 1 ${low}`]);
    t.same([...manager.evictions], [['memory.available', 1]]);
    const message = 'The node had condition: [MemoryPressure]. ';
    t.same(manager.refusal(pod('new')), { reason: 'Evicted', message });
    const resources = { requests: { memory: '1Mi' } };
    t.equal(manager.refusal(pod('burstable', { containers: [{ name: 'main', resources }] })), undefined);
    t.equal(manager.refusal(vital), undefined);
    t.equal(manager.refusal(fixed), undefined);
    const tolerations = [{ key: 'node.kubernetes.io/memory-pressure', operator: 'Exists' }];
    t.equal(manager.refusal(pod('daemon', { tolerations })), undefined);
  },
);

void t.test('EvictionManager frees the card of what nobody uses before it ends a pod', async (t) => {
  const { manager, seen, log, setReclaim } = makeBoard(pod('web'));
  seen.set('imagefs.available', { available: 5, capacity: 100 });
  setReclaim(() => seen.set('imagefs.available', { available: 50, capacity: 100 }));
  t.same(await manager.look(signal), []);
  t.same(log, ['changed', 'EvictionThresholdMet Attempting to reclaim ephemeral-storage', 'reclaim']);
  t.same(manager.pressures, ['DiskPressure'], 'for five minutes yet');
  t.match(manager.refusal(pod('any', { containers: [{ name: 'a', resources: { limits: { cpu: '1' } } }] })), {
    message: 'The node had condition: [DiskPressure]. ',
  });
  setReclaim(() => undefined);
  seen.set('imagefs.available', { available: 5, capacity: 100 });
  t.equal((await manager.look(signal)).length, 1);
});

void t.test('EvictionManager ends pods whose emptyDir outgrew its limit, though the card has room', async (t) => {
  const { manager, clock, log } = makeBoard(
    pod('small', { volumes: [{ name: 'work', emptyDir: { sizeLimit: '1Mi' } }] }),
    pod('free', { volumes: [{ name: 'work', emptyDir: {} }] }),
  );
  t.match(await manager.look(signal), [{ metadata: { name: 'small' } }]);
  t.same(log, ['evict small 1 Usage of EmptyDir volume "work" exceeds the limit "1Mi". ']);
  t.same(await manager.look(signal), [], 'volumes are walked through once a minute');
  await clock.advance(60_000);
  t.equal((await manager.look(signal)).length, 1);
});

void t.test('a board without memory tells so, refuses best-effort pods and evicts others', async (t) => {
  const board = await startBoard(t, { 'memory.available': '1000Ti' });
  const condition = async (): Promise<string | undefined> => {
    const node = await board.client.get(nodes, '', 'w1').catch(() => undefined);
    return node?.status?.conditions?.find(({ type }) => type === 'MemoryPressure')?.status;
  };
  await board.passUntil('MemoryPressure', async () => (await condition()) === 'True');
  await board.create('loose');
  await board.until('refused', async () => (await board.get('loose'))?.status?.phase === 'Failed');
  t.match((await board.get('loose'))?.status, {
    reason: 'Evicted',
    message: 'Pod was rejected: The node had condition: [MemoryPressure]. ',
  });
  const resources = { requests: { cpu: '1m' } };
  await board.create('web', { containers: [{ name: 'main', image: 'img:1', resources }] });
  await board.passUntil('evicted', async () => (await board.get('web'))?.status?.phase === 'Failed');
  const { status } = (await board.get('web')) ?? {};
  t.match(status, {
    reason: 'Evicted',
    message: /^The node was low on resource: memory\. Threshold quantity: 1000Ti, /,
  });
  const target = status?.conditions?.find(({ type }) => type === 'DisruptionTarget');
  t.match(target, { status: 'True', reason: 'TerminationByKubelet', message: /^The node was low/ });
  t.ok((await board.eventsOf('web')).includes('Evicted'));
  t.equal(board.runtime.running().length, 0);
});
