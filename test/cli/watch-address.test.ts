import t from 'tap';
import { watchAddress } from '../../src/cli/watch-address.ts';
import { createFakeClock } from '../fake/clock.ts';

void t.test('watchAddress() ends when the board has another address, not while it has none', async (t) => {
  const clock = createFakeClock();
  let now: string | undefined = '192.0.2.7';
  const stop = new AbortController();
  t.teardown(() => stop.abort());
  const options = {
    address: '192.0.2.7',
    interfaceName: undefined,
    clock,
    find: async () => now,
    isOwn: (address: string) => address === now,
  };
  let ended: unknown;
  watchAddress(options, stop.signal).catch((error: unknown) => (ended = error));
  await clock.advance(60_000);
  now = undefined; // a pulled cable
  await clock.advance(60_000);
  t.equal(ended, undefined);
  now = '192.0.2.9';
  await clock.advance(10_000);
  t.equal(ended, undefined, 'seen once');
  await clock.advance(10_000);
  t.match(ended, { message: /was 192\.0\.2\.7 and is 192\.0\.2\.9 now/ });
});
