import t from 'tap';
import type { UnknownObject } from '../../../src/api/objects.ts';
import { createObject } from '../../../src/apiserver/registry/create-object.ts';
import { deleteObject } from '../../../src/apiserver/registry/delete-object.ts';
import { updateObject } from '../../../src/apiserver/registry/update-object.ts';
import { configMap, testRegistry } from './test-registry.ts';

void t.test('deleteObject() removes what nothing holds', async (t) => {
  const { registry, request } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));

  t.ok((await deleteObject(registry, request('a'), {})).isGone);

  await t.rejects(deleteObject(registry, request('a'), {}), { message: 'configmaps "a" not found' });
});

void t.test('deleteObject() marks what a finalizer holds, and its removal ends the object', async (t) => {
  const { registry, request, storage } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a', { metadata: { name: 'a', finalizers: ['x.io/hold'] } }));

  const { isGone, object } = await deleteObject(registry, request('a'), {});
  t.notOk(isGone);
  t.match(object.metadata, { deletionTimestamp: /^\d{4}-/, deletionGracePeriodSeconds: 0, finalizers: ['x.io/hold'] });

  await t.rejects(
    updateObject(registry, request('a'), (current) => finalizers(current, ['x.io/hold', 'x.io/more'])),
    {
      message:
        /no new finalizers can be added if the object is being deleted, found new finalizers \[\]string\{"x.io\/more"\}/,
    },
  );
  await updateObject(registry, request('a'), (current) => finalizers(current, []));
  t.equal((await storage.get(request('a').view.key('x', 'a'))).item, null);
});

function finalizers(object: UnknownObject, wanted: string[]): UnknownObject {
  return { ...object, metadata: { ...object.metadata, finalizers: wanted } };
}

// registry/store.go deletionFinalizersForGarbageCollection
void t.test('propagationPolicy becomes a finalizer for the garbage collector', async (t) => {
  const { registry, request } = testRegistry();
  t.teardown(() => registry.close());
  for (const [propagationPolicy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const) {
    await createObject(registry, request(''), configMap('a'));
    const { object } = await deleteObject(registry, request('a'), { propagationPolicy });
    t.same(object.metadata?.finalizers, [finalizer]);
    t.ok((await deleteObject(registry, request('a'), { propagationPolicy: 'Background' })).isGone);
  }
});

void t.test('a grace period is counted from the first delete and can only be cut', async (t) => {
  const gracefulDeletion = (_object: UnknownObject, options: { gracePeriodSeconds?: number }) => ({
    graceSeconds: options.gracePeriodSeconds ?? 30,
  });
  const { registry, request } = testRegistry({ gracefulDeletion });
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));

  const first = await deleteObject(registry, request('a'), {});
  const longer = await deleteObject(registry, request('a'), { gracePeriodSeconds: 60 });
  const shorter = await deleteObject(registry, request('a'), { gracePeriodSeconds: 5 });
  const last = await deleteObject(registry, request('a'), { gracePeriodSeconds: 0 });

  t.equal(first.object.metadata?.deletionGracePeriodSeconds, 30);
  t.equal(longer.object.metadata?.deletionGracePeriodSeconds, 30);
  t.equal(shorter.object.metadata?.deletionGracePeriodSeconds, 5);
  t.equal(until(first.object) - until(shorter.object), 25_000);
  t.ok(last.isGone);
});

function until(object: UnknownObject): number {
  return Date.parse(object.metadata?.deletionTimestamp ?? '');
}

void t.test('deleteObject() keeps to its preconditions', async (t) => {
  const { registry, request } = testRegistry();
  t.teardown(() => registry.close());
  await createObject(registry, request(''), configMap('a'));
  await t.rejects(deleteObject(registry, request('a'), { preconditions: { uid: 'x' } }), {
    message: /the UID in the precondition \(x\) does not match/,
  });
  await t.rejects(deleteObject(registry, request('a'), { preconditions: { resourceVersion: '1' } }), {
    reason: 'Conflict',
    message: /the ResourceVersion in the precondition \(1\) does not match the ResourceVersion in record \(2\)/,
  });
});
