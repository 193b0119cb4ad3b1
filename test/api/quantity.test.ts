import t from 'tap';
import { isQuantity, parseNano } from '../../src/api/quantity.ts';

void t.test('parseNano() refuses a number of a million digits at once', (t) => {
  t.ok(isQuantity('9'.repeat(100)));
  const startMs = performance.now();
  t.throws(() => parseNano('9'.repeat(1_000_000)), /quantities must match/);
  t.ok(performance.now() - startMs < 100);
  t.end();
});
