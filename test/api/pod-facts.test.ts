import t from 'tap';
import { conditionOf, isConditionTrue } from '../../src/api/condition.ts';
import type { Pod } from '../../src/api/objects.ts';
import { isPodActive, isPodTerminal, untilAvailableMs } from '../../src/api/pod-facts.ts';

const SINCE = '2026-01-01T00:00:00Z';
const SINCE_MS = Date.parse(SINCE);

function pod(phase: 'Running' | 'Succeeded' | 'Failed', ready: 'True' | 'False' | 'Unknown', more: object = {}): Pod {
  const conditions = [{ type: 'Ready', status: ready, lastTransitionTime: SINCE }];
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'a', ...more }, status: { phase, conditions } };
}

void t.test('isPodActive() leaves out what has ended and what is being deleted', (t) => {
  t.ok(isPodActive(pod('Running', 'False')));
  t.notOk(isPodActive(pod('Running', 'True', { deletionTimestamp: SINCE })));
  t.ok(isPodTerminal(pod('Succeeded', 'False')));
  t.ok(isPodTerminal(pod('Failed', 'False')));
  t.end();
});

void t.test('isConditionTrue() takes neither False nor Unknown nor silence for so', (t) => {
  t.ok(isConditionTrue(pod('Running', 'True'), 'Ready'));
  t.notOk(isConditionTrue(pod('Running', 'Unknown'), 'Ready'));
  t.notOk(isConditionTrue({}, 'Ready'));
  t.equal(conditionOf(pod('Running', 'True'), 'Initialized'), undefined);
  t.end();
});

void t.test('untilAvailableMs() counts minReadySeconds from when the pod became ready', (t) => {
  t.equal(untilAvailableMs(pod('Running', 'False'), 0, SINCE_MS), undefined);
  t.equal(untilAvailableMs(pod('Running', 'True'), 0, SINCE_MS), 0);
  t.equal(untilAvailableMs(pod('Running', 'True'), 10, SINCE_MS + 4_000), 6_000);
  t.equal(untilAvailableMs(pod('Running', 'True'), 10, SINCE_MS + 60_000), 0);
  t.end();
});
