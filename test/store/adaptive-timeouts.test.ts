import t from 'tap';
import { AdaptiveTimeouts } from '../../src/store/adaptive-timeouts.ts';

void t.test('electionTicks stays at 500 ms with a good disk, a single stall does not move it for long', (t) => {
  const timeouts = new AdaptiveTimeouts();
  for (let i = 0; i < 50; i += 1) timeouts.flushed(5);
  timeouts.answered(2);
  t.equal(timeouts.electionTicks, 10);
  timeouts.flushed(1000);
  t.ok(timeouts.electionTicks > 10);
  for (let i = 0; i < 20; i += 1) timeouts.flushed(5);
  t.equal(timeouts.electionTicks, 10);
  t.end();
});

void t.test('electionTicks covers what a slow disk and a slow network take, within its bound', (t) => {
  const timeouts = new AdaptiveTimeouts();
  for (let i = 0; i < 50; i += 1) {
    timeouts.flushed(i % 2 === 0 ? 600 : 1000);
    timeouts.answered(50);
  }
  t.ok(timeouts.electionTicks * 50 > 1000);
  for (let i = 0; i < 50; i += 1) timeouts.flushed(60_000);
  t.equal(timeouts.electionTicks, 100);
  t.end();
});
