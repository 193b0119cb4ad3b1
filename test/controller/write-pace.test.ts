import t from 'tap';
import { WritePace } from '../../src/controller/write-pace.ts';
import { createFakeClock } from '../fake/clock.ts';

void t.test('WritePace lets the first change through and spaces the next by the size of what is written', async (t) => {
  const clock = createFakeClock();
  const pace = new WritePace(clock);
  t.equal(pace.waitMs('ns/web', 100), 0, 'the first at once');
  t.equal(pace.waitMs('ns/web', 100), 500);
  t.equal(pace.waitMs('ns/other', 100), 0, 'another Service has a pace of its own');
  await clock.advance(300);
  t.equal(pace.waitMs('ns/web', 100), 200);
  await clock.advance(200);
  t.equal(pace.waitMs('ns/web', 100), 0);
  t.equal(pace.waitMs('ns/web', 4), 20, 'a small one hardly waits');
  t.equal(pace.waitMs('ns/web', 5_000), 1_000, 'and a large one a second at most');
  pace.forget('ns/web');
  t.equal(pace.waitMs('ns/web', 5_000), 0);
});
