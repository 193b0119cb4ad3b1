import t from 'tap';
import { applyStrategicMerge } from '../../../src/api/patch/strategic-merge.ts';
import { builtInShapes } from '../../../src/api/schema/load.ts';

const shapes = builtInShapes();
const shape = shapes.get('io.k8s.api.core.v1.Pod');
if (shape === undefined) throw new Error('no shape of Pod');
type Fields = Record<string, unknown>;

function patched(object: Fields, patch: unknown): Fields {
  return applyStrategicMerge(structuredClone(object), patch, shape as NonNullable<typeof shape>, shapes);
}

const pod = {
  metadata: { labels: { a: '1', b: '2' }, finalizers: ['x/a', 'x/b'] },
  spec: {
    containers: [
      { name: 'a', image: 'one', env: [{ name: 'E', value: '1' }] },
      { name: 'b', image: 'two' },
    ],
    volumes: [{ name: 'v', emptyDir: { medium: 'Memory' } }],
    tolerations: [{ key: 'x' }],
  },
};

void t.test('lists are merged by the key that the schema names, maps by theirs, null removes', (t) => {
  const result = patched(pod, {
    metadata: { labels: { a: null, c: '3' } },
    spec: {
      containers: [
        { name: 'b', image: 'three' },
        { name: 'c', image: 'four' },
      ],
    },
  });
  t.same(result['metadata'], { labels: { b: '2', c: '3' }, finalizers: ['x/a', 'x/b'] });
  t.match(result['spec'], { containers: [{ name: 'a', image: 'one' }, { name: 'b', image: 'three' }, { name: 'c' }] });
  t.end();
});

void t.test('an item goes by $patch: delete, a list is replaced by $patch: replace', (t) => {
  const deleted = patched(pod, { spec: { containers: [{ name: 'a', $patch: 'delete' }] } });
  t.same((deleted['spec'] as Fields)['containers'], [{ name: 'b', image: 'two' }]);
  const replaced = patched(pod, { spec: { containers: [{ $patch: 'replace' }, { name: 'z' }] } });
  t.same((replaced['spec'] as Fields)['containers'], [{ name: 'z' }]);
  t.end();
});

void t.test('a list without merge key is replaced, a list of plain values united', (t) => {
  const result = patched(pod, { metadata: { finalizers: ['x/c'] }, spec: { tolerations: [{ key: 'y' }] } });
  t.same((result['metadata'] as Fields)['finalizers'], ['x/a', 'x/b', 'x/c']);
  t.same((result['spec'] as Fields)['tolerations'], [{ key: 'y' }]);
  t.end();
});

void t.test('$deleteFromPrimitiveList takes values out', (t) => {
  const result = patched(pod, { metadata: { '$deleteFromPrimitiveList/finalizers': ['x/a'] } });
  t.same((result['metadata'] as Fields)['finalizers'], ['x/b']);
  t.end();
});

void t.test('$retainKeys leaves only the keys named: one volume source takes the place of another', (t) => {
  const result = patched(pod, {
    spec: { volumes: [{ name: 'v', $retainKeys: ['name', 'hostPath'], hostPath: { path: '/x' } }] },
  });
  t.same((result['spec'] as Fields)['volumes'], [{ name: 'v', hostPath: { path: '/x' } }]);
  t.end();
});

void t.test('$setElementOrder orders what the patch knows, and leaves the server’s own where it was', (t) => {
  const result = patched(pod, {
    spec: {
      '$setElementOrder/containers': [{ name: 'c' }, { name: 'a' }],
      containers: [{ name: 'c', image: 'new' }],
    },
  });
  const names = ((result['spec'] as Fields)['containers'] as { name: string }[]).map(({ name }) => name);
  t.same(names, ['c', 'a', 'b']);
  t.end();
});

void t.test('an item without its merge key and a prototype are refused', (t) => {
  t.throws(() => patched(pod, { spec: { containers: [{ image: 'x' }] } }), {
    message: /does not contain declared merge key: name/,
  });
  t.throws(() => patched(pod, JSON.parse('{"metadata":{"__proto__":{"x":1}}}')), { message: /not allowed/ });
  t.equal(({} as Fields)['x'], undefined);
  t.end();
});

void t.test('lists of 30,000 items are merged in time that grows as they do', (t) => {
  const named = (prefix: string): string[] => Array.from({ length: 30_000 }, (_, i) => `${prefix}/E${i}`);
  const env = (value: string): Fields[] => Array.from({ length: 30_000 }, (_, i) => ({ name: `E${i}`, value }));
  const long = {
    metadata: { finalizers: named('x') },
    spec: { containers: [{ name: 'a', env: env('1') }] },
  };
  const startMs = performance.now();
  const result = patched(long, {
    metadata: {
      finalizers: named('y'),
      '$deleteFromPrimitiveList/finalizers': long.metadata.finalizers,
    },
    spec: { containers: [{ name: 'a', env: [...env('2').slice(1), { name: 'E0', $patch: 'delete' }] }] },
  });
  t.ok(performance.now() - startMs < 5000, 'quadratic, it takes a minute');
  const [container] = (result['spec'] as { containers: { env: Fields[] }[] }).containers;
  t.equal(container?.env.length, 29_999);
  t.ok(container?.env.every(({ value }) => value === '2'));
  t.equal((result['metadata'] as { finalizers: string[] }).finalizers.length, 30_000);
  t.end();
});
