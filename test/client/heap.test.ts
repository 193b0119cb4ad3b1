import t from 'tap';
import { Heap } from '../../src/client/heap.ts';

void t.test('Heap gives its items back in order', (t) => {
  const heap = new Heap<number>((a, b) => a - b);
  const items = Array.from({ length: 200 }, (_, i) => (i * 7919) % 211);
  for (const item of items) heap.push(item);
  t.equal(heap.peek(), Math.min(...items));
  const out: number[] = [];
  for (let item = heap.pop(); item !== undefined; item = heap.pop()) out.push(item);
  t.same(
    out,
    items.toSorted((a, b) => a - b),
  );
  t.equal(heap.length, 0);
  t.end();
});
