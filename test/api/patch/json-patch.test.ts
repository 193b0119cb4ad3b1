import t from 'tap';
import { applyJsonPatch } from '../../../src/api/patch/json-patch.ts';

void t.test('applyJsonPatch() copies no more than upstream lets a patch copy', (t) => {
  const doubling = Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '/data', path: `/data/c${i}` }));

  // JSONPatchMaxCopyBytes of kube-apiserver; each of these copies doubles the object.
  t.throws(() => applyJsonPatch({ data: { a: 'x'.repeat(1000) } }, doubling), { reason: 'Invalid', code: 422 });
  t.same(applyJsonPatch({ data: { a: 'x' } }, doubling.slice(0, 1)), { data: { a: 'x', c0: { a: 'x' } } });
  t.end();
});

void t.test('applyJsonPatch() ends at the first operation that does not apply', (t) => {
  const patch = [
    { op: 'test', path: '/data/a', value: '2' },
    { op: 'remove', path: '/data/gone' },
  ];

  try {
    applyJsonPatch({ data: { a: '1' } }, patch);
    t.fail('it applied');
  } catch (error) {
    t.match(JSON.stringify(error), 'testing value /data/a failed');
  }
  t.end();
});
