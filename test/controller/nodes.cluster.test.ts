import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { coreEvents, leases, nodes, pods } from '../../src/client/resources.ts';
import { readyStatus } from '../../src/controller/node-health.ts';
import { readyNode } from './fake-boards.ts';
import { type RealCluster, startRealCluster, until } from './real-cluster.ts';

const LONG = { timeout: 150_000 };
t.setTimeout(LONG.timeout);

/** Renews the leases of all boards but the dead ones, as their kubelets would. */
function renew(t: { teardown(end: () => Promise<void>): void }, { admin, boards }: RealCluster, names: string[]): void {
  const stop = new AbortController();
  const renewing = (async () => {
    for (const name of names) {
      const metadata = { namespace: 'kube-node-lease', name };
      await admin.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata });
    }
    while (!stop.signal.aborted) {
      for (const name of names.filter((one) => !boards.dead.has(one))) {
        const renewTime = new Date().toISOString().replace('Z', '000Z');
        const key = { namespace: 'kube-node-lease', name };
        await admin.patch(leases, key, { type: 'merge', body: { spec: { renewTime } } }).catch(() => undefined);
      }
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  })();
  t.teardown(async () => {
    stop.abort();
    await renewing;
  });
}

function pod(name: string, nodeName: string, tolerations: readonly object[] = []): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: 'web' } },
    spec: { nodeName, containers: [{ name: 'c', image: 'one' }], tolerations: [...tolerations] },
  };
}

const unreachable = (tolerationSeconds?: number): object => ({
  key: 'node.kubernetes.io/unreachable',
  operator: 'Exists',
  effect: 'NoExecute',
  ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
});

void t.test('one control board and one worker: the worker falls silent, and comes back', LONG, async (t) => {
  const names = ['c1', 'w1'];
  const dead = new Set<string>();
  const probe = async (address: string) => (dead.has(address) ? ('silent' as const) : ('answers' as const));
  const cluster = await startRealCluster(t, { boards: names, controllers: { probe } });
  const { admin, boards } = cluster;
  const get = async (name: string): Promise<Pod> => admin.get(pods, 'default', name);
  const taints = async (): Promise<string[]> => {
    const { spec } = await admin.get(nodes, '', 'w1');
    return (spec?.taints ?? []).map(({ key, effect }) => `${key.split('/')[1]}:${effect}`).toSorted();
  };
  const isReady = async (name: string) =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  await admin.patch(
    nodes,
    { namespace: '', name: 'w1' },
    {
      type: 'strategic',
      body: { status: { addresses: [{ type: 'InternalIP', address: '192.0.2.9' }] } },
    },
    { subresource: 'status' },
  );
  renew(t, cluster, names);
  await admin.create(pods, pod('short', 'w1', [unreachable(6)]));
  await admin.create(pods, pod('forever', 'w1', [unreachable()]));
  await admin.create(pods, pod('long', 'w1', [unreachable(300)]));
  await until(async () => (await isReady('short')) && (await isReady('forever')) && (await isReady('long')));

  await t.test('a board that answers on the network is not given up', async (t) => {
    boards.dead.add('w1');
    await new Promise((resolve) => setTimeout(resolve, 9_500));
    t.equal(readyStatus(await admin.get(nodes, '', 'w1')), 'True');
  });

  await t.test('a silent one is Unknown, tainted, its pods not ready', async (t) => {
    dead.add('192.0.2.9');
    await until(async () => readyStatus(await admin.get(nodes, '', 'w1')) === 'Unknown', 10_000);
    await until(async () => (await taints()).length === 2);
    t.same(await taints(), ['unreachable:NoExecute', 'unreachable:NoSchedule']);
    await until(async () => !(await isReady('forever')));
    t.match(
      (await admin.get(nodes, '', 'w1')).status?.conditions?.find(({ type }) => type === 'MemoryPressure'),
      {
        status: 'Unknown',
        reason: 'NodeStatusUnknown',
        message: 'Kubelet stopped posting node status.',
      },
    );
  });

  await t.test('a change of the leader does not start the time of toleration anew', async (t) => {
    const sinceMs = Date.parse((await admin.get(nodes, '', 'w1')).spec?.taints?.[0]?.timeAdded ?? '');
    await cluster.restart();
    await until(async () => (await get('short')).metadata?.deletionTimestamp !== undefined, 15_000);
    const tookMs = Date.now() - sinceMs;
    t.ok(tookMs >= 5_900 && tookMs < 9_000, `deleted ${tookMs} ms after the taint`);
    t.match(
      (await get('short')).status?.conditions?.find(({ type }) => type === 'DisruptionTarget'),
      {
        status: 'True',
        reason: 'DeletionByTaintManager',
      },
    );
    t.equal((await get('forever')).metadata?.deletionTimestamp, undefined);
    t.equal((await get('long')).metadata?.deletionTimestamp, undefined);
    const { items } = await admin.list(coreEvents, { fieldSelector: 'reason=TaintManagerEviction' });
    t.equal(items[0]?.message, 'Marking for deletion Pod default/short');
  });

  await t.test('out of service: what is deleted there is gone', async (t) => {
    const taint = { key: 'node.kubernetes.io/out-of-service', value: 'nodeshutdown', effect: 'NoSchedule' };
    const before = (await admin.get(nodes, '', 'w1')).spec?.taints ?? [];
    const key = { namespace: '', name: 'w1' };
    await admin.patch(nodes, key, { type: 'merge', body: { spec: { taints: [...before, taint] } } });
    const gone = async () =>
      get('short').then(
        () => false,
        () => true,
      );
    await until(gone, 25_000);
    t.pass('each wait came to its end');
  });

  await t.test('the board returns: its taints go, others’ stay', async (t) => {
    boards.dead.clear();
    dead.clear();
    const { status } = readyNode('w1', '192.0.2.9');
    await admin.patch(
      nodes,
      { namespace: '', name: 'w1' },
      { type: 'strategic', body: { status } },
      { subresource: 'status' },
    );
    await until(async () => (await taints()).length === 1);
    t.same(await taints(), ['out-of-service:NoSchedule']);
    t.equal((await get('long')).metadata?.deletionTimestamp, undefined);
  });
});
