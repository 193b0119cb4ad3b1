import { spawnSync } from 'node:child_process';
import t from 'tap';
import type { Endpoint, Endpoints, Pod, Service } from '../../src/api/objects.ts';
import { endpoints, endpointSlices, pods, services } from '../../src/client/resources.ts';
import { type RealCluster, startRealCluster, until } from './real-cluster.ts';

const LONG = {
  skip: spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'there is no kubectl',
  timeout: 110_000,
};
t.setTimeout(LONG.timeout);

function service(name: string, spec: object = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { selector: { app: 'web' }, ports: [{ port: 80, targetPort: 'http' }], ...spec },
  };
}

function pod(name: string, containerPort: number, spec: object = {}): Pod {
  const container = { name: 'c', image: 'one', ports: [{ name: 'http', containerPort }] };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'default', name, labels: { app: 'web' } },
    spec: { containers: [container], ...spec },
  };
}

function endpointsOf({ admin }: RealCluster) {
  const slices = async (name: string) =>
    (await admin.list(endpointSlices, { labelSelector: `kubernetes.io/service-name=${name}` })).items;
  const all = async (name: string): Promise<Endpoint[]> => (await slices(name)).flatMap((one) => one.endpoints ?? []);
  const whole = async (name: string): Promise<Endpoints['subsets']> =>
    (await admin.get(endpoints, 'default', name).catch(() => undefined))?.subsets ?? [];
  const ready = async (name: string): Promise<number> =>
    (await all(name)).filter(({ conditions }) => conditions?.ready === true).length;
  return { slices, all, whole, ready };
}

void t.test('a Service’s endpoints follow its pods', LONG, async (t) => {
  const cluster = await startRealCluster(t);
  const { admin, kubectl, boards } = cluster;
  const { slices, all, whole, ready } = endpointsOf(cluster);
  const setReady = async (name: string, status: string): Promise<unknown> => {
    boards.isReady = () => status === 'True';
    const conditions = [{ type: 'Ready', status, lastTransitionTime: new Date().toISOString().replace(/\.\d+Z/, 'Z') }];
    const key = { namespace: 'default', name };
    return admin.patch(pods, key, { type: 'strategic', body: { status: { conditions } } }, { subresource: 'status' });
  };
  await admin.create(services, service('web'));
  await admin.create(services, service('early', { publishNotReadyAddresses: true, clusterIP: 'None' }));
  await admin.create(services, service('bare', { selector: undefined }));

  await t.test('named ports that differ make slices of their own; names of headless pods are published', async (t) => {
    await admin.create(pods, pod('a', 8080, { hostname: 'one', subdomain: 'early' }));
    await until(async () => (await ready('web')) === 1);
    await admin.create(pods, pod('b', 9090));
    await until(async () => (await ready('web')) === 2 && (await slices('web')).length === 2);
    t.same(
      (await slices('web')).map(({ ports }) => ports?.[0]?.port ?? 0).toSorted((a, b) => a - b),
      [8080, 9090],
    );
    await until(async () => ((await whole('web')) ?? []).length === 2);
    t.same((await all('early')).find(({ targetRef }) => targetRef?.name === 'a')?.hostname, 'one');
    t.ok((await slices('early')).every(({ metadata }) => metadata?.labels?.['service.kubernetes.io/headless'] === ''));
    t.same(await slices('bare'), []);
    t.same(await whole('bare'), []);
  });

  await t.test('a pod that is not ready any more is said to be so, but not where that does not matter', async (t) => {
    await setReady('b', 'False');
    await until(async () => (await ready('web')) === 1);
    await until(async () => ((await whole('web')) ?? []).some((subset) => subset.notReadyAddresses?.length === 1));
    t.equal(await ready('early'), 2);
    await setReady('b', 'True');
    await until(async () => (await ready('web')) === 2);
  });

  await t.test('a pod that ends serves on without being ready', async (t) => {
    boards.deletionMs = 2_500;
    await kubectl('delete', 'pod', 'b', '--wait=false');
    const ending = async () => (await all('web')).find(({ targetRef }) => targetRef?.name === 'b')?.conditions;
    await until(async () => (await ending())?.terminating === true);
    t.same(await ending(), { ready: false, serving: true, terminating: true });
    await until(async () => ((await whole('web')) ?? []).length === 1);
    t.equal(((await whole('early')) ?? []).flatMap(({ addresses = [] }) => addresses).length, 2);
    await until(async () => (await all('web')).length === 1);
    boards.deletionMs = 0;
  });

  await t.test('labels of the Service are those of its slices', async (t) => {
    await kubectl('label', 'service', 'web', 'team=a');
    await until(async () => (await slices('web')).every(({ metadata }) => metadata?.labels?.['team'] === 'a'));
    await kubectl('annotate', 'endpoints', 'web', 'mine=kept');
    await kubectl('label', 'service', 'web', 'team=b', '--overwrite');
    await until(async () => (await slices('web')).every(({ metadata }) => metadata?.labels?.['team'] === 'b'));
    await until(async () => (await admin.get(endpoints, 'default', 'web')).metadata?.labels?.['team'] === 'b');
    await until(async () => (await admin.get(endpoints, 'default', 'web')).metadata?.annotations?.['mine'] === 'kept');
    t.pass('each wait came to its end');
  });

  await t.test('ExternalName and back', async (t) => {
    const name = '{"spec":{"type":"ExternalName","externalName":"example.com","clusterIP":"","clusterIPs":null}}';
    await kubectl('patch', 'service', 'web', '-p', name);
    await admin.create(pods, pod('c', 8080));
    await until(async () => (await ready('early')) === 2);
    t.equal(await ready('web'), 1, 'nobody looks after them meanwhile');
    await kubectl('patch', 'service', 'web', '-p', '{"spec":{"type":"ClusterIP","externalName":null}}');
    await until(async () => (await ready('web')) === 2);
  });

  await t.test('all go with the Service', async (t) => {
    await kubectl('delete', 'service', 'web');
    await until(async () => (await slices('web')).length === 0 && ((await whole('web')) ?? []).length === 0);
    t.pass('each wait came to its end');
  });
});

void t.test('250 pods make 3 slices; 100 that get ready together make few writes', LONG, async (t) => {
  const cluster = await startRealCluster(t, { boards: ['w1'] });
  const { admin, client, boards } = cluster;
  const { slices, ready } = endpointsOf(cluster);
  boards.isReady = () => false;
  await admin.create(services, service('web'));
  await Promise.all(Array.from({ length: 250 }, async (_none, index) => admin.create(pods, pod(`p${index}`, 8080))));
  const sizes = async (): Promise<number[]> => (await slices('web')).map((slice) => slice.endpoints?.length ?? 0);
  await until(async () => (await sizes()).reduce((sum, size) => sum + size, 0) === 250, 60_000);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  t.same(
    (await sizes()).toSorted((a, b) => b - a),
    [100, 100, 50],
  );
  client.calls.length = 0;
  const conditions = [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }];
  boards.isReady = () => true;
  const options = { subresource: 'status' };
  await Promise.all(
    Array.from({ length: 100 }, async (_none, index) =>
      admin.patch(
        pods,
        { namespace: 'default', name: `p${index}` },
        { type: 'strategic', body: { status: { conditions } } },
        options,
      ),
    ),
  );
  await until(async () => (await ready('web')) >= 100);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const writes = client.calls.filter(({ what }) => /^(PUT|POST) endpoint/.test(what));
  t.comment(`${writes.length} writes`);
  t.ok(writes.length <= 30, `${writes.length} writes`);
  t.same(
    writes.filter(({ result }) => result !== 'OK'),
    [],
  );
});
