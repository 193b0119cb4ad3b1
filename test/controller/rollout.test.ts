import t from 'tap';
import type { Deployment, Service } from '../../src/api/objects.ts';
import { deployments, endpoints, endpointSlices, pods, replicaSets, services } from '../../src/client/resources.ts';
import { createDeploymentController } from '../../src/controller/deployment.ts';
import { createEndpointSliceController } from '../../src/controller/endpoint-slice.ts';
import { createEndpointsController } from '../../src/controller/endpoints.ts';
import { createReplicaSetController } from '../../src/controller/replica-set.ts';
import { type FakeCluster, startCluster } from './cluster.ts';

const ALL = [
  createDeploymentController,
  createReplicaSetController,
  createEndpointSliceController,
  createEndpointsController,
];

function deployment(image: string, replicas = 4): Deployment {
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { namespace: 'ns', name: 'web' },
    spec: {
      replicas,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
      selector: { matchLabels: { app: 'web' } },
      template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } },
    },
  };
}

const SERVICE: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'ns', name: 'web' },
  spec: { selector: { app: 'web' }, clusterIP: '10.96.0.7', ports: [{ port: 80, targetPort: 8080, protocol: 'TCP' }] },
};

async function rolledOut(cluster: FakeCluster): Promise<void> {
  for (let round = 0; round < 12; round += 1) {
    await cluster.settle();
    await cluster.startPods();
  }
  await cluster.settle();
}

async function setsOf({ client }: FakeCluster): Promise<Record<string, number>> {
  const { items } = await client.list(replicaSets, { namespace: 'ns' });
  return Object.fromEntries(
    items.map((set) => [set.spec?.template?.spec?.containers[0]?.image ?? '', set.spec?.replicas ?? -1]),
  );
}

void t.test('a Deployment makes its ReplicaSet, that its pods, and a Service finds them', async (t) => {
  const cluster = startCluster(t, ALL);
  await cluster.client.create(services, SERVICE);
  await cluster.client.create(deployments, deployment('one'));
  await rolledOut(cluster);

  t.same(await setsOf(cluster), { one: 4 });
  const { items } = await cluster.client.list(pods, { namespace: 'ns' });
  t.equal(items.length, 4);
  const made = await cluster.client.get(deployments, 'ns', 'web');
  t.match(made.status, { replicas: 4, readyReplicas: 4, availableReplicas: 4, updatedReplicas: 4 });
  t.equal(made.metadata?.annotations?.['deployment.kubernetes.io/revision'], '1');
  const reasons = Object.fromEntries((made.status?.conditions ?? []).map(({ type, reason }) => [type, reason]));
  t.same(reasons, { Available: 'MinimumReplicasAvailable', Progressing: 'NewReplicaSetAvailable' });

  const slices = await cluster.client.list(endpointSlices, { namespace: 'ns' });
  t.same(
    slices.items.map((slice) => slice.endpoints?.length),
    [4],
  );
  const whole = await cluster.client.get(endpoints, 'ns', 'web');
  t.equal(whole.subsets?.[0]?.addresses?.length, 4);
});

void t.test('a rolling update replaces all pods and never has fewer than are to be available', async (t) => {
  const cluster = startCluster(t, ALL);
  await cluster.client.create(deployments, deployment('one'));
  await rolledOut(cluster);
  const template = deployment('two').spec?.template;
  await cluster.client.patch(
    deployments,
    { namespace: 'ns', name: 'web' },
    { type: 'merge', body: { spec: { template } } },
  );
  for (let round = 0; round < 20; round += 1) {
    await cluster.settle();
    const { items } = await cluster.client.list(pods, { namespace: 'ns' });
    const live = items.filter((pod) => pod.metadata?.deletionTimestamp === undefined);
    t.ok(live.length <= 5, 'never more than the surge allows');
    const ready = live.filter((pod) => pod.status?.phase === 'Running');
    t.ok(ready.length >= 3, `${ready.length} ready in round ${round}`);
    await cluster.startPods();
  }
  t.same(await setsOf(cluster), { one: 0, two: 4 });
  const made = await cluster.client.get(deployments, 'ns', 'web');
  t.equal(made.metadata?.annotations?.['deployment.kubernetes.io/revision'], '2');
});

void t.test('going back to an old template takes its ReplicaSet up again, under a new revision', async (t) => {
  const cluster = startCluster(t, ALL);
  const key = { namespace: 'ns', name: 'web' };
  await cluster.client.create(deployments, deployment('one'));
  await rolledOut(cluster);
  for (const image of ['two', 'one']) {
    const { template } = deployment(image).spec ?? {};
    await cluster.client.patch(deployments, key, { type: 'merge', body: { spec: { template } } });
    await rolledOut(cluster);
  }
  t.same(await setsOf(cluster), { one: 4, two: 0 });
  const { items } = await cluster.client.list(replicaSets, { namespace: 'ns' });
  const first = items.find((set) => set.spec?.replicas === 4);
  t.match(first?.metadata?.annotations, {
    'deployment.kubernetes.io/revision': '3',
    'deployment.kubernetes.io/revision-history': '1',
  });
});

void t.test('Recreate starts no new pod before the last old one is gone', async (t) => {
  const cluster = startCluster(t, ALL);
  const recreate = {
    ...deployment('one', 2),
    spec: { ...deployment('one', 2).spec, strategy: { type: 'Recreate' } },
  } as Deployment;
  await cluster.client.create(deployments, recreate);
  await rolledOut(cluster);
  const { template } = deployment('two').spec ?? {};
  await cluster.client.patch(
    deployments,
    { namespace: 'ns', name: 'web' },
    { type: 'merge', body: { spec: { template } } },
  );
  for (let round = 0; round < 60; round += 1) {
    await cluster.clock.advance(10);
    const { items } = await cluster.client.list(pods, { namespace: 'ns' });
    const images = new Set(items.map((pod) => pod.spec?.containers[0]?.image));
    t.ok(images.size <= 1, 'old and new never together');
  }
  await rolledOut(cluster);
  t.same(await setsOf(cluster), { one: 0, two: 2 });
});

void t.test('a rollout that makes no progress says so after its deadline', async (t) => {
  const cluster = startCluster(t, ALL);
  const slow = {
    ...deployment('one', 1),
    spec: { ...deployment('one', 1).spec, progressDeadlineSeconds: 30 },
  } as Deployment;
  await cluster.client.create(deployments, slow);
  await cluster.settle();
  await cluster.clock.advance(32_000);
  await cluster.settle();
  const made = await cluster.client.get(deployments, 'ns', 'web');
  const progressing = made.status?.conditions?.find(({ type }) => type === 'Progressing');
  t.match(progressing, { status: 'False', reason: 'ProgressDeadlineExceeded' });
  t.match(progressing?.message, /^ReplicaSet "web-\w+" has timed out progressing\.$/);
});

void t.test('a pod that loses its label is let go and replaced; an orphan that matches is taken in', async (t) => {
  const cluster = startCluster(t, ALL);
  await cluster.client.create(deployments, deployment('one', 2));
  await rolledOut(cluster);
  const [pod] = (await cluster.client.list(pods, { namespace: 'ns' })).items;
  const key = { namespace: 'ns', name: pod?.metadata?.name ?? '' };
  await cluster.client.patch(pods, key, { type: 'merge', body: { metadata: { labels: { app: 'debug' } } } });
  await rolledOut(cluster);
  t.equal((await cluster.client.list(pods, { namespace: 'ns' })).items.length, 3);
  t.same((await cluster.client.get(pods, 'ns', key.name)).metadata?.ownerReferences ?? [], []);

  await cluster.client.patch(pods, key, { type: 'merge', body: { metadata: { labels: { app: 'web' } } } });
  await rolledOut(cluster);
  t.equal((await cluster.client.list(pods, { namespace: 'ns', labelSelector: 'app=web' })).items.length, 2);
});
