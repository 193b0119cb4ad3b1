import type { Container, Pod } from '../../src/api/objects.ts';
import type { RuntimeContainerState, RuntimeContainerStatus, SandboxStatus } from '../../src/host/cri/cri.ts';
import { containerHash, HASH_LABEL } from '../../src/kubelet/container/container-hash.ts';
import type { RuntimePod } from '../../src/kubelet/runtime/runtime-pod.ts';

/**
 * For tables. Pods: uid `u1`, namespace `ns1`, name `web`. Addresses: pod 10.244.1.2, board 192.0.2.7. Times:
 * the sandbox was made at 1000 s, a container at 1001 s + its attempt, started 1 s later, ended 10 s after that.
 */
export function podOf(spec: Partial<NonNullable<Pod['spec']>>, rest: Partial<Pod> = {}): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'web', namespace: 'ns1', uid: 'u1', generation: 1, ...rest.metadata },
    spec: { restartPolicy: 'Always', containers: [{ name: 'main', image: 'img:1' }], ...spec },
    ...(rest.status === undefined ? {} : { status: rest.status }),
  };
}

export function containerOf(name: string, rest: Partial<Container> = {}): Container {
  return { name, image: 'img:1', ...rest };
}

interface StateOptions {
  readonly attempt?: number;
  readonly exitCode?: number;
  readonly image?: string;
  readonly message?: string;
}

/** A runtime's container of that name; its id is `<name>-<attempt>`. */
export function made(name: string, state: RuntimeContainerState, options: StateOptions = {}): RuntimeContainerStatus {
  const { attempt = 0, exitCode = 0, image = 'img:1', message = '' } = options;
  const createdAtMs = (1001 + attempt) * 1000;
  const hasStarted = state === 'running' || state === 'exited';
  return {
    id: `${name}-${attempt}`,
    name,
    attempt,
    state,
    createdAtMs,
    startedAtMs: hasStarted ? createdAtMs + 1000 : 0,
    finishedAtMs: state === 'exited' ? createdAtMs + 11_000 : 0,
    exitCode,
    reason: state === 'exited' ? (exitCode === 0 ? 'Completed' : 'Error') : '',
    message,
    labels: {},
    annotations: { [HASH_LABEL]: containerHash({ name, image }) },
    image,
    imageRef: 'sha256:1',
    logPath: '',
    mounts: [],
    resources: undefined,
    user: undefined,
  };
}

export function sandboxOf(rest: Partial<SandboxStatus> = {}): SandboxStatus {
  return {
    id: 's0',
    metadata: { name: 'web', namespace: 'ns1', uid: 'u1', attempt: 0 },
    state: 'ready',
    createdAtMs: 1_000_000,
    labels: {},
    annotations: {},
    ips: ['10.244.1.2'],
    isHostNetwork: false,
    ...rest,
  };
}

/** The pod with a ready sandbox and these containers, newest first. */
export function runtimeOf(...containers: readonly RuntimeContainerStatus[]): RuntimePod {
  return { uid: 'u1', namespace: 'ns1', name: 'web', sandboxes: [sandboxOf()], containers, ips: ['10.244.1.2'] };
}
