import t from 'tap';
import type { OwnerReference } from '../../src/api/objects.ts';
import { replicaSets } from '../../src/client/resources.ts';
import {
  FOREGROUND,
  ORPHAN,
  type OwnedObject,
  OwnerGraph,
  type OwnerState,
  planGarbage,
} from '../../src/controller/owner-graph.ts';

function owner(uid: string, blockOwnerDeletion = true): OwnerReference {
  return { apiVersion: 'apps/v1', kind: 'Deployment', name: uid, uid, blockOwnerDeletion };
}

function object(uid: string, rest: Partial<OwnedObject> = {}): OwnedObject {
  return {
    uid,
    resource: replicaSets,
    namespace: 'ns',
    name: uid,
    owners: [],
    finalizers: [],
    isDeleting: false,
    ...rest,
  };
}

void t.test('OwnerGraph follows owner references as they change', (t) => {
  const graph = new OwnerGraph();
  graph.put(object('a', { owners: [owner('x')] }));
  graph.put(object('b', { owners: [owner('x'), owner('y')] }));
  t.same(
    graph.dependentsOf('x').map(({ uid }) => uid),
    ['a', 'b'],
    'the owner need not be known',
  );
  graph.put(object('a', { owners: [owner('y')] }));
  t.same(
    graph.dependentsOf('x').map(({ uid }) => uid),
    ['b'],
  );
  graph.remove('b');
  t.same(graph.dependentsOf('x'), []);
  t.same(
    graph.dependentsOf('y').map(({ uid }) => uid),
    ['a'],
  );
  t.end();
});

// kubernetes pkg/controller/garbagecollector/garbagecollector.go, attemptToDeleteItem.
void t.test('planGarbage() decides by what has become of the owners', (t) => {
  const two = object('a', { owners: [owner('x'), owner('y')] });
  const plan = (states: Record<string, OwnerState>, one = two, dependents: OwnedObject[] = []) =>
    planGarbage(one, dependents, ({ uid }) => states[uid] ?? 'solid');

  t.same(plan({}), { act: 'nothing' });
  t.same(plan({ x: 'dangling' }), { act: 'dropOwners', uids: ['x'] }, 'one owner left keeps it');
  t.same(plan({ x: 'dangling', y: 'dangling' }), { act: 'delete', propagationPolicy: 'Background' });
  t.same(
    plan({ x: 'waiting', y: 'dangling' }, two, [object('d')]),
    { act: 'delete', propagationPolicy: 'Foreground' },
    'foreground deletion goes down the tree',
  );
  t.same(plan({ x: 'dangling', y: 'dangling' }, { ...two, finalizers: [ORPHAN] }), {
    act: 'delete',
    propagationPolicy: 'Orphan',
  });
  t.same(plan({ x: 'dangling' }, object('a')), { act: 'nothing' }, 'what nobody owns is no garbage');
  t.end();
});

void t.test('planGarbage() lets an owner go when nothing blocks it any more', (t) => {
  const going = object('o', { isDeleting: true, finalizers: [FOREGROUND] });
  const blocking = object('d', { owners: [owner('o')] });
  const free = object('e', { owners: [owner('o', false)] });

  t.same(
    planGarbage(going, [blocking, free], () => 'solid'),
    { act: 'wait', blocking: [blocking] },
  );
  t.same(
    planGarbage(going, [free], () => 'solid'),
    { act: 'release', finalizer: FOREGROUND },
  );
  const orphaning = object('o', { isDeleting: true, finalizers: [ORPHAN] });
  t.same(
    planGarbage(orphaning, [blocking], () => 'solid'),
    { act: 'orphan', dependents: [blocking] },
  );
  t.same(
    planGarbage(orphaning, [], () => 'solid'),
    { act: 'release', finalizer: ORPHAN },
  );
  t.end();
});
