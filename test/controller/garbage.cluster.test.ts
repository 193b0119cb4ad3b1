import { spawnSync } from 'node:child_process';
import t from 'tap';
import type { ConfigMap } from '../../src/api/objects.ts';
import { configMaps, coreEvents, namespaces, pods } from '../../src/client/resources.ts';
import { startRealCluster, until } from './real-cluster.ts';

const LONG = {
  skip: spawnSync('kubectl', ['version', '--client']).status === 0 ? false : 'there is no kubectl',
  timeout: 150_000,
};
t.setTimeout(LONG.timeout);

const WEB = {
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: { name: 'web' },
  spec: {
    replicas: 3,
    selector: { matchLabels: { app: 'web' } },
    template: { metadata: { labels: { app: 'web' } }, spec: { containers: [{ name: 'c', image: 'one' }] } },
  },
};

interface Owner {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name: string;
  readonly uid: string;
  readonly blockOwnerDeletion?: boolean;
}

function map(name: string, owners: readonly Owner[] = [], finalizers: readonly string[] = []) {
  const ownerReferences = owners.map((owner) => ({ apiVersion: 'v1', kind: 'ConfigMap', ...owner }));
  return {
    apiVersion: 'v1',
    kind: 'ConfigMap',
    metadata: { namespace: 'default', name, ownerReferences, finalizers: [...finalizers] },
  } satisfies ConfigMap;
}

void t.test('kubectl delete --cascade and the owners of things', LONG, async (t) => {
  const { apply, kubectl, admin, client, boards } = await startRealCluster(t);
  const exists = async (kind: string, name: string): Promise<boolean> =>
    (await kubectl('get', kind, name, '--ignore-not-found', '-o', 'name')) !== '';
  const count = async (kind: string): Promise<number> =>
    (await kubectl('get', kind, '-l', 'app=web', '-o', 'name')).split('\n').filter((line) => line !== '').length;
  const make = async (...args: Parameters<typeof map>): Promise<string> =>
    (await admin.create(configMaps, map(...args))).metadata?.uid ?? '';
  const deployed = async (): Promise<void> => {
    await apply(WEB);
    await kubectl('rollout', 'status', 'deploy/web', '--timeout=20s');
  };

  await t.test('background: the Deployment goes at once, its sets and pods after it', async (t) => {
    await deployed();
    await kubectl('delete', 'deploy', 'web', '--cascade=background');
    await until(async () => (await count('rs')) + (await count('pods')) === 0);
    t.pass('each wait came to its end');
  });

  await t.test('foreground: kubectl returns when the pods are gone', async (t) => {
    await deployed();
    boards.deletionMs = 800;
    await kubectl('delete', 'deploy', 'web', '--cascade=foreground', '--timeout=30s');
    t.equal((await count('rs')) + (await count('pods')), 0);
    boards.deletionMs = 0;
  });

  await t.test('orphan: set and pods live on, and a Deployment like the first takes them in', async (t) => {
    await deployed();
    const before = await kubectl('get', 'pods', '-o', 'name');
    await kubectl('delete', 'deploy', 'web', '--cascade=orphan', '--timeout=20s');
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    t.equal(await count('rs'), 1);
    t.equal(await kubectl('get', 'rs', '-o', 'jsonpath={.items[*].metadata.ownerReferences[*].kind}'), '');
    t.equal(await kubectl('get', 'pods', '-o', 'name'), before);
    await deployed();
    t.equal(await kubectl('get', 'pods', '-o', 'name'), before);
    await kubectl('delete', 'deploy', 'web', '--cascade=foreground', '--timeout=30s');
  });

  await t.test('one of two owners is enough to live by; the other is forgotten', async (t) => {
    const [one, two] = [await make('one'), await make('two')];
    await make('both', [
      { name: 'one', uid: one },
      { name: 'two', uid: two },
    ]);
    await kubectl('delete', 'cm', 'one');
    const owners = ['get', 'cm', 'both', '-o', 'jsonpath={.metadata.ownerReferences[*].name}'];
    await until(async () => (await kubectl(...owners)) === 'two');
    await kubectl('delete', 'cm', 'two');
    await until(async () => !(await exists('cm', 'both')));
    t.pass();
  });

  await t.test('foreground deletion ends when what blocks it keeps another owner', async (t) => {
    const [one, two] = [await make('one'), await make('two')];
    await make('both', [
      { name: 'one', uid: one, blockOwnerDeletion: true },
      { name: 'two', uid: two },
    ]);
    await kubectl('delete', 'cm', 'one', '--cascade=foreground', '--timeout=15s');
    await kubectl('get', 'cm', 'both');
    await kubectl('delete', 'cm', 'two');
    t.pass('each wait came to its end');
  });

  await t.test('a circle of owners is deleted as a whole, in the background and in the foreground', async (t) => {
    for (const cascade of ['background', 'foreground']) {
      const a = await make('a');
      const b = await make('b', [{ name: 'a', uid: a, blockOwnerDeletion: true }]);
      const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'b', uid: b, blockOwnerDeletion: true }];
      const key = { namespace: 'default', name: 'a' };
      await admin.patch(configMaps, key, { type: 'merge', body: { metadata: { ownerReferences } } });
      await kubectl('delete', 'cm', 'a', `--cascade=${cascade}`, '--timeout=15s');
      await until(async () => !(await exists('cm', 'a')) && !(await exists('cm', 'b')));
    }
    t.pass('each wait came to its end');
  });

  await t.test('an owner of the same name but another uid, or in another namespace, is no owner', async (t) => {
    await make('again');
    await make('stale', [{ name: 'again', uid: '00000000-0000-4000-8000-000000000000' }]);
    await until(async () => !(await exists('cm', 'stale')));
    await kubectl('create', 'namespace', 'other');
    const elsewhere = await admin.create(configMaps, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { namespace: 'other', name: 'far' },
    });
    await make('near', [{ name: 'far', uid: elsewhere.metadata?.uid ?? '' }]);
    await until(async () => !(await exists('cm', 'near')));
    const events = await admin.list(coreEvents, { fieldSelector: 'reason=OwnerRefInvalidNamespace' });
    t.match(events.items[0]?.message, /^ownerRef \[v1\/ConfigMap, namespace: default, name: far, uid: .*\] does not/);
    t.ok((await kubectl('get', 'cm', 'far', '-n', 'other', '-o', 'name')) !== '', 'the owner stays');
  });

  await t.test(
    'what has no namespace is never collected for a namespaced owner, nor for a kind nobody serves',
    async (t) => {
      const uid = await make('owner');
      const reference = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };
      const metadata = { name: 'owned', ownerReferences: [reference] };
      await admin.create(namespaces, { apiVersion: 'v1', kind: 'Namespace', metadata });
      await make('strange', [{ apiVersion: 'example.com/v1', kind: 'Widget', name: 'w', uid: 'none' }]);
      await kubectl('delete', 'cm', 'owner');
      await new Promise((resolve) => setTimeout(resolve, 2_000));
      t.ok(await exists('namespace', 'owned'));
      t.ok(await exists('cm', 'strange'));
    },
  );

  await t.test('100 objects of one owner take a request each, and a few for the owner', async (t) => {
    const uid = await make('parent');
    await Promise.all(
      Array.from({ length: 100 }, async (_none, index) => make(`child-${index}`, [{ name: 'parent', uid }])),
    );
    await new Promise((resolve) => setTimeout(resolve, 500));
    client.calls.length = 0;
    await kubectl('delete', 'cm', 'parent');
    await until(async () =>
      (await admin.list(configMaps, { namespace: 'default' })).items.every(
        ({ metadata }) => metadata?.name?.startsWith('child-') !== true,
      ),
    );
    t.ok(client.calls.filter(({ what }) => what === 'GET configmaps').length <= 8);
    t.equal(client.calls.filter(({ what }) => what === 'DELETE configmaps').length, 100);
  });
});

void t.test('namespaces come with what each must have, and go with all that is in them', LONG, async (t) => {
  const { apply, kubectl, boards, admin, client } = await startRealCluster(t);
  const publishedCa = async (): Promise<string> =>
    kubectl('get', 'cm', 'kube-root-ca.crt', '-n', 'ns', '-o', 'jsonpath={.data}');

  await t.test('default ServiceAccount and kube-root-ca.crt are made, and mended', async (t) => {
    await kubectl('create', 'namespace', 'ns');
    await until(async () => (await kubectl('get', 'sa,cm', '-n', 'ns', '-o', 'name')).split('\n').length === 2);
    const whole = await publishedCa();
    await kubectl('patch', 'cm', 'kube-root-ca.crt', '-n', 'ns', '-p', '{"data":{"ca.crt":"forged"}}');
    await until(async () => (await publishedCa()) === whole);
    await kubectl('delete', 'cm,sa', '--all', '-n', 'ns');
    await until(async () => (await kubectl('get', 'sa,cm', '-n', 'ns', '-o', 'name')).split('\n').length === 2);
    t.pass('each wait came to its end');
  });

  await t.test('an object with a finalizer holds it, and the conditions say so', async (t) => {
    await admin.create(configMaps, {
      ...map('held', [], ['example.com/hold']),
      metadata: { namespace: 'ns', name: 'held', finalizers: ['example.com/hold'] },
    });
    await apply({ ...WEB, metadata: { name: 'web', namespace: 'ns' } });
    await kubectl('create', 'secret', 'generic', 's', '-n', 'ns');
    await kubectl('expose', 'deploy', 'web', '--port=80', '-n', 'ns');
    await kubectl('rollout', 'status', 'deploy/web', '-n', 'ns', '--timeout=20s');
    await kubectl('delete', 'namespace', 'ns', '--wait=false');
    const condition = async (type: string) =>
      (await admin.get(namespaces, '', 'ns')).status?.conditions?.find((one) => one.type === type);
    await until(
      async () =>
        (await condition('NamespaceContentRemaining'))?.message ===
        'Some resources are remaining: configmaps. has 1 resource instances',
    );
    t.match(await condition('NamespaceFinalizersRemaining'), {
      status: 'True',
      reason: 'SomeFinalizersRemain',
      message: 'Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances',
    });
    t.match(await condition('NamespaceContentRemaining'), { status: 'True', reason: 'SomeResourcesRemain' });
    t.match(await kubectl('get', 'ns', 'ns'), /Terminating/);
    await kubectl('patch', 'cm', 'held', '-n', 'ns', '--type=merge', '-p', '{"metadata":{"finalizers":null}}');
    await kubectl('wait', '--for=delete', 'namespace/ns', '--timeout=20s');
  });

  await t.test('200 ConfigMaps and 50 pods whose node is slow to confirm', async (t) => {
    await kubectl('create', 'namespace', 'big');
    await Promise.all(
      Array.from({ length: 200 }, async (_none, index) =>
        admin.create(configMaps, {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          metadata: { namespace: 'big', name: `m${index}` },
        }),
      ),
    );
    await apply({ ...WEB, metadata: { name: 'web', namespace: 'big' }, spec: { ...WEB.spec, replicas: 50 } });
    await until(
      async () =>
        (await admin.list(pods, { namespace: 'big' })).items.filter(({ status }) => status?.phase === 'Running')
          .length === 50,
    );
    boards.deletionMs = 3_000;
    client.calls.length = 0;
    const startMs = performance.now();
    await kubectl('delete', 'namespace', 'big', '--timeout=40s');
    t.comment(`gone after ${Math.round(performance.now() - startMs)} ms, ${client.calls.length} requests`);
    t.ok(client.calls.length < 350, `${client.calls.length} requests`);
  });
});
