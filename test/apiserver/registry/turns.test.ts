import t from 'tap';
import { Turns } from '../../../src/apiserver/registry/turns.ts';

const never = new AbortController().signal;

void t.test('Turns lets those of one key go one after the other, and nobody waits for another key', async (t) => {
  const turns = new Turns();
  const order: string[] = [];
  const end = await turns.take('a', never);
  const go = async (name: string): Promise<void> => {
    const done = await turns.take('a', never);
    order.push(name);
    done();
  };
  const others = [go('second'), go('third')];
  (await turns.take('b', never))();
  order.push('first');
  end();
  await Promise.all(others);
  t.same(order, ['first', 'second', 'third']);
});

void t.test('who gives up while waiting does not hold up those behind', async (t) => {
  const turns = new Turns();
  const end = await turns.take('a', never);
  const stop = new AbortController();
  const given = turns.take('a', stop.signal);
  const next = turns.take('a', never);
  stop.abort();
  end();
  await t.rejects(given);
  (await next)();
});
