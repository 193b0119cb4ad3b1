import t from 'tap';
import type { Pod, PodStatus } from '../../../src/api/objects.ts';
import { podStatus, terminatedStatus } from '../../../src/kubelet/status/pod-status.ts';
import type { StatusFacts } from '../../../src/kubelet/status/pod-status.ts';
import { emptyRuntimePod } from '../../../src/kubelet/runtime/runtime-pod.ts';
import { containerOf, made, podOf, runtimeOf } from '../runtime-state.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const NOW_TEXT = '2026-01-01T12:00:00Z';

function facts(pod: Pod, rest: Partial<StatusFacts> = {}): StatusFacts {
  return {
    pod,
    runtimePod: emptyRuntimePod('u1', 'ns1', 'web'),
    before: {},
    failureOf: () => undefined,
    probes: () => undefined,
    isTerminal: false,
    isResizing: false,
    hostIps: ['192.0.2.7'],
    nowMs: NOW,
    runtimeName: 'containerd',
    ...rest,
  };
}

function conditionOf(status: PodStatus, type: string): object | undefined {
  const found = status.conditions?.find((one) => one.type === type);
  if (found === undefined) return undefined;
  const { status: value, reason, message } = found;
  return { status: value, ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

void t.test('podStatus() of a pod that is about to start', (t) => {
  const status = podStatus(facts(podOf({})));
  t.match(status, {
    phase: 'Pending',
    startTime: NOW_TEXT,
    observedGeneration: 1,
    qosClass: 'BestEffort',
    hostIP: '192.0.2.7',
  });
  t.equal(status.podIP, undefined);
  t.match(status.containerStatuses, [
    { name: 'main', state: { waiting: { reason: 'ContainerCreating' } }, ready: false, started: false, imageID: '' },
  ]);
  t.same(conditionOf(status, 'PodReadyToStartContainers'), { status: 'False' });
  t.same(conditionOf(status, 'Initialized'), { status: 'True' });
  t.same(conditionOf(status, 'Ready'), {
    status: 'False',
    reason: 'ContainersNotReady',
    message: 'containers with unready status: [main]',
  });
  t.same(conditionOf(status, 'PodScheduled'), { status: 'True' });
  const waits = podStatus(facts(podOf({ initContainers: [containerOf('init')] })));
  t.match(waits.containerStatuses?.[0]?.state, { waiting: { reason: 'PodInitializing' } });
  t.same(conditionOf(waits, 'Initialized'), {
    status: 'False',
    reason: 'ContainersNotInitialized',
    message: 'containers with incomplete status: [init]',
  });
  t.end();
});

void t.test('podStatus() of a running pod', (t) => {
  const pod = podOf({});
  const runtimePod = runtimeOf(made('main', 'running'));
  const status = podStatus(facts(pod, { runtimePod }));
  t.match(status, { phase: 'Running', podIP: '10.244.1.2', podIPs: [{ ip: '10.244.1.2' }] });
  t.match(status.containerStatuses, [
    {
      containerID: 'containerd://main-0',
      imageID: 'sha256:1',
      ready: true,
      started: true,
      restartCount: 0,
      state: { running: { startedAt: '1970-01-01T00:16:42Z' } },
    },
  ]);
  t.same(conditionOf(status, 'Ready'), { status: 'True' });
  const later = podStatus(facts(pod, { runtimePod, before: status, nowMs: NOW + 60_000 }));
  t.same(later, status, 'nothing changed: not even a time');
  t.end();
});

void t.test('podStatus() takes readiness from the probes, and keeps it while none has answered yet', (t) => {
  const pod = podOf({ containers: [containerOf('main', { readinessProbe: {} })] });
  const runtimePod = runtimeOf(made('main', 'running'));
  const unready = podStatus(facts(pod, { runtimePod, probes: () => 'failure' }));
  t.match(unready.containerStatuses, [{ ready: false, started: true }]);
  const ready = podStatus(facts(pod, { runtimePod, probes: (kind) => (kind === 'readiness' ? 'success' : undefined) }));
  t.match(ready.containerStatuses, [{ ready: true }]);
  t.match(
    podStatus(facts(pod, { runtimePod, before: ready })).containerStatuses,
    [{ ready: true }],
    'kubelet restarted',
  );
  t.match(podStatus(facts(pod, { runtimePod })).containerStatuses, [{ ready: false }], 'never probed');
  t.end();
});

void t.test(
  'podStatus(): a container has started when its startup probe says so, and still after a restart of the kubelet',
  (t) => {
    const pod = podOf({ containers: [containerOf('main', { startupProbe: {} })] });
    const runtimePod = runtimeOf(made('main', 'running'));
    t.match(podStatus(facts(pod, { runtimePod })).containerStatuses, [{ started: false, ready: false }]);
    const started = podStatus(
      facts(pod, { runtimePod, probes: (kind) => (kind === 'startup' ? 'success' : undefined) }),
    );
    t.match(started.containerStatuses, [{ started: true, ready: true }]);
    t.match(podStatus(facts(pod, { runtimePod, before: started })).containerStatuses, [{ started: true, ready: true }]);
    t.end();
  },
);

void t.test('podStatus() of a container of which the runtime lost track: it ended, and counts as restarted', (t) => {
  const pod = podOf({});
  const before = podStatus(facts(pod, { runtimePod: runtimeOf(made('main', 'running')) }));
  const status = podStatus(facts(pod, { runtimePod: runtimeOf(made('main', 'unknown')), before }));
  t.match(status.containerStatuses, [
    { restartCount: 1, state: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
  ]);
  t.end();
});

void t.test('podStatus() of a container held back shows why, and how it ended before', (t) => {
  const pod = podOf({});
  const runtimePod = runtimeOf(
    made('main', 'exited', { attempt: 1, exitCode: 3, message: 'last words' }),
    made('main', 'exited', { exitCode: 2 }),
  );
  const failure = {
    reason: 'CrashLoopBackOff',
    message: 'back-off 10s restarting failed container=main pod=web_ns1(u1)',
  };
  const status = podStatus(facts(pod, { runtimePod, failureOf: () => failure }));
  t.equal(status.phase, 'Running');
  t.match(status.containerStatuses, [
    { restartCount: 1, state: { waiting: failure }, lastState: { terminated: { exitCode: 3, message: 'last words' } } },
  ]);
  t.end();
});

void t.test('podStatus(): the phase by restart policy and exit codes', (t) => {
  const phase = (restartPolicy: 'Always' | 'OnFailure' | 'Never', code: number, isTerminal = false): unknown =>
    podStatus(
      facts(podOf({ restartPolicy }), {
        runtimePod: runtimeOf(made('main', 'exited', { exitCode: code })),
        isTerminal,
      }),
    ).phase;
  t.equal(phase('Always', 0), 'Running');
  t.equal(phase('Always', 1), 'Running');
  t.equal(phase('OnFailure', 0), 'Succeeded');
  t.equal(phase('OnFailure', 1), 'Running');
  t.equal(phase('Never', 0), 'Succeeded');
  t.equal(phase('Never', 1), 'Failed');
  t.equal(phase('Always', 0, true), 'Succeeded', 'it will not be started again');
  t.equal(phase('Always', 1, true), 'Failed');
  t.end();
});

void t.test('podStatus(): a container that has never started keeps the pod pending, though another runs', (t) => {
  const pod = podOf({ containers: [containerOf('a'), containerOf('b')] });
  t.equal(podStatus(facts(pod, { runtimePod: runtimeOf(made('a', 'running')) })).phase, 'Pending');
  const restarting = runtimeOf(made('a', 'running'), made('b', 'exited'));
  t.equal(podStatus(facts(pod, { runtimePod: restarting })).phase, 'Running');
  t.end();
});

void t.test('podStatus() never leaves an end', (t) => {
  const runtimePod = runtimeOf(made('main', 'running'));
  const status = podStatus(
    facts(podOf({}), { runtimePod, before: { phase: 'Failed', reason: 'Evicted', message: 'm' } }),
  );
  t.match(status, { phase: 'Failed', reason: 'Evicted', message: 'm' });
  t.same(conditionOf(status, 'Ready'), { status: 'False', reason: 'PodFailed' });
  t.end();
});

void t.test('podStatus() keeps conditions of others, and heeds readiness gates', (t) => {
  const gate = 'example.com/gate';
  const status = { conditions: [{ type: gate, status: 'False' }] };
  const pod = podOf({ readinessGates: [{ conditionType: gate }] }, { status });
  const made1 = podStatus(facts(pod, { runtimePod: runtimeOf(made('main', 'running')) }));
  t.match(
    made1.conditions?.find(({ type }) => type === gate),
    { status: 'False' },
  );
  t.same(conditionOf(made1, 'ContainersReady'), { status: 'True' });
  t.same(conditionOf(made1, 'Ready'), {
    status: 'False',
    reason: 'ReadinessGatesNotReady',
    message: 'the status of pod readiness gate "example.com/gate" is not "True", but False',
  });
  t.end();
});

void t.test('podStatus() of a container that vanished while it ran: its end is inferred', (t) => {
  const pod = podOf({});
  const before = podStatus(facts(pod, { runtimePod: runtimeOf(made('main', 'running')) }));
  const status = podStatus(facts(pod, { runtimePod: runtimeOf(), before }));
  t.match(status.containerStatuses, [
    { restartCount: 1, lastState: { terminated: { exitCode: 137, reason: 'ContainerStatusUnknown' } } },
  ]);
  t.equal(status.phase, 'Running', 'not back to Pending');
  t.end();
});

void t.test('terminatedStatus() lets what still seemed to run end', (t) => {
  const running = podStatus(facts(podOf({}), { runtimePod: runtimeOf(made('main', 'running')) }));
  t.match(terminatedStatus(running), {
    phase: 'Failed',
    containerStatuses: [{ state: { terminated: { exitCode: 137 } }, ready: false }],
  });
  const done = podStatus(facts(podOf({}), { runtimePod: runtimeOf(made('main', 'exited')), isTerminal: true }));
  t.same(terminatedStatus(done), done);
  t.end();
});
