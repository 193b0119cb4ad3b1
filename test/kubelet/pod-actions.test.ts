import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { computePodActions, sandboxChange } from '../../src/kubelet/pod-actions.ts';
import type { PodActions, ProbeLookup } from '../../src/kubelet/pod-actions.ts';
import { emptyRuntimePod } from '../../src/kubelet/runtime/runtime-pod.ts';
import type { RuntimePod } from '../../src/kubelet/runtime/runtime-pod.ts';
import { containerOf, made, podOf, runtimeOf, sandboxOf } from './runtime-state.ts';

const NO_PROBES: ProbeLookup = () => undefined;
const NOTHING: PodActions = {
  killPod: false,
  createSandbox: false,
  sandboxId: 's0',
  attempt: 0,
  initContainersToStart: [],
  containersToStart: [],
  ephemeralContainersToStart: [],
  containersToKill: [],
};
const NEW_SANDBOX = { killPod: true, createSandbox: true, sandboxId: '' };

interface Row {
  readonly title: string;
  readonly pod: Pod;
  readonly runtime: RuntimePod;
  readonly probes?: ProbeLookup;
  readonly expected: Partial<PodActions>;
}

const TWO = { containers: [containerOf('a'), containerOf('b')] };
const never = { restartPolicy: 'Never' as const };
const onFailure = { restartPolicy: 'OnFailure' as const };
const noSandbox = emptyRuntimePod('u1', 'ns1', 'web');
const deadSandbox = (...containers: RuntimePod['containers']): RuntimePod => ({
  ...runtimeOf(...containers),
  sandboxes: [sandboxOf({ state: 'notready', ips: [] })],
});

// Upstream pkg/kubelet/kuberuntime/kuberuntime_manager_test.go, TestComputePodActions.
const REGULAR: readonly Row[] = [
  {
    title: 'all running: nothing',
    pod: podOf(TWO),
    runtime: runtimeOf(made('a', 'running'), made('b', 'running')),
    expected: {},
  },
  {
    title: 'no sandbox: a new one, then all containers',
    pod: podOf(TWO),
    runtime: noSandbox,
    expected: { ...NEW_SANDBOX, containersToStart: [0, 1] },
  },
  {
    title: 'one exited: it is started',
    pod: podOf(TWO),
    runtime: runtimeOf(made('a', 'running'), made('b', 'exited')),
    expected: { containersToStart: [1] },
  },
  {
    title: 'OnFailure, exited with 0: it stays',
    pod: podOf({ ...TWO, ...onFailure }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'exited')),
    expected: {},
  },
  {
    title: 'OnFailure, exited with 1: it is started',
    pod: podOf({ ...TWO, ...onFailure }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'exited', { exitCode: 1 })),
    expected: { containersToStart: [1] },
  },
  {
    title: 'Never, one exited: it stays',
    pod: podOf({ ...TWO, ...never }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'exited', { exitCode: 1 })),
    expected: {},
  },
  {
    title: 'Never, all exited: the pod is killed',
    pod: podOf({ ...TWO, ...never }),
    runtime: runtimeOf(made('a', 'exited'), made('b', 'exited')),
    expected: { killPod: true },
  },
  {
    title: 'never made: it is started',
    pod: podOf({ ...TWO, ...never }),
    runtime: runtimeOf(made('a', 'running')),
    expected: { containersToStart: [1] },
  },
  {
    title: 'sandbox dead, Always: all anew with the next attempt',
    pod: podOf(TWO),
    runtime: deadSandbox(made('a', 'exited'), made('b', 'exited')),
    expected: { ...NEW_SANDBOX, sandboxId: 's0', attempt: 1, containersToStart: [0, 1] },
  },
  {
    title: 'sandbox dead, Never: no new one',
    pod: podOf({ ...TWO, ...never }),
    runtime: deadSandbox(made('a', 'exited'), made('b', 'exited')),
    expected: { killPod: true, attempt: 1 },
  },
  {
    title: 'sandbox dead, OnFailure: only what failed',
    pod: podOf({ ...TWO, ...onFailure }),
    runtime: deadSandbox(made('a', 'exited'), made('b', 'exited', { exitCode: 1 })),
    expected: { ...NEW_SANDBOX, sandboxId: 's0', attempt: 1, containersToStart: [1] },
  },
  {
    title: 'sandbox dead, OnFailure, all succeeded: no new one',
    pod: podOf({ ...TWO, ...onFailure }),
    runtime: deadSandbox(made('a', 'exited'), made('b', 'exited')),
    expected: { killPod: true, attempt: 1 },
  },
  {
    title: 'sandbox never got containers, Never: tried again',
    pod: podOf({ ...TWO, ...never }),
    runtime: deadSandbox(),
    expected: { ...NEW_SANDBOX, sandboxId: 's0', attempt: 1, containersToStart: [0, 1] },
  },
  {
    title: 'another image: killed and started',
    pod: podOf({ containers: [containerOf('a', { image: 'img:2' })] }),
    runtime: runtimeOf(made('a', 'running')),
    expected: {
      containersToStart: [0],
      containersToKill: [
        {
          containerId: 'a-0',
          name: 'a',
          reason: 'changed',
          message: 'Container a definition changed, will be restarted',
        },
      ],
    },
  },
  {
    title: 'failed liveness: killed and started',
    pod: podOf(TWO),
    runtime: runtimeOf(made('a', 'running'), made('b', 'running')),
    probes: (kind, id) => (kind === 'liveness' && id === 'b-0' ? 'failure' : undefined),
    expected: {
      containersToStart: [1],
      containersToKill: [
        {
          containerId: 'b-0',
          name: 'b',
          reason: 'livenessProbe',
          message: 'Container b failed liveness probe, will be restarted',
        },
      ],
    },
  },
  {
    title: 'failed startup, Never: killed for good, the other goes on',
    pod: podOf({ ...TWO, ...never }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'running')),
    probes: (kind, id) => (kind === 'startup' && id === 'b-0' ? 'failure' : undefined),
    expected: {
      containersToKill: [
        { containerId: 'b-0', name: 'b', reason: 'startupProbe', message: 'Container b failed startup probe' },
      ],
    },
  },
  {
    title: 'unknown: killed before it is started, lest there be two',
    pod: podOf(TWO),
    runtime: runtimeOf(made('a', 'running'), made('b', 'unknown')),
    expected: {
      containersToStart: [1],
      containersToKill: [
        {
          containerId: 'b-0',
          name: 'b',
          reason: 'unknown',
          message: 'Container is in "unknown" state, try killing it before restart',
        },
      ],
    },
  },
  {
    title: 'an ephemeral container not yet made: started',
    pod: podOf({ ...TWO, ephemeralContainers: [containerOf('debug')] }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'running')),
    expected: { ephemeralContainersToStart: [0] },
  },
  {
    title: 'an ephemeral container that ended: never again',
    pod: podOf({ ...TWO, ephemeralContainers: [containerOf('debug')] }),
    runtime: runtimeOf(made('a', 'running'), made('b', 'running'), made('debug', 'exited')),
    expected: {},
  },
];

const INIT = { initContainers: [containerOf('i0'), containerOf('i1')], containers: [containerOf('a')] };
const sidecar = containerOf('side', { restartPolicy: 'Always' });
const SIDE = { initContainers: [sidecar, containerOf('i1')], containers: [containerOf('a')] };

// TestComputePodActionsWithInitContainers, ...WithRestartableInitContainers
const INITIAL: readonly Row[] = [
  {
    title: 'no sandbox: the first init container',
    pod: podOf(INIT),
    runtime: noSandbox,
    expected: { ...NEW_SANDBOX, initContainersToStart: [0] },
  },
  { title: 'the first runs: wait', pod: podOf(INIT), runtime: runtimeOf(made('i0', 'running')), expected: {} },
  {
    title: 'the first succeeded: the second',
    pod: podOf(INIT),
    runtime: runtimeOf(made('i0', 'exited')),
    expected: { initContainersToStart: [1] },
  },
  {
    title: 'all succeeded: the containers',
    pod: podOf(INIT),
    runtime: runtimeOf(made('i1', 'exited'), made('i0', 'exited')),
    expected: { containersToStart: [0] },
  },
  {
    title: 'the first was removed meanwhile: not run again',
    pod: podOf(INIT),
    runtime: runtimeOf(made('i1', 'exited')),
    expected: { containersToStart: [0] },
  },
  {
    title: 'all were removed, the container runs: nothing',
    pod: podOf(INIT),
    runtime: runtimeOf(made('a', 'running')),
    expected: {},
  },
  {
    title: 'the second failed, Always: again',
    pod: podOf(INIT),
    runtime: runtimeOf(made('i1', 'exited', { exitCode: 1 }), made('i0', 'exited')),
    expected: { initContainersToStart: [1] },
  },
  {
    title: 'the second failed, Never: the pod is over',
    pod: podOf({ ...INIT, ...never }),
    runtime: runtimeOf(made('i1', 'exited', { exitCode: 1 }), made('i0', 'exited')),
    expected: { killPod: true },
  },
  {
    title: 'a sidecar runs: the next init container',
    pod: podOf(SIDE),
    runtime: runtimeOf(made('side', 'running')),
    expected: { initContainersToStart: [1] },
  },
  {
    title: 'a sidecar whose startup probe has not answered: wait',
    pod: podOf({ ...SIDE, initContainers: [{ ...sidecar, startupProbe: {} }, containerOf('i1')] }),
    runtime: runtimeOf(made('side', 'running')),
    expected: {},
  },
  {
    title: 'a sidecar ended after initialization: started again',
    pod: podOf(SIDE),
    runtime: runtimeOf(made('a', 'running'), made('i1', 'exited'), made('side', 'exited')),
    expected: { initContainersToStart: [0] },
  },
  {
    title: 'all regular containers are done: a sidecar does not keep the pod',
    pod: podOf({ ...SIDE, ...never }),
    runtime: runtimeOf(made('a', 'exited'), made('i1', 'exited'), made('side', 'exited')),
    expected: { killPod: true },
  },
];

for (const [name, rows] of Object.entries({ REGULAR, INITIAL })) {
  void t.test(`computePodActions(): ${name.toLowerCase()} containers`, (t) => {
    for (const { title, pod, runtime, probes, expected } of rows)
      t.same(
        computePodActions(pod, runtime, probes ?? NO_PROBES),
        {
          ...NOTHING,
          ...(expected.createSandbox === true && expected.attempt === undefined ? { attempt: 0 } : {}),
          ...expected,
        },
        title,
      );
    t.end();
  });
}

void t.test('sandboxChange() wants a new sandbox when the newest does not serve', (t) => {
  const pod = podOf({});
  const of = (...sandboxes: RuntimePod['sandboxes']): RuntimePod => ({ ...runtimeOf(), sandboxes });
  const newer = sandboxOf({ id: 's1', metadata: { name: 'web', namespace: 'ns1', uid: 'u1', attempt: 1 } });
  t.same(sandboxChange(pod, of(sandboxOf())), { changed: false, attempt: 0, id: 's0' });
  t.same(sandboxChange(pod, of(newer, sandboxOf())), { changed: true, attempt: 2, id: 's1' }, 'two are ready');
  t.same(sandboxChange(pod, of(newer, sandboxOf({ state: 'notready' }))), { changed: false, attempt: 1, id: 's1' });
  t.same(sandboxChange(pod, of(sandboxOf({ ips: [] }))), { changed: true, attempt: 1, id: 's0' }, 'no address');
  const onHost = podOf({ hostNetwork: true });
  t.same(sandboxChange(onHost, of(sandboxOf())), { changed: true, attempt: 1, id: '' }, 'another network');
  t.same(sandboxChange(onHost, of(sandboxOf({ ips: [], isHostNetwork: true }))).changed, false);
  t.end();
});
