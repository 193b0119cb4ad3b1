import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { runTogether } from '../../src/host/run-together.ts';

const forEver = { run: async (signal: AbortSignal) => sleep(2 ** 30, undefined, { signal }) };
const untilAborted = {
  run: async (signal: AbortSignal) => {
    const { promise, reject } = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => reject(signal.reason as Error));
    await promise;
  },
};

void t.test('runTogether() settles when aborted, also where parts pass the abort on', async (t) => {
  const stop = new AbortController();
  const inner = { run: async (signal: AbortSignal) => runTogether([forEver, untilAborted], signal) };
  const running = runTogether([inner, forEver, untilAborted], stop.signal);
  stop.abort();
  await t.resolves(running);
});

void t.test('runTogether() ends all parts when one ends, and throws only what failed', async (t) => {
  const once = { run: async () => undefined };
  await t.resolves(runTogether([once, forEver, untilAborted], new AbortController().signal));

  const wrong = new Error('wrong');
  const broken = { run: async () => Promise.reject(wrong) };
  const error = await runTogether([broken, forEver, untilAborted], new AbortController().signal).catch(
    (reason: unknown) => reason,
  );
  t.ok(error instanceof AggregateError);
  if (error instanceof AggregateError) t.same(error.errors, [wrong]);
});
