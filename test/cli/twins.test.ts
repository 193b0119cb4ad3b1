import { existsSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { KubeObject, Node } from '../../src/api/objects.ts';
import type { HttpApiClient } from '../../src/client/http-api-client.ts';
import { runTogether } from '../../src/host/run-together.ts';
import { fakeBoards, readyNode } from '../controller/fake-boards.ts';
import { until } from '../controller/real-cluster.ts';
import {
  type Maker,
  openTwinCluster,
  startApiServer,
  startControllers,
  startScheduler,
  startStore,
  twin,
} from './twin-cluster.ts';

/**
 * "Every part can be swapped for its upstream twin, and the cluster still works": each row is a cluster of real processes,
 * in which a Deployment must come up, serve, change and go. README.md beside this says how to get the twins.
 */

const LONG = { timeout: 180_000 };
const WITHIN_MS = 90_000;
t.setTimeout(20 * LONG.timeout);

type Parts = readonly [store: Maker, apiserver: Maker, scheduler: Maker, controllers: Maker];

const ROWS: readonly Parts[] = [
  ['bramble', 'bramble', 'upstream', 'bramble'],
  ['bramble', 'bramble', 'bramble', 'upstream'],
  ['bramble', 'bramble', 'upstream', 'upstream'],
  ['bramble', 'upstream', 'bramble', 'bramble'],
  ['bramble', 'upstream', 'upstream', 'upstream'],
  ['upstream', 'bramble', 'bramble', 'bramble'],
  ['upstream', 'upstream', 'bramble', 'bramble'],
];
const PROGRAMS = ['kube-apiserver', 'kube-scheduler', 'kube-controller-manager'];
const missing = PROGRAMS.map(twin).find((path) => !existsSync(path));
const skip = missing === undefined ? false : `${missing} is not there: see test/cli/README.md`;

for (const [store, apiserver, scheduler, controllers] of ROWS) {
  const title = `store ${store}, API server ${apiserver}, scheduler ${scheduler}, controllers ${controllers}`;
  void t.test(title, { ...LONG, skip }, async (t) => {
    const cluster = await openTwinCluster();
    t.teardown(async () => cluster.close());
    const port = await startApiServer(cluster, apiserver, await startStore(cluster, store));
    const client = await cluster.client(port);
    await until(async () => isThere(client, '/readyz'), WITHIN_MS);
    await startScheduler(cluster, scheduler, port);
    await startControllers(cluster, controllers, port);
    await withBoards(t, client);
    await oneDeploymentsLife(t, client);
  });
}

void t.test(
  'two API servers of two makers over one store see each other’s objects alike',
  { ...LONG, skip },
  async (t) => {
    const cluster = await openTwinCluster();
    t.teardown(async () => cluster.close());
    const etcd = await startStore(cluster, 'bramble');
    const theirs = await cluster.client(await startApiServer(cluster, 'upstream', etcd, 'theirs'));
    await until(async () => isThere(theirs, '/readyz'), WITHIN_MS);
    const ours = await cluster.client(await startApiServer(cluster, 'bramble', etcd, 'ours'));
    await until(async () => isThere(ours, '/readyz'), WITHIN_MS);
    await theirs.request('POST', CONFIG_MAPS, configMap('from-theirs'));
    await theirs.request('POST', DEPLOYMENTS, deployment());
    await ours.request('POST', CONFIG_MAPS, configMap('from-ours'));
    await ours.request('POST', '/api/v1/namespaces/default/services', service('NodePort'));
    const paths = [
      `${CONFIG_MAPS}/from-theirs`,
      `${CONFIG_MAPS}/from-ours`,
      `${DEPLOYMENTS}/web`,
      '/api/v1/namespaces/default/services/web',
      '/api/v1/namespaces/kube-system',
      '/apis/rbac.authorization.k8s.io/v1/clusterroles/view',
    ];
    for (const path of paths) t.same(await seenBy(ours, path), await seenBy(theirs, path), path);
    await ours.request('PUT', `${CONFIG_MAPS}/from-theirs`, { ...configMap('from-theirs'), data: { a: 'changed' } });
    t.match(await seenBy(theirs, `${CONFIG_MAPS}/from-theirs`), { data: { a: 'changed' } });
  },
);

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments';

function configMap(name: string): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'b' } };
}

function service(type = 'ClusterIP'): object {
  const spec = { type, selector: { app: 'web' }, ports: [{ port: 80 }] };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web' }, spec };
}

function deployment(image = 'one'): object {
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image }] } };
  const spec = { replicas: 3, selector: { matchLabels: { app: 'web' } }, template };
  return { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'web' }, spec };
}

/** The object without who wrote which field: only kube-apiserver keeps that. */
async function seenBy(client: HttpApiClient, path: string): Promise<KubeObject> {
  const object = (await client.request('GET', path)) as KubeObject;
  delete object.metadata?.managedFields;
  return object;
}

async function isThere(client: HttpApiClient, path: string): Promise<boolean> {
  return client.request('GET', path).then(
    () => true,
    () => false,
  );
}

/** Two boards that are ready and run what is bound to them, for as long as the test. */
async function withBoards(t: Test, client: HttpApiClient): Promise<void> {
  const resources = { cpu: '4', memory: '4Gi', pods: '110' };
  for (const name of ['w1', 'w2']) {
    const node = readyNode(name);
    const status = { ...node.status, capacity: resources, allocatable: resources };
    const made = (await client.request('POST', '/api/v1/nodes', node)) as Node;
    await client.request('PUT', `/api/v1/nodes/${name}/status`, { ...made, status });
  }
  const stop = new AbortController();
  const running = runTogether([fakeBoards(client, [])], stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running.catch(() => undefined); // the API server may be gone before
  });
}

async function oneDeploymentsLife(t: Test, client: HttpApiClient): Promise<void> {
  const get = async <T>(path: string): Promise<T> => (await client.request('GET', path)) as T;
  const available = async (image: string): Promise<boolean> => {
    const { items } = await get<{ items: PodLike[] }>('/api/v1/namespaces/default/pods');
    return items.length === 3 && items.every((pod) => pod.status.phase === 'Running' && imageOf(pod) === image);
  };
  const account = '/api/v1/namespaces/default/serviceaccounts/default';
  await until(async () => isThere(client, account), WITHIN_MS);
  const request = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: {} };
  t.match(await client.request('POST', `${account}/token`, request), { status: { token: /^ey/ } });

  await client.request('POST', DEPLOYMENTS, deployment());
  await client.request('POST', '/api/v1/namespaces/default/services', service());
  await until(async () => available('one'), WITHIN_MS);
  const slices =
    '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices?labelSelector=kubernetes.io/service-name=web';
  await until(async () => {
    const { items } = await get<{ items: { endpoints?: object[] | null }[] }>(slices);
    return items.flatMap(({ endpoints }) => endpoints ?? []).length === 3;
  }, WITHIN_MS);
  t.pass('it runs on the boards, and the Service has its endpoints');

  await client.request('PUT', `${DEPLOYMENTS}/web`, deployment('two'));
  await until(async () => available('two'), WITHIN_MS);
  t.pass('a new image is rolled out');

  await client.request('POST', '/api/v1/namespaces', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'gone' },
  });
  await client.request('POST', CONFIG_MAPS.replace('default', 'gone'), configMap('a'));
  await client.request('DELETE', '/api/v1/namespaces/gone');
  await until(async () => !(await isThere(client, '/api/v1/namespaces/gone')), WITHIN_MS);
  t.pass('a namespace goes with what is in it');

  await client.request('DELETE', `${DEPLOYMENTS}/web`, { propagationPolicy: 'Background' });
  const pods = async (): Promise<{ items: object[] }> => get('/api/v1/namespaces/default/pods');
  await until(async () => (await pods()).items.length === 0, WITHIN_MS);
  t.pass('its pods go with the Deployment');
}

interface PodLike {
  readonly spec: { readonly containers: readonly { readonly image: string }[] };
  readonly status: { readonly phase?: string };
}

function imageOf({ spec }: PodLike): string {
  return spec.containers[0]?.image ?? '';
}
