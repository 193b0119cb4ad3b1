import t from 'tap';
import { SessionWindow } from '../../src/store/session-window.ts';

void t.test('enter() takes a proposal once, in any order, after a restore too', (t) => {
  const window = new SessionWindow();
  t.same(
    [2, 1, 2, 1, 3].map((id) => window.enter(7, id)),
    [true, true, false, false, true],
  );
  t.equal(window.enter(8, 1), true, 'another session');
  const restored = new SessionWindow();
  restored.restore(window.store());
  t.same(
    [1, 2, 3, 4].map((id) => restored.enter(7, id)),
    [false, false, false, true],
  );
  t.end();
});

void t.test('enter() forgets old ids by taking them for applied, and silent sessions', (t) => {
  const window = new SessionWindow();
  for (let id = 2; id <= 20_000; id += 1) window.enter(1, id);
  t.equal(window.enter(1, 1), false, 'never seen, but too old to tell');
  t.ok((window.store()[0]?.ids.length ?? 0) <= 16_384);
  for (let session = 100; session < 200; session += 1) window.enter(session, 1);
  t.equal(window.store().length, 32);
  t.end();
});
