import t from 'tap';
import type { KubeObject } from '../../src/api/objects.ts';
import { StatusError } from '../../src/api/status.ts';
import type { Resource } from '../../src/client/api-client.ts';
import { configMaps, namespaces } from '../../src/client/resources.ts';
import { createGarbageCollector } from '../../src/controller/garbage-collector.ts';
import { createNamespaceController } from '../../src/controller/namespace.ts';
import type { FakeApiClient } from '../fake/api-client.ts';
import { startCluster } from './cluster.ts';

const ALL = ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'];
const WIDGETS: Resource<KubeObject> = {
  group: 'example.com',
  version: 'v1',
  kind: 'Widget',
  plural: 'widgets',
  namespaced: true,
};

/** Discovery of ConfigMaps and of what `groups` names; a text in the place of a group's kinds is its failure. */
function serve(
  client: FakeApiClient,
  groups: Readonly<Record<string, readonly Resource<KubeObject>[] | string>>,
): void {
  const listOf = (kinds: readonly Resource<KubeObject>[]): object => ({
    resources: kinds.map(({ plural, kind, namespaced }) => ({ name: plural, kind, namespaced, verbs: ALL })),
  });
  client.onRequest = (_method, path) => {
    if (path === '/apis')
      return { groups: Object.keys(groups).map((groupVersion) => ({ preferredVersion: { groupVersion } })) };
    if (path === '/api/v1') return listOf([configMaps]);
    const kinds = groups[path.slice('/apis/'.length)] ?? [];
    if (typeof kinds === 'string') throw new StatusError('ServiceUnavailable', kinds);
    return listOf(kinds);
  };
}

const widget = (name: string, more: KubeObject['metadata'] = {}): KubeObject => ({
  apiVersion: 'example.com/v1',
  kind: 'Widget',
  metadata: { namespace: 'ns', name, ...more },
});

void t.test('the garbage collector learns of kinds that come later, and forgets those that go', async (t) => {
  const cluster = startCluster(t, [createGarbageCollector]);
  const { client, clock } = cluster;
  serve(client, {});
  const owner = await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'ns', name: 'owner' },
  });
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: owner.metadata?.uid ?? '' }];
  await cluster.settle();
  await client.create(WIDGETS, widget('w', { ownerReferences }));
  const widgetsLeft = async (): Promise<number> => (await client.list(WIDGETS)).items.length;
  await client.delete(configMaps, { namespace: 'ns', name: 'owner' }, {});
  await cluster.settle();
  t.equal(await widgetsLeft(), 1, 'nobody has heard of widgets');

  serve(client, { 'example.com/v1': [WIDGETS] });
  await clock.advance(30_000);
  await cluster.settle();
  t.equal(await widgetsLeft(), 0, 'listed, its owner asked for and not there');

  const watches = (): number =>
    client.calls.filter(({ verb, plural }) => verb === 'watch' && plural === 'widgets').length;
  serve(client, { 'example.com/v1': 'its server is away' });
  await clock.advance(30_000);
  client.endWatches();
  await clock.advance(5_000);
  const before = watches();
  t.ok(before > 1, 'a group that does not answer is still watched');
  serve(client, {});
  await clock.advance(30_000);
  client.endWatches();
  await clock.advance(60_000);
  t.equal(watches(), before, 'one that is gone is not');
});

void t.test('the garbage collector works on though one kind can never be listed', async (t) => {
  const cluster = startCluster(t, [createGarbageCollector]);
  const { client, clock } = cluster;
  serve(client, { 'example.com/v1': [WIDGETS] });
  client.onCall = ({ plural }) => {
    if (plural === 'widgets') throw new StatusError('InternalError', 'conversion webhook failed');
  };
  const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'gone' }];
  await client.create(configMaps, {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'ns', name: 'owned', ownerReferences },
  });
  const mapsLeft = async (): Promise<number> => (await client.list(configMaps)).items.length;
  await clock.advance(25_000);
  t.equal(await mapsLeft(), 1, 'it is waited for');
  await clock.advance(10_000);
  await cluster.settle();
  t.equal(await mapsLeft(), 0, 'but not for ever');
});

void t.test('a namespace stays while a group hides what it may hold, says so, and goes when it answers', async (t) => {
  const cluster = startCluster(t, [createNamespaceController]);
  const { client, clock } = cluster;
  serve(client, { 'example.com/v1': 'its server is away', 'a/b/c': [] });
  client.seed(namespaces, {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: 'ns', deletionTimestamp: '2026-01-01T00:00:00Z' },
    spec: { finalizers: ['kubernetes'] },
  });
  await cluster.settle();
  const condition = async (type: string) =>
    (await client.get(namespaces, '', 'ns')).status?.conditions?.find((one) => one.type === type);
  t.match(await condition('NamespaceDeletionDiscoveryFailure'), {
    status: 'True',
    message: /^Discovery failed for some groups, 1 failing: .*: example\.com\/v1: its server is away$/,
  });
  t.match(await condition('NamespaceDeletionGroupVersionParsingFailure'), {
    status: 'True',
    message: 'unexpected GroupVersion string: a/b/c',
  });
  t.match(await condition('NamespaceContentRemaining'), { status: 'False' });

  client.seed(WIDGETS, widget('w'));
  let isRefused = true;
  client.onCall = ({ verb, plural }) => {
    if (isRefused && verb === 'delete' && plural === 'widgets') throw new StatusError('Forbidden', 'not yours');
  };
  serve(client, { 'example.com/v1': [WIDGETS] });
  await clock.advance(10_000);
  t.match(await condition('NamespaceDeletionDiscoveryFailure'), { status: 'False' });
  t.match(await condition('NamespaceDeletionContentFailure'), {
    status: 'True',
    message: 'Failed to delete all resource types, 1 remaining: not yours',
  });

  isRefused = false;
  await clock.advance(20_000);
  t.same((await client.list(WIDGETS)).items, [], 'one by one, where a kind knows no deletecollection');
  t.same((await client.get(namespaces, '', 'ns').catch(() => undefined))?.spec?.finalizers ?? [], []);
});
