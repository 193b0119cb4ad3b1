import t from 'tap';
import { systemClock } from '../../src/host/clock.ts';

void t.test('sleepMs() waits for longer than a timer can, and ends when aborted', async (t) => {
  for (const ms of [2 ** 31, 2 ** 40, Infinity]) {
    const stop = new AbortController();
    let hasEnded = false;
    const sleeping = systemClock.sleepMs(ms, stop.signal).finally(() => (hasEnded = true));
    sleeping.catch(() => undefined);
    await systemClock.sleepMs(20, stop.signal);
    t.notOk(hasEnded, `${ms} ms are not over`);
    stop.abort();
    await t.rejects(sleeping, { name: 'AbortError' });
  }
  await systemClock.sleepMs(0, new AbortController().signal);
});
