import t from 'tap';
import type { ReplicaSet } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import { coreEvents, pods, replicaSets } from '../../src/client/resources.ts';
import { startRealCluster, until } from './real-cluster.ts';

const LONG = { timeout: 100_000 };
t.setTimeout(LONG.timeout);

function replicaSet(replicas: number): ReplicaSet {
  return {
    apiVersion: 'apps/v1',
    kind: 'ReplicaSet',
    metadata: { namespace: 'default', name: 'web' },
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
    },
  };
}

void t.test('a ReplicaSet whose pods are refused, or whose creations get no answer', LONG, async (t) => {
  const { admin, client } = await startRealCluster(t);
  const get = async () => admin.get(replicaSets, 'default', 'web');
  const failure = async () => (await get()).status?.conditions?.find(({ type }) => type === 'ReplicaFailure');
  const created = () => client.calls.filter(({ what }) => what === 'POST pods');

  await t.test('a quota: one try per round, ever later, said in event and condition', async (t) => {
    client.fault = (what) => {
      if (what === 'POST pods') throw new StatusError('Forbidden', 'pods "web-x" is forbidden: exceeded quota: q');
    };
    await admin.create(replicaSets, replicaSet(8));
    await until(async () => (await failure()) !== undefined);
    t.match(await failure(), { status: 'True', reason: 'FailedCreate', message: /exceeded quota/ });
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    t.ok(created().length <= 12, `${created().length} tries in two seconds, not 8 each time`);
    const events = await admin.list(coreEvents, { fieldSelector: 'reason=FailedCreate' });
    t.match(events.items[0]?.message, /^Error creating: pods "web-x" is forbidden: exceeded quota: q$/);
    client.fault = undefined;
    await until(async () => (await get()).status?.readyReplicas === 8, 20_000);
    await until(async () => (await failure()) === undefined);
  });

  await t.test('an answer that is lost is no reason to wait for ever', async (t) => {
    let lost = 2;
    client.fault = (what) => {
      if (what === 'POST pods' && lost > 0) {
        lost -= 1;
        throw new StatusError('Timeout', 'no answer');
      }
    };
    const key = { namespace: 'default', name: 'web' };
    await admin.patch(replicaSets, key, { type: 'merge', body: { spec: { replicas: 10 } } });
    await until(async () => (await get()).status?.readyReplicas === 10, 10_000);
    t.equal((await admin.list(pods, { namespace: 'default' })).items.length, 10);
  });

  await t.test('the cheapest go first when it shrinks', async (t) => {
    const { items } = await admin.list(pods, { namespace: 'default' });
    const cheap = items.slice(3, 6).map(({ metadata }) => metadata?.name ?? '');
    for (const name of cheap) {
      const annotations = { 'controller.kubernetes.io/pod-deletion-cost': '-10' };
      await admin.patch(pods, { namespace: 'default', name }, { type: 'merge', body: { metadata: { annotations } } });
    }
    await new Promise((resolve) => setTimeout(resolve, 300));
    const key = { namespace: 'default', name: 'web' };
    await admin.patch(replicaSets, key, { type: 'merge', body: { spec: { replicas: 7 } } });
    await until(async () => (await admin.list(pods, { namespace: 'default' })).items.length === 7);
    const left = (await admin.list(pods, { namespace: 'default' })).items.map(({ metadata }) => metadata?.name ?? '');
    t.notOk(cheap.some((name) => left.includes(name)));
  });
});
