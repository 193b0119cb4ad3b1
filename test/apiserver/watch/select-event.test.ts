import t from 'tap';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import { parseLabelSelector } from '../../../src/api/label-selector-parser.ts';
import { parseFieldSelector } from '../../../src/api/selector.ts';
import { KindView } from '../../../src/apiserver/registry/kind-view.ts';
import { CachedObject } from '../../../src/apiserver/storage/cached-object.ts';
import { ObjectFilter } from '../../../src/apiserver/watch/object-filter.ts';
import { selectEvent } from '../../../src/apiserver/watch/select-event.ts';

const pods = KINDS.find(({ kind }) => kind === 'Pod');
if (pods === undefined) throw new Error('no Pod row');
const view = new KindView(pods, {});

function pod(labels: Record<string, string>, nodeName: string, revision: number): CachedObject {
  const object = { kind: 'Pod', apiVersion: 'v1', metadata: { name: 'p', namespace: 'x', labels }, spec: { nodeName } };
  return new CachedObject('/registry/pods/x/p', JSON.stringify(object), revision);
}

function filter(labels: string, fields = '', namespace = ''): ObjectFilter {
  const selectors = { labels: parseLabelSelector(labels), fields: parseFieldSelector(fields) };
  return new ObjectFilter(view, { namespace, name: '', ...selectors });
}

const before = pod({ app: 'web' }, 'w1', 5);
const after = pod({ app: 'db' }, 'w1', 6);
const change = { type: 'put', revision: 6, object: after, previous: before, atMs: 0 } as const;

// cacher.go convertToWatchEvent
void t.test('selectEvent() is MODIFIED while the object matches before and after', (t) => {
  t.equal(selectEvent(change, filter(''))?.type, 'MODIFIED');
  t.equal(selectEvent(change, filter('', 'spec.nodeName=w1'))?.type, 'MODIFIED');
  t.end();
});

void t.test(
  'selectEvent() is DELETED with the last matching state under the new revision when an object stops matching',
  (t) => {
    const selected = selectEvent(change, filter('app=web'));
    t.equal(selected?.type, 'DELETED');
    t.match(selected?.object.parse(), { metadata: { labels: { app: 'web' }, resourceVersion: '6' } });
    t.end();
  },
);

void t.test('selectEvent() is ADDED when an object begins to match', (t) => {
  t.equal(selectEvent(change, filter('app=db'))?.type, 'ADDED');
  t.end();
});

void t.test('selectEvent() is null for what never matched, by label, field or namespace', (t) => {
  t.equal(selectEvent(change, filter('app=other')), null);
  t.equal(selectEvent(change, filter('', 'spec.nodeName=w2')), null);
  t.equal(selectEvent(change, filter('', '', 'y')), null);
  t.end();
});
