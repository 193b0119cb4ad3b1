import t from 'tap';
import type { Taint } from '../../src/api/objects.ts';
import { tolerates } from '../../src/api/toleration.ts';

// core/v1 Toleration: an empty key with Exists matches all; an empty effect matches every effect.
void t.test('tolerates() matches as core/v1 says', (t) => {
  const taint: Taint = { key: 'a', value: 'b', effect: 'NoSchedule' };
  t.ok(tolerates({ operator: 'Exists' }, taint));
  t.ok(tolerates({ key: 'a', value: 'b' }, taint));
  t.notOk(tolerates({ key: 'a', value: 'c' }, taint));
  t.notOk(tolerates({ key: 'a', operator: 'Exists', effect: 'NoExecute' }, taint));
  t.notOk(tolerates({ operator: 'Equal', value: 'b' }, taint));
  t.end();
});
