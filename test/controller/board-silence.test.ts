import t from 'tap';
import { BoardSilence } from '../../src/controller/board-silence.ts';
import { createFakeClock } from '../fake/clock.ts';

void t.test('isSilent() is so once a Lease has been the same for three renewals', async (t) => {
  const clock = createFakeClock();
  const silence = new BoardSilence(clock);
  t.notOk(silence.isSilent('w1', '2020-01-01T00:00:00Z'), 'however old: the board may have another clock');
  await clock.advance(11_000);
  t.notOk(silence.isSilent('w1', '2020-01-01T00:00:00Z'));
  t.notOk(silence.isSilent('w2', undefined), 'each board for itself');
  await clock.advance(1_000);
  t.ok(silence.isSilent('w1', '2020-01-01T00:00:00Z'));
  t.notOk(silence.isSilent('w1', '2020-01-01T00:00:12Z'), 'it was renewed');
  await clock.advance(12_000);
  t.ok(silence.isSilent('w2', undefined), 'a board without a Lease');
  silence.forget('w1');
  t.notOk(silence.isSilent('w1', '2020-01-01T00:00:12Z'), 'looked at anew');
});
