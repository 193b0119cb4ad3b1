import t from 'tap';
import { ServerPool } from '../../src/client/server-pool.ts';

void t.test('ServerPool stays with the server that worked and puts failed ones last', (t) => {
  const pool = new ServerPool(['a', 'b', 'c']);
  t.same(pool.order(0), ['a', 'b', 'c']);
  pool.failed('a', 0);
  pool.worked('b');
  t.same(pool.order(0), ['b', 'c', 'a']);
  pool.failed('b', 0);
  pool.failed('b', 0);
  t.same(pool.order(0), ['c', 'a', 'b'], 'the one that failed more often comes last');
  t.same(pool.order(1000), ['a', 'c', 'b'], 'a may be tried again after a second');
  pool.update(['c', 'd']);
  t.same(pool.order(0), ['c', 'd']);
  pool.update([]);
  t.same(pool.order(0), ['c', 'd'], 'an empty list says nothing');
  t.end();
});
