import t from 'tap';
import { createObject } from '../../../src/apiserver/registry/create-object.ts';
import { listObjects, type ObjectList } from '../../../src/apiserver/registry/list-objects.ts';
import { listParameters } from '../../../src/apiserver/registry/list-parameters.ts';
import { configMap, testRegistry, type TestRegistry } from './test-registry.ts';

const never = new AbortController().signal;

async function withFive(t: { teardown(work: () => Promise<void>): void }): Promise<TestRegistry> {
  const made = testRegistry();
  t.teardown(() => made.registry.close());
  for (const name of ['a', 'b', 'c', 'd', 'e'])
    await createObject(
      made.registry,
      made.request(''),
      configMap(name, { metadata: { name, labels: { odd: String('ace'.includes(name)) } } }),
    );
  return made;
}

function list({ registry, request }: TestRegistry, query: string): Promise<ObjectList> {
  const { view } = request('');
  return listObjects(registry, view, 'x', listParameters(new URLSearchParams(query), view, false), never);
}

function names({ items }: ObjectList): string[] {
  return items.map(({ key }) => key.slice(key.lastIndexOf('/') + 1));
}

void t.test('a list without resourceVersion sees every acknowledged write', async (t) => {
  const made = await withFive(t);
  for (let i = 0; i < 5; i += 1) {
    await createObject(made.registry, made.request(''), configMap(`new-${i}`));
    t.ok(names(await list(made, '')).includes(`new-${i}`));
  }
});

void t.test('pages are of one revision, whatever is written between them', async (t) => {
  const made = await withFive(t);
  const first = await list(made, 'limit=2');
  t.same(names(first), ['a', 'b']);
  t.equal(first.remainingItemCount, 3);

  await createObject(made.registry, made.request(''), configMap('bb'));
  const second = await list(made, `limit=2&continue=${first.continueToken}`);
  const third = await list(made, `limit=2&continue=${second.continueToken}`);

  t.same([...names(second), ...names(third)], ['c', 'd', 'e']);
  t.equal(third.revision, first.revision);
  t.equal(third.continueToken, '');
});

void t.test('a page of a compacted revision is 410 with a token that goes on inconsistently', async (t) => {
  const made = await withFive(t);
  const first = await list(made, 'limit=2');
  await createObject(made.registry, made.request(''), configMap('dd'));
  made.storage.compact(await made.storage.currentRevision());

  const error = await list(made, `limit=2&continue=${first.continueToken}`).catch((reason: unknown) => reason);
  t.match(error, { reason: 'Expired', code: 410 });
  const body = JSON.parse(JSON.stringify(error)) as { metadata: { continue: string } };
  const rest = await list(made, `continue=${body.metadata.continue}`);
  t.same(names(rest), ['c', 'd', 'dd', 'e']);
});

void t.test('with a selector a page is filled from as many pages of the store as it takes', async (t) => {
  const made = await withFive(t);
  const first = await list(made, 'limit=2&labelSelector=odd%3Dtrue');
  t.same(names(first), ['a', 'c']);
  t.equal(first.remainingItemCount, undefined, 'nobody knows how many match');
  t.same(names(await list(made, `limit=2&labelSelector=odd%3Dtrue&continue=${first.continueToken}`)), ['e']);
});

void t.test('resourceVersionMatch=Exact reads the past', async (t) => {
  const made = await withFive(t);
  t.same(names(await list(made, 'resourceVersion=3&resourceVersionMatch=Exact')), ['a', 'b']);
});

void t.test('metadata.name selects one object', async (t) => {
  const made = await withFive(t);
  t.same(names(await list(made, 'fieldSelector=metadata.name%3Dc')), ['c']);
});
