import t from 'tap';
import { createObject } from '../../../src/apiserver/registry/create-object.ts';
import { updateObject } from '../../../src/apiserver/registry/update-object.ts';
import { configMap, testRegistry } from './test-registry.ts';

void t.test('updateObject() with a stale resourceVersion is a Conflict in upstream’s words', async (t) => {
  const { registry, request } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));

  const stale = configMap('a', { metadata: { name: 'a', resourceVersion: '1' } });
  await t.rejects(
    updateObject(registry, request('a'), () => stale),
    {
      reason: 'Conflict',
      message:
        'Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again',
    },
  );
});

void t.test(
  'updateObject() without a resourceVersion starts again from what somebody else wrote meanwhile',
  async (t) => {
    const { registry, request, storage } = testRegistry();
    t.teardown(() => registry.close());
    await createObject(registry, request(''), configMap('a', { data: { n: '1' } }));
    const key = request('a').view.key('x', 'a');
    let attempts = 0;

    const { object } = await updateObject(registry, request('a'), async (current) => {
      attempts += 1;
      const { item } = await storage.get(key);
      if (attempts === 1 && item !== null)
        await storage.put({ key, text: item.text.replace('"1"', '"2"'), expectedRevision: item.revision });
      const { resourceVersion: _any, ...metadata } = current.metadata ?? {};
      return { ...current, metadata, labels: undefined, data: { ...(current['data'] as object), mine: 'x' } };
    });

    t.equal(attempts, 2);
    t.match(object, { data: { n: '2', mine: 'x' } });
  },
);

void t.test('updateObject() writes nothing when nothing changes', async (t) => {
  const { registry, request, storage } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));
  const before = await storage.currentRevision();

  const { object } = await updateObject(registry, request('a'), (current) => current);

  t.equal(await storage.currentRevision(), before);
  t.equal(object.metadata?.resourceVersion, String(before));
});

void t.test(
  'updateObject() may not change what the server gave: uid is a precondition, creationTimestamp immutable',
  async (t) => {
    const { registry, request } = testRegistry();
    t.teardown(() => registry.close());
    await createObject(registry, request(''), configMap('a'));

    await t.rejects(
      updateObject(registry, request('a'), () => configMap('a', { metadata: { name: 'a', uid: 'other' } })),
      { reason: 'Conflict', message: /Precondition failed: UID in precondition: other, UID in object meta:/ },
    );
    const metadata = { name: 'a', creationTimestamp: '2001-01-01T00:00:00Z' };
    await t.rejects(
      updateObject(registry, request('a'), () => configMap('a', { metadata })),
      { reason: 'Invalid', message: /metadata.creationTimestamp: Invalid value: .*: field is immutable/ },
    );
  },
);

void t.test('updateObject() with dryRun stores nothing', async (t) => {
  const { registry, request, storage } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));
  const before = await storage.currentRevision();

  const changed = configMap('a', { data: { x: 'y' } });
  const { object } = await updateObject(registry, request('a', { isDryRun: true }), () => changed);

  t.match(object, { data: { x: 'y' } });
  t.equal(await storage.currentRevision(), before);
});

void t.test('updateObject() of what is not there is NotFound, unless the strategy lets a PUT create', async (t) => {
  const plain = testRegistry();
  const creating = testRegistry({ allowCreateOnUpdate: true });
  t.teardown(() => Promise.all([plain.registry.close(), creating.registry.close()]));

  await t.rejects(
    updateObject(plain.registry, plain.request('a'), () => configMap('a'), true),
    { reason: 'NotFound', message: 'configmaps "a" not found' },
  );
  const { isCreated } = await updateObject(creating.registry, creating.request('a'), () => configMap('a'), true);
  t.ok(isCreated);
});

void t.test(
  'updateObject() without a resourceVersion never gives up: of fifty that race each adds its own',
  async (t) => {
    const { registry, request } = testRegistry();
    t.teardown(() => registry.close());
    await createObject(registry, request(''), configMap('a', { data: {} }));

    await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        await updateObject(registry, request('a'), (current) => {
          const { resourceVersion: _any, ...metadata } = current.metadata ?? {};
          return { ...current, metadata, data: { ...(current['data'] as object), [`k${i}`]: '1' } };
        });
      }),
    );

    const { object } = await updateObject(registry, request('a'), () => null);
    t.equal(Object.keys(object['data'] as object).length, 50);
  },
);
