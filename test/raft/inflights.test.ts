import t from 'tap';
import { Inflights } from '../../src/raft/inflights.ts';

void t.test('Inflights is full by number, and frees in order around its ring', (t) => {
  const window = new Inflights(3, 0);
  for (let index = 1; index <= 30; index += 1) {
    window.add(index, 1);
    if (index < 3) continue;
    t.ok(window.isFull, `full at ${index}`);
    window.freeUpTo(index - 2);
    t.equal(window.count, 2);
  }
  window.freeUpTo(28);
  t.equal(window.count, 2, 'freed already');
  window.freeUpTo(30);
  t.equal(window.count, 0);
  t.end();
});

void t.test('Inflights is full by bytes, with one message beyond', (t) => {
  const window = new Inflights(10, 100);
  window.add(1, 99);
  t.notOk(window.isFull);
  window.add(2, 500);
  t.ok(window.isFull);
  t.throws(() => window.add(3, 1), /full window/);
  window.freeUpTo(1);
  t.ok(window.isFull);
  window.reset();
  t.notOk(window.isFull);
  t.end();
});
