import t from 'tap';
import { humanDuration } from '../../../src/api/kinds/columns/human-duration.ts';
import { podSummary } from '../../../src/api/kinds/columns/pod.ts';
import { columnsOf } from '../../../src/api/kinds/columns/columns-of.ts';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import type { Pod } from '../../../src/api/objects.ts';

// apimachinery pkg/util/duration/duration_test.go
void t.test('humanDuration() has upstream’s steps', (t) => {
  const [second, minute, hour, day] = [1000, 60_000, 3_600_000, 86_400_000];
  for (const [ms, text] of [
    [-2 * second, '<invalid>'],
    [-1 * second, '0s'],
    [119 * second, '119s'],
    [2 * minute, '2m'],
    [3 * minute + 5 * second, '3m5s'],
    [10 * minute + 30 * second, '10m'],
    [179 * minute, '179m'],
    [3 * hour + 5 * minute, '3h5m'],
    [47 * hour, '47h'],
    [2 * day + 3 * hour, '2d3h'],
    [9 * day + 3 * hour, '9d'],
    [2 * 365 * day, '2y'],
    [3 * 365 * day + 4 * day, '3y4d'],
    [9 * 365 * day, '9y'],
  ] as const)
    t.equal(humanDuration(ms), text);
  t.end();
});

function pod(status: object, more: object = {}): Pod {
  return { apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ name: 'a' }] }, status, ...more };
}

const container = { name: 'a', image: 'x', imageID: '', restartCount: 0, ready: false };

// pkg/printers/internalversion/printers_test.go, TestPrintPod
void t.test('podSummary() says what keeps a pod', (t) => {
  const waiting = { ...container, restartCount: 3, state: { waiting: { reason: 'CrashLoopBackOff' } } };
  t.match(podSummary(pod({ phase: 'Running', containerStatuses: [waiting] })), {
    ready: 0,
    total: 1,
    reason: 'CrashLoopBackOff',
    restarts: 3,
  });
  const running = { ...container, ready: true, state: { running: {} } };
  t.match(podSummary(pod({ phase: 'Running', containerStatuses: [running] })), { ready: 1, reason: 'Running' });
  const killed = { ...container, state: { terminated: { exitCode: 137, signal: 9 } } };
  t.equal(podSummary(pod({ phase: 'Failed', containerStatuses: [killed] })).reason, 'Signal:9');
  const init = {
    phase: 'Pending',
    initContainerStatuses: [{ ...container, state: { waiting: { reason: 'PodInitializing' } } }],
  };
  const spec = { containers: [{ name: 'a' }], initContainers: [{ name: 'i' }, { name: 'j' }] };
  t.equal(podSummary(pod(init, { spec })).reason, 'Init:0/2');
  const deleted = { metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } };
  t.equal(podSummary(pod({ phase: 'Running', containerStatuses: [running] }, deleted)).reason, 'Terminating');
  t.equal(podSummary(pod({ phase: 'Failed', reason: 'Evicted' })).reason, 'Evicted');
  t.end();
});

void t.test('every kind’s columns make cells of the emptiest object', (t) => {
  for (const kind of KINDS) {
    for (const { name, cell } of columnsOf(kind)) {
      // Only what a schema requires.
      const spec = { containers: [], signerName: 'x' };
      const object = { metadata: { name: 'x' }, spec, roleRef: {}, revision: 1, addressType: 'IPv4' };
      t.not(cell(object, 0), undefined, `${kind.kind} ${name}`);
    }
  }
  t.end();
});
