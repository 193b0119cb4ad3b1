import t from 'tap';
import { createWorkQueue } from '../../src/client/work-queue.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeClock, settle } from '../fake/clock.ts';

void t.test('a key added many times is worked on once, and again when added meanwhile', async (t) => {
  const queue = createWorkQueue({ clock: createFakeClock(), log: silentLog });
  const stop = new AbortController();
  const gate = Promise.withResolvers<undefined>();
  const seen: string[] = [];
  for (const key of ['a', 'a', 'b', 'a']) queue.add(key);
  t.equal(queue.length, 2);

  const running = queue.run(
    2,
    async (key) => {
      seen.push(key);
      if (key === 'a' && seen.length <= 2) await gate.promise;
    },
    stop.signal,
  );
  await settle();
  t.same(seen, ['a', 'b']);
  queue.add('a');
  queue.add('a');
  await settle();
  t.same(seen, ['a', 'b'], 'never two workers on one key');
  gate.resolve(undefined);
  await settle();
  t.same(seen, ['a', 'b', 'a']);
  stop.abort();
  await running;
});

void t.test('addAfter() waits, and the earliest of several wins', async (t) => {
  const clock = createFakeClock();
  const queue = createWorkQueue({ clock, log: silentLog });
  const stop = new AbortController();
  const seen: number[] = [];
  const running = queue.run(1, async () => void seen.push(clock.monotonicMs()), stop.signal);
  queue.addAfter('a', 500);
  queue.addAfter('a', 100);
  queue.addAfter('a', 300);
  await clock.advance(1000);
  t.same(seen, [100]);
  stop.abort();
  await running;
  t.equal(clock.sleeping, 0, 'no timer is left');
});

// client-go util/workqueue/default_rate_limiters.go: 5 ms doubling per failure, forgotten on success.
void t.test('a throwing reconcile backs off per key, a return forgets', async (t) => {
  const clock = createFakeClock();
  const queue = createWorkQueue({ clock, log: silentLog, maxDelayMs: 30 });
  const stop = new AbortController();
  const seen: number[] = [];
  const running = queue.run(
    1,
    async () => {
      seen.push(clock.monotonicMs());
      if (seen.length < 5) throw new Error('not yet');
    },
    stop.signal,
  );
  queue.add('a');
  await clock.advance(1000);
  t.same(seen, [0, 5, 15, 35, 65], '5, 10, 20, then at most 30 ms');
  queue.addRateLimited('a');
  await clock.advance(1000);
  t.equal(seen.at(-1), 1005);
  stop.abort();
  await running;
});

void t.test('run() settles only when the last reconcile has returned', async (t) => {
  const queue = createWorkQueue({ clock: createFakeClock(), log: silentLog });
  const stop = new AbortController();
  const gate = Promise.withResolvers<void>();
  let settled = false;
  queue.add('a');
  const running = queue.run(1, async () => gate.promise, stop.signal).then(() => (settled = true));
  await settle();
  stop.abort();
  await settle();
  t.notOk(settled);
  gate.resolve();
  await running;
  t.ok(settled);
});
