import t from 'tap';
import type { PodStatus } from '../../../src/api/objects.ts';
import { statusPatch } from '../../../src/kubelet/status/status-patch.ts';

const RUNNING: PodStatus = {
  phase: 'Running',
  podIP: '10.244.1.2',
  podIPs: [{ ip: '10.244.1.2' }],
  conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
  containerStatuses: [{ name: 'main', image: 'i', imageID: '', ready: true, restartCount: 0, lastState: {} }],
};

void t.test('statusPatch() is empty when the API says so already', (t) => {
  t.equal(statusPatch(RUNNING, RUNNING), undefined);
  const fromApi = structuredClone(RUNNING);
  delete fromApi.containerStatuses?.[0]?.lastState;
  t.equal(statusPatch(fromApi, RUNNING), undefined, 'an empty object may be left out');
  t.equal(
    statusPatch({ ...RUNNING, conditions: [...(RUNNING.conditions ?? []), { type: 'x/y', status: 'True' }] }, RUNNING),
    undefined,
    'of others',
  );
  t.end();
});

void t.test('statusPatch() holds only what changed, and says which addresses are gone', (t) => {
  const wanted: PodStatus = {
    ...RUNNING,
    podIP: '10.244.1.3',
    podIPs: [{ ip: '10.244.1.3' }],
    conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: 'later' }],
  };
  t.same(statusPatch({ ...RUNNING, reason: 'Old' }, wanted), {
    reason: null,
    podIP: '10.244.1.3',
    podIPs: [{ ip: '10.244.1.3' }, { $patch: 'delete', ip: '10.244.1.2' }],
    conditions: [{ type: 'Ready', status: 'False', reason: 'ContainersNotReady', lastTransitionTime: 'later' }],
  });
  t.end();
});

void t.test('statusPatch() clears what a condition no longer says', (t) => {
  const unready = { type: 'Ready', status: 'False', reason: 'ContainersNotReady', message: 'm' };
  t.same(statusPatch({ conditions: [unready] }, { conditions: [{ type: 'Ready', status: 'True' }] }), {
    conditions: [{ type: 'Ready', status: 'True', reason: null, message: null }],
  });
  t.end();
});

void t.test('statusPatch() takes away a condition that the kubelet tells no more, and only its own', (t) => {
  const pending = { type: 'PodResizePending', status: 'True', reason: 'Deferred' };
  const theirs = { type: 'example.org/ready', status: 'True' };
  const ready = { type: 'Ready', status: 'True' };
  t.same(statusPatch({ conditions: [pending, theirs, ready] }, { conditions: [ready] }), {
    conditions: [{ $patch: 'delete', type: 'PodResizePending' }],
  });
  t.end();
});
