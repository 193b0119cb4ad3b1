import t from 'tap';
import { OwnWrites } from '../../src/controller/own-writes.ts';
import { createFakeClock } from '../fake/clock.ts';

const at = (resourceVersion: string, uid = 'u') => ({ metadata: { uid, resourceVersion } });

void t.test('waitMs() is set from a write until the cache shows it or what came after', (t) => {
  const writes = new OwnWrites(createFakeClock());
  t.equal(writes.waitMs('key'), undefined);
  writes.wrote('key', at('9'), at('8'));
  t.equal(writes.waitMs('key'), 5_000);
  t.equal(writes.waitMs('other'), undefined);
  writes.saw('key', undefined, at('8'));
  t.equal(writes.waitMs('key'), 5_000, 'the cache shows what was there before');
  writes.saw('key', undefined, at('10', 'another'));
  t.equal(writes.waitMs('key'), 5_000, 'the cache shows another object');
  writes.saw('key', at('8'), at('10'));
  t.equal(writes.waitMs('key'), undefined);
  t.end();
});

void t.test('waitMs() is not set when the cache was faster than the answer, or tells that the object is gone', (t) => {
  const writes = new OwnWrites(createFakeClock());
  writes.wrote('key', at('9'), at('9'));
  t.equal(writes.waitMs('key'), undefined);
  writes.wrote('key', at('10'), at('9'));
  writes.saw('key', at('9'), undefined);
  t.equal(writes.waitMs('key'), undefined);
  t.end();
});

void t.test('waitMs() ends with time, for an object that came and went before the answer', async (t) => {
  const clock = createFakeClock();
  const writes = new OwnWrites(clock);
  writes.wrote('key', at('9'), undefined);
  await clock.advance(5_000);
  t.equal(writes.waitMs('key'), undefined);
});
