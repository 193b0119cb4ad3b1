import type { RuntimeContainerStatus, SandboxStatus } from '../../host/cri/cri.ts';

/** What the runtime has of one pod. */
export interface RuntimePod {
  readonly uid: string;
  readonly name: string;
  readonly namespace: string;
  /** Newest first. */
  readonly sandboxes: readonly SandboxStatus[];
  /** Newest first, of all sandboxes, finished ones too. */
  readonly containers: readonly RuntimeContainerStatus[];
  /** Of the sandbox that is ready; those known before it stopped while the pod winds down. */
  readonly ips: readonly string[];
}

/** A pod of which the runtime has nothing. */
export function emptyRuntimePod(uid: string, namespace: string, name: string): RuntimePod {
  return { uid, namespace, name, sandboxes: [], containers: [], ips: [] };
}

/** The newest container of that name. */
export function latestContainer(pod: RuntimePod, name: string): RuntimeContainerStatus | undefined {
  return pod.containers.find((container) => container.name === name);
}

/** Whether a container runs. */
export function hasRunning(pod: RuntimePod): boolean {
  return pod.containers.some((container) => container.state === 'running');
}

/**
 * A regular container that was started in the newest sandbox: then the pod has been initialized once
 * (upstream HasAnyActiveRegularContainerStarted).
 */
export function hasStartedRegular(pod: RuntimePod, regularNames: ReadonlySet<string>): boolean {
  const since = pod.sandboxes[0]?.createdAtMs ?? 0;
  return pod.containers.some((one) => regularNames.has(one.name) && one.createdAtMs >= since);
}
