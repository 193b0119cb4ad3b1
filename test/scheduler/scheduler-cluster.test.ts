import { execFileSync } from 'node:child_process';
import t from 'tap';
import { createHttpApiClient, type HttpApiClient } from '../../src/client/http-api-client.ts';
import { runLeaderElection } from '../../src/client/leader-election.ts';
import { coreEvents, leases, namespaces, nodes, pods, serviceAccounts } from '../../src/client/resources.ts';
import { systemClock } from '../../src/host/clock.ts';
import { silentLog } from '../../src/host/log.ts';
import { MetricRegistry } from '../../src/host/metrics.ts';
import { runScheduler } from '../../src/scheduler/run-scheduler.ts';
import { startTestCluster, type TestCluster } from '../apiserver/test-cluster.ts';
import { node, pod } from './arrange.ts';

function hasPrograms(): boolean {
  try {
    execFileSync('etcd', ['--version'], { stdio: 'ignore' });
    execFileSync('kubectl', ['version', '--client'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function clientAs(cluster: TestCluster, { certPem: cert, keyPem: key }: { certPem: string; keyPem: string }) {
  const config = { servers: [cluster.url], files: [], load: async () => ({ ca: cluster.ca, cert, key }) };
  return createHttpApiClient({ config, userAgent: 'bramble-test', log: silentLog });
}

async function until(what: () => Promise<boolean>, withinMs = 10_000): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!(await what())) {
    if (performance.now() > endMs) throw new Error(`not within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function arrange(admin: HttpApiClient): Promise<void> {
  await admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'ns' } });
  const account = { apiVersion: 'v1' as const, kind: 'ServiceAccount' as const };
  await admin.create(serviceAccounts, { ...account, metadata: { namespace: 'ns', name: 'default' } });
  for (const name of ['w1', 'w2']) {
    await admin.create(nodes, node(name, { allocatable: { cpu: '2' } }));
    // A new node is tainted until the node controller has seen it ready.
    await admin.patch(nodes, { namespace: '', name }, { type: 'merge', body: { spec: { taints: null } } });
  }
}

void t.test(
  'the scheduler as system:kube-scheduler may do all that it does, before our API server',
  { skip: hasPrograms() ? false : 'there is no etcd, or no kubectl, on this machine' },
  async (t) => {
    const metrics = new MetricRegistry();
    const cluster = await startTestCluster({ moreMetrics: metrics });
    const admin = clientAs(cluster, cluster.admin);
    const client = clientAs(cluster, await cluster.issueClient('system:kube-scheduler'));
    const stop = new AbortController();
    await arrange(admin);
    const lease = { namespace: 'kube-system', name: 'kube-scheduler' };
    const running = runLeaderElection(
      { client, lease, identity: 'test', clock: systemClock, log: silentLog },
      async (leading) => runScheduler({ client, log: silentLog, metrics }, leading),
      stop.signal,
    );
    t.teardown(async () => {
      stop.abort();
      await running;
      client.close();
      admin.close();
      await cluster.close();
    });

    const get = async (name: string) => admin.get(pods, 'ns', name);
    const create = async (name: string, cpu: string, priority?: number): Promise<void> => {
      const { metadata, ...rest } = pod(name, { requests: { cpu }, spec: priority === undefined ? {} : { priority } });
      await admin.create(pods, { ...rest, metadata: { namespace: 'ns', name, labels: metadata?.labels ?? {} } });
    };
    await create('fits', '1500m');
    await create('also', '1500m');
    await until(async () => (await get('also')).spec?.nodeName !== undefined);
    t.not((await get('fits')).spec?.nodeName, (await get('also')).spec?.nodeName);

    await create('hungry', '1');
    await until(
      async () => (await get('hungry')).status?.conditions?.some(({ type }) => type === 'PodScheduled') ?? false,
    );
    t.match(
      (await get('hungry')).status?.conditions?.find(({ type }) => type === 'PodScheduled'),
      {
        status: 'False',
        reason: 'Unschedulable',
        message:
          /^0\/2 nodes are available: 2 Insufficient cpu\. no new claims to deallocate, preemption: 0\/2 nodes are available: 2 No preemption/,
      },
    );
    await admin.delete(pods, { namespace: 'ns', name: 'fits' }, { gracePeriodSeconds: 0 });
    await until(async () => (await get('hungry')).spec?.nodeName !== undefined);
    const reasons = async (): Promise<string[]> => {
      const { items } = await admin.list(coreEvents, { fieldSelector: 'involvedObject.name=hungry' });
      return items.map(({ reason = '' }) => reason).toSorted();
    };
    await until(async () => (await reasons()).length === 2);
    t.same(await reasons(), ['FailedScheduling', 'Scheduled']);
    t.equal((await admin.get(leases, lease.namespace, lease.name)).spec?.holderIdentity, 'test');
    const text = await cluster.kubectl(['get', '--raw', '/metrics']);
    t.match(text, 'scheduler_schedule_attempts_total{result="scheduled",profile="default-scheduler"} 3');
    t.match(text, 'apiserver_request_total');
  },
);
