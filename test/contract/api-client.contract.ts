import { randomUUID } from 'node:crypto';
import t, { type Test } from 'tap';
import type { ConfigMap, Pod, PodStatus } from '../../src/api/objects.ts';
import { isReason } from '../../src/api/status.ts';
import type { ApiClient } from '../../src/client/api-client.ts';
import { configMaps, namespaces, nodes, podBindings, pods, serviceAccounts } from '../../src/client/resources.ts';

/** A client of an empty or a used API, and how to give it back. */
export interface Opened {
  readonly client: ApiClient;
  readonly close?: () => Promise<void>;
}

/** How long a watch may take to tell of a change. */
const EVENT_WITHIN_MS = 5000;

/** What every ApiClient does. It makes namespaces of its own in the API it is given, and deletes them. */
export function runContract(name: string, open: () => Promise<Opened>): void {
  void t.test(`${name} as an ApiClient`, async (t) => {
    const { client, close } = await open();
    t.teardown(async () => close?.());
    const namespace = `contract-${randomUUID().slice(0, 8)}`;
    await client.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } });
    t.teardown(async () => client.delete(namespaces, { namespace: '', name: namespace }));
    // Without controllers nobody makes the account that pods run as.
    const account = { apiVersion: 'v1' as const, kind: 'ServiceAccount' as const };
    await client.create(serviceAccounts, { ...account, metadata: { namespace, name: 'default' } });

    await writing(t, client, namespace);
    await patching(t, client, namespace);
    await listing(t, client, namespace);
    await watching(t, client, namespace);
    await podsLife(t, client, namespace);
  });
}

function configMap(namespace: string, name: string, data: Record<string, string> = {}): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace, name, labels: { app: name } }, data };
}

function pod(namespace: string, name: string): Pod {
  const containers = [{ name: 'main', image: 'busybox' }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { namespace, name }, spec: { containers } };
}

async function reasonOf(call: Promise<unknown>): Promise<unknown> {
  return call.then(
    () => 'no error',
    (error: unknown) => error,
  );
}

async function writing(t: Test, client: ApiClient, namespace: string): Promise<void> {
  await t.test('create(), get(), update() and delete() keep to optimistic concurrency', async (t) => {
    const made = await client.create(configMaps, configMap(namespace, 'write', { a: '1' }));
    t.match(made.metadata, { name: 'write', namespace, uid: /-/, resourceVersion: /^\d+$/, creationTimestamp: /Z$/ });
    t.ok(isReason(await reasonOf(client.create(configMaps, configMap(namespace, 'write'))), 'AlreadyExists'));
    t.same(await client.get(configMaps, namespace, 'write'), made);

    const changed = await client.update(configMaps, { ...made, data: { a: '2' } });
    t.not(changed.metadata?.resourceVersion, made.metadata?.resourceVersion);
    t.ok(isReason(await reasonOf(client.update(configMaps, { ...made, data: { a: '3' } })), 'Conflict'));
    const same = await client.update(configMaps, changed);
    t.equal(same.metadata?.resourceVersion, changed.metadata?.resourceVersion, 'nothing changed: nothing written');

    const key = { namespace, name: 'write' };
    const wrongUid = client.delete(configMaps, key, { preconditions: { uid: 'other' } });
    t.ok(isReason(await reasonOf(wrongUid), 'Conflict'));
    await client.delete(configMaps, key);
    t.ok(isReason(await reasonOf(client.get(configMaps, namespace, 'write')), 'NotFound'));
    t.ok(isReason(await reasonOf(client.delete(configMaps, key)), 'NotFound'));
    t.ok(isReason(await reasonOf(client.update(configMaps, { ...changed })), 'NotFound'));
  });

  await t.test('create() makes a name from generateName, and writes nothing on a dry run', async (t) => {
    const { metadata, ...rest } = configMap(namespace, 'x');
    const made = await client.create(configMaps, { ...rest, metadata: { namespace, generateName: 'gen-' } });
    t.match(made.metadata?.name, /^gen-[a-z0-9]{5}$/);
    await client.create(configMaps, { ...rest, metadata: { ...metadata, name: 'dry' } }, { dryRun: true });
    t.ok(isReason(await reasonOf(client.get(configMaps, namespace, 'dry')), 'NotFound'));
  });

  await t.test('delete() waits for finalizers', async (t) => {
    const object = configMap(namespace, 'held');
    const held = await client.create(configMaps, {
      ...object,
      metadata: { ...object.metadata, finalizers: ['example.com/hold'] },
    });
    await client.delete(configMaps, { namespace, name: 'held' });
    const marked = await client.get(configMaps, namespace, 'held');
    t.match(marked.metadata, { uid: held.metadata?.uid, deletionTimestamp: /Z$/ });
    await client.update(configMaps, { ...marked, metadata: { ...marked.metadata, finalizers: [] } });
    t.ok(isReason(await reasonOf(client.get(configMaps, namespace, 'held')), 'NotFound'));
  });
}

async function patching(t: Test, client: ApiClient, namespace: string): Promise<void> {
  await t.test('patch() knows json, merge and strategic patches', async (t) => {
    await client.create(configMaps, configMap(namespace, 'patch', { a: '1', b: '2' }));
    const key = { namespace, name: 'patch' };
    const json = await client.patch(configMaps, key, {
      type: 'json',
      body: [{ op: 'replace', path: '/data/a', value: '9' }],
    });
    t.same(json.data, { a: '9', b: '2' });
    const merge = await client.patch(configMaps, key, { type: 'merge', body: { data: { b: null, c: '3' } } });
    t.same(merge.data, { a: '9', c: '3' });
    const stale = { metadata: { resourceVersion: json.metadata?.resourceVersion }, data: { a: '0' } };
    t.ok(isReason(await reasonOf(client.patch(configMaps, key, { type: 'merge', body: stale })), 'Conflict'));

    await client.create(pods, pod(namespace, 'patch'));
    const image = { spec: { containers: [{ name: 'main', image: 'busybox:1' }] } };
    const changed = await client.patch(pods, key, { type: 'strategic', body: image });
    t.equal(changed.spec?.containers.length, 1, 'containers are merged by name');
    t.equal(changed.spec?.containers[0]?.image, 'busybox:1');
  });
}

async function listing(t: Test, client: ApiClient, namespace: string): Promise<void> {
  await t.test('list() selects by label and field and pages', async (t) => {
    for (const name of ['l1', 'l2', 'l3']) await client.create(configMaps, configMap(namespace, name));
    const names = (list: { items: ConfigMap[] }): unknown[] => list.items.map(({ metadata }) => metadata?.name);
    const some = await client.list(configMaps, { namespace, labelSelector: 'app in (l1,l3)' });
    t.same(names(some), ['l1', 'l3']);
    t.match(some.items[0], { apiVersion: 'v1', kind: 'ConfigMap' }, 'items say what they are');
    t.same(names(await client.list(configMaps, { namespace, fieldSelector: 'metadata.name=l2' })), ['l2']);

    const labelSelector = 'app in (l1,l2,l3)';
    const first = await client.list(configMaps, { namespace, labelSelector, limit: 2 });
    t.same(names(first), ['l1', 'l2']);
    await client.delete(configMaps, { namespace, name: 'l3' });
    const rest = await client.list(configMaps, { namespace, labelSelector, continue: first.metadata.continue ?? '' });
    t.same(names(rest), ['l3'], 'pages are of one state');
    t.equal(rest.metadata.resourceVersion, first.metadata.resourceVersion);
  });
}

async function watching(t: Test, client: ApiClient, namespace: string): Promise<void> {
  await t.test('watch() tells of every change after its resourceVersion, and of leaving the selection', async (t) => {
    const { metadata } = await client.list(configMaps, { namespace });
    const one = await client.create(configMaps, configMap(namespace, 'w'));
    await client.create(configMaps, configMap(namespace, 'other'));
    const labelled = await client.update(configMaps, { ...one, data: { now: 'more' } });
    await client.update(configMaps, { ...labelled, metadata: { ...labelled.metadata, labels: { app: 'gone' } } });
    const seen: string[] = [];
    const signal = AbortSignal.timeout(EVENT_WITHIN_MS);
    const resourceVersion = metadata.resourceVersion ?? '';
    for await (const event of client.watch(configMaps, {
      namespace,
      labelSelector: 'app=w',
      resourceVersion,
      signal,
    })) {
      seen.push(`${event.type} ${event.object.metadata?.name}`);
      if (event.type === 'DELETED') break;
    }
    t.same(seen, ['ADDED w', 'MODIFIED w', 'DELETED w']);
  });

  await t.test('watch() ends without an error when aborted', async (t) => {
    const stop = new AbortController();
    const { metadata } = await client.list(configMaps, { namespace });
    const resourceVersion = metadata.resourceVersion ?? '';
    setTimeout(() => stop.abort(), 50);
    for await (const event of client.watch(configMaps, { namespace, resourceVersion, signal: stop.signal }))
      t.fail(`unexpected ${event.type}`);
    t.ok(stop.signal.aborted);
  });
}

async function podsLife(t: Test, client: ApiClient, namespace: string): Promise<void> {
  await t.test('pods are bound once, keep spec and status apart, and are deleted with grace', async (t) => {
    const name = `n-${namespace}`;
    await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name } });
    t.teardown(async () => client.delete(nodes, { namespace: '', name }));
    const made = await client.create(pods, pod(namespace, 'p'));
    t.equal(made.status?.phase, 'Pending');
    const target = { kind: 'Node', name };
    const binding = { apiVersion: 'v1' as const, kind: 'Binding' as const, metadata: { namespace, name: 'p' }, target };
    await client.create(podBindings, binding, { subresource: 'binding' });
    const again = await reasonOf(client.create(podBindings, binding, { subresource: 'binding' }));
    t.ok(isReason(again, 'Conflict'));
    const bound = await client.get(pods, namespace, 'p');
    t.equal(bound.spec?.nodeName, name);
    t.match(bound.status?.conditions, [{ type: 'PodScheduled', status: 'True' }]);

    const status: PodStatus = { ...bound.status, phase: 'Running' };
    const running = await client.update(pods, { ...bound, status }, { subresource: 'status' });
    t.equal(running.status?.phase, 'Running');
    const body = { metadata: { labels: { a: 'b' } }, status: { phase: 'Failed' } };
    const labelled = await client.patch(pods, { namespace, name: 'p' }, { type: 'strategic', body });
    t.equal(labelled.status?.phase, 'Running', 'a write of the object leaves its status');

    await client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 20 });
    const leaving = await client.get(pods, namespace, 'p');
    t.match(leaving.metadata, { deletionTimestamp: /Z$/, deletionGracePeriodSeconds: 20 });
    await client.delete(pods, { namespace, name: 'p' }, { gracePeriodSeconds: 0 });
    t.ok(isReason(await reasonOf(client.get(pods, namespace, 'p')), 'NotFound'));
  });
}
