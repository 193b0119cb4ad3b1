import { MetricRegistry } from '../../src/host/metrics.ts';
import t, { type Test } from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import { coreEvents, nodes, pods, replicaSets, services } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { runScheduler } from '../../src/scheduler/run-scheduler.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createFakeClock, settle } from '../fake/clock.ts';
import { node, pod } from './arrange.ts';

const CONTROL = { taints: [{ key: 'node-role.kubernetes.io/control-plane', effect: 'NoSchedule' as const }] };

function arrange(t: Test, config?: unknown) {
  const client = createFakeApiClient();
  const clock = createFakeClock();
  const stop = new AbortController();
  const start = (): void => {
    const options = { client, clock, log: silentLog, random: () => 0, hasStatefulSets: false };
    const running = runScheduler({ ...options, ...(config === undefined ? {} : { config }) }, stop.signal);
    t.teardown(async () => {
      stop.abort();
      await running;
    });
  };
  const get = async (name: string): Promise<Pod> => client.get(pods, 'ns', name);
  const nodeOf = async (name: string): Promise<string> => (await get(name)).spec?.nodeName ?? '';
  const conditionOf = async (name: string) =>
    (await get(name)).status?.conditions?.find(({ type }) => type === 'PodScheduled');
  const eventsOf = async (name: string): Promise<string[]> => {
    const { items } = await client.list(coreEvents, { fieldSelector: `involvedObject.name=${name}` });
    return items.map(({ reason, message, count }) => `${reason} x${count}: ${message}`);
  };
  const advance = async (ms: number): Promise<void> => {
    await clock.advance(ms);
    for (let i = 0; i < 5; i += 1) await settle();
  };
  return { client, clock, start, get, nodeOf, conditionOf, eventsOf, advance };
}

void t.test('a pod is bound, with the event that people look for', async (t) => {
  const { client, start, nodeOf, eventsOf, advance } = arrange(t);
  client.seed(nodes, node('c1', { spec: CONTROL }), node('w1'));
  client.seed(pods, pod('web'));
  start();
  await advance(10);
  t.equal(await nodeOf('web'), 'w1');
  t.same(await eventsOf('web'), ['Scheduled x1: Successfully assigned ns/web to w1']);
});

void t.test('replicas of a Deployment spread over the workers', async (t) => {
  const { client, start, nodeOf, advance } = arrange(t);
  client.seed(nodes, node('c1', { spec: CONTROL }), node('w1'), node('w2'));
  const labels = { app: 'hello' };
  const owner = { kind: 'ReplicaSet', name: 'hello', uid: 'rs' };
  client.seed(replicaSets, {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace: 'ns', name: 'hello', uid: 'rs' },
    spec: { selector: { matchLabels: labels } },
  });
  start();
  await advance(10);
  for (const name of ['a', 'b', 'c', 'd']) await client.create(pods, pod(name, { labels, owner }));
  await advance(10);
  const places = await Promise.all(['a', 'b', 'c', 'd'].map(nodeOf));
  t.same(places.toSorted(), ['w1', 'w1', 'w2', 'w2']);
});

// kubernetes/kubernetes framework/types.go FitError and preemption.go, v1.36.
void t.test('a pod that fits nowhere says why in upstream words, and is placed when a node frees', async (t) => {
  const { client, start, nodeOf, conditionOf, eventsOf, advance } = arrange(t);
  const tainted = [1, 2, 3].map((i) => node(`c${i}`, { spec: CONTROL }));
  client.seed(nodes, ...tainted, node('w1'), node('w2'));
  const full = { requests: { cpu: '3500m' } };
  client.seed(pods, pod('x', { ...full, spec: { nodeName: 'w1' } }), pod('y', { ...full, spec: { nodeName: 'w2' } }));
  client.seed(pods, pod('web', { requests: { cpu: '1' } }));
  start();
  await advance(10);
  const message =
    '0/5 nodes are available: 2 Insufficient cpu, 3 node(s) had untolerated taint(s). ' +
    'no new claims to deallocate, preemption: 0/5 nodes are available: 2 No preemption victims found for incoming pod, ' +
    '3 Preemption is not helpful for scheduling.';
  t.match(await conditionOf('web'), { status: 'False', reason: 'Unschedulable', message });
  t.same(await eventsOf('web'), [`FailedScheduling x1: ${message}`]);

  await client.delete(pods, { namespace: 'ns', name: 'x' }, { gracePeriodSeconds: 0 });
  await advance(10);
  t.equal(await nodeOf('web'), 'w1', 'nobody else waits: it need not wait its back-off out');
});

void t.test('a heartbeat of a node wakes no pod, a removed taint does', async (t) => {
  const { client, start, nodeOf, eventsOf, advance } = arrange(t);
  client.seed(nodes, node('w1', { spec: { taints: [{ key: 'a', effect: 'NoSchedule' }] } }));
  client.seed(pods, pod('web'));
  start();
  await advance(2000);
  const before = await client.get(nodes, '', 'w1');
  const conditions = [{ type: 'Ready', status: 'True', lastHeartbeatTime: '2026-01-01T00:00:00Z' }];
  await client.update(nodes, { ...before, status: { ...before.status, conditions } }, { subresource: 'status' });
  await advance(5000);
  t.match(await eventsOf('web'), [/x1: 0\/1 nodes are available: 1 node\(s\) had untolerated taint\(s\)\./]);
  await client.patch(nodes, { namespace: '', name: 'w1' }, { type: 'merge', body: { spec: { taints: null } } });
  await advance(10);
  t.equal(await nodeOf('web'), 'w1');
});

void t.test('a gated pod waits, and says so', async (t) => {
  const { client, start, nodeOf, conditionOf, get, advance } = arrange(t);
  client.seed(nodes, node('w1'));
  client.seed(pods, pod('web', { spec: { schedulingGates: [{ name: 'example.com/wait' }] } }));
  start();
  await advance(10);
  t.match(await conditionOf('web'), {
    status: 'False',
    reason: 'SchedulingGated',
    message: 'Scheduling is blocked due to non-empty scheduling gates',
  });
  const gated = await get('web');
  await client.update(pods, { ...gated, spec: { containers: [], ...gated.spec, schedulingGates: [] } });
  await advance(10);
  t.equal(await nodeOf('web'), 'w1');
});

void t.test('a failed binding gives the room back and is tried again', async (t) => {
  const { client, start, nodeOf, eventsOf, advance } = arrange(t);
  client.seed(nodes, node('w1', { allocatable: { pods: '1' } }));
  client.seed(pods, pod('web'));
  let failures = 1;
  client.onCall = ({ subresource }) => {
    if (subresource !== 'binding' || failures === 0) return;
    failures -= 1;
    throw new StatusError('Timeout', 'no answer');
  };
  start();
  await advance(10);
  t.match(await eventsOf('web'), ['FailedScheduling x1: binding rejected: no answer']);
  await advance(1000);
  t.equal(await nodeOf('web'), 'w1');
});

void t.test('without nodes a pod waits for the first one', async (t) => {
  const { client, start, nodeOf, conditionOf, advance } = arrange(t);
  client.seed(pods, pod('web'));
  start();
  await advance(10);
  t.match(await conditionOf('web'), { message: 'no nodes available to schedule pods' });
  await advance(2000);
  await client.create(nodes, node('w1'));
  await advance(10);
  t.equal(await nodeOf('web'), 'w1');
});

void t.test('an important pod takes the place of the least important ones', async (t) => {
  const { client, start, get, nodeOf, eventsOf, advance } = arrange(t);
  client.seed(nodes, node('w1'), node('w2'));
  const half = { cpu: '2' };
  const on = (name: string, nodeName: string, priority: number): void =>
    client.seed(pods, pod(name, { requests: half, spec: { nodeName, priority, terminationGracePeriodSeconds: 0 } }));
  on('low-1', 'w1', 10);
  on('mid-1', 'w1', 50);
  on('mid-2', 'w2', 50);
  on('mid-3', 'w2', 50);
  client.seed(pods, pod('urgent', { requests: half, spec: { priority: 1000 } }));
  start();
  await advance(10);
  await t.rejects(get('low-1'), /not found/);
  t.match(await eventsOf('low-1'), ['Preempted x1: Preempted by pod uid-of-urgent on node w1']);
  t.equal((await get('urgent')).status?.nominatedNodeName, 'w1');
  await advance(1100);
  t.equal(await nodeOf('urgent'), 'w1');
  t.equal(await nodeOf('mid-1'), 'w1');
});

void t.test('room made for an important pod is not taken by a lesser one meanwhile', async (t) => {
  const { client, start, get, nodeOf, conditionOf, advance } = arrange(t);
  client.seed(nodes, node('w1'));
  const onNode = { requests: { cpu: '2' }, spec: { nodeName: 'w1', priority: 1 } };
  client.seed(pods, pod('victim', onNode), pod('slow', onNode));
  client.seed(pods, pod('urgent', { requests: { cpu: '4' }, spec: { priority: 1000 } }));
  start();
  await advance(10);
  t.match((await get('victim')).metadata, { deletionTimestamp: /Z$/ }, 'it has its grace');
  t.match((await get('victim')).status?.conditions, [{ type: 'DisruptionTarget', reason: 'PreemptionByScheduler' }]);

  await client.delete(pods, { namespace: 'ns', name: 'victim' }, { gracePeriodSeconds: 0 });
  await advance(10);
  client.seed(pods, pod('lesser', { requests: { cpu: '1' }, spec: { priority: 5 } }));
  await advance(10);
  t.equal(await nodeOf('urgent'), '', 'the other victim still has its grace');
  t.equal(await nodeOf('lesser'), '');
  await client.delete(pods, { namespace: 'ns', name: 'slow' }, { gracePeriodSeconds: 0 });
  await advance(12_000);
  t.equal(await nodeOf('urgent'), 'w1');
  t.equal(await nodeOf('lesser'), '');
  t.match(await conditionOf('lesser'), { reason: 'Unschedulable', message: /Insufficient cpu/ });
});

void t.test('a pod that may not preempt says so', async (t) => {
  const { client, start, conditionOf, advance } = arrange(t);
  client.seed(nodes, node('w1'));
  client.seed(pods, pod('low', { requests: { cpu: '4' }, spec: { nodeName: 'w1' } }));
  client.seed(pods, pod('polite', { requests: { cpu: '1' }, spec: { priority: 9, preemptionPolicy: 'Never' } }));
  start();
  await advance(10);
  t.match(await conditionOf('polite'), {
    message:
      '0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.',
  });
});

void t.test('a pod of another scheduler is left alone; a second profile has its own rules', async (t) => {
  const { client, start, nodeOf, advance } = arrange(t, {
    apiVersion: 'kubescheduler.config.k8s.io/v1',
    kind: 'KubeSchedulerConfiguration',
    profiles: [
      { schedulerName: 'default-scheduler' },
      { schedulerName: 'packer', plugins: { filter: { disabled: [{ name: 'TaintToleration' }] } } },
    ],
  });
  client.seed(nodes, node('c1', { spec: CONTROL }));
  for (const name of ['default-scheduler', 'packer', 'other'])
    client.seed(pods, pod(name, { spec: { schedulerName: name } }));
  start();
  await advance(10);
  t.equal(await nodeOf('packer'), 'c1');
  t.equal(await nodeOf('default-scheduler'), '');
  t.equal(await nodeOf('other'), '');
});

void t.test('a Service groups pods that have no owner', async (t) => {
  const { client, start, nodeOf, advance } = arrange(t);
  client.seed(nodes, node('w1'), node('w2'), node('w3'));
  client.seed(services, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'ns', name: 'db' },
    spec: { selector: { app: 'db' } },
  });
  start();
  await advance(10);
  for (const name of ['a', 'b', 'c']) await client.create(pods, pod(name, { labels: { app: 'db' } }));
  await advance(10);
  t.same((await Promise.all(['a', 'b', 'c'].map(nodeOf))).toSorted(), ['w1', 'w2', 'w3']);
});

void t.test('its metrics are there while it runs, each time it runs', async (t) => {
  const metrics = new MetricRegistry();
  for (let lead = 0; lead < 2; lead += 1) {
    const client = createFakeApiClient();
    const clock = createFakeClock();
    client.seed(nodes, node('w1'));
    client.seed(pods, pod('web'), pod('hungry', { requests: { cpu: '100' } }));
    const stop = new AbortController();
    const running = runScheduler({ client, clock, log: silentLog, metrics, hasStatefulSets: false }, stop.signal);
    await clock.advance(10);
    const text = await metrics.metrics();
    t.match(text, 'scheduler_schedule_attempts_total{result="scheduled",profile="default-scheduler"} 1');
    t.match(text, 'scheduler_pending_pods{queue="unschedulable"} 1');
    t.match(text, 'scheduler_unschedulable_pods{plugin="NodeResourcesFit",profile="default-scheduler"} 1');
    t.match(text, 'scheduler_queue_incoming_pods_total{queue="active",event="UnschedulablePodAdd"} 2');
    t.match(text, 'scheduler_queue_incoming_pods_total{queue="unschedulable",event="ScheduleAttemptFailure"} 1');
    t.match(text, 'scheduler_pod_scheduling_sli_duration_seconds_count{attempts="1"} 1');
    t.match(text, 'scheduler_scheduling_algorithm_duration_seconds_count 2');
    t.match(text, 'scheduler_preemption_attempts_total 1');
    t.match(text, 'scheduler_cache_size{type="nodes"} 1');
    const point = (name: string, status: string): string =>
      `scheduler_framework_extension_point_duration_seconds_count{extension_point="${name}",status="${status}",profile="default-scheduler"} 1`;
    for (const name of ['Filter', 'Reserve', 'PreBind', 'Bind']) t.match(text, point(name, 'Success'));
    for (const name of ['Filter', 'PostFilter']) t.match(text, point(name, 'Unschedulable'));
    stop.abort();
    await running;
    t.equal(await metrics.metrics(), '\n');
  }
});
