import type { Container, ContainerState, ContainerStatus, Pod, ResourceRequirements } from '../../api/objects.ts';
import { rfc3339 } from '../../api/time.ts';
import type { RuntimeContainerStatus } from '../../host/cri/cri.ts';
import { shouldStart } from '../container/container-restart.ts';
import { latestContainer } from '../runtime/runtime-pod.ts';
import type { RuntimePod } from '../runtime/runtime-pod.ts';

/** Why a container could not be started last time: becomes the reason and message of its waiting state. */
export interface StartFailure {
  /** `CrashLoopBackOff`, `ErrImagePull`, `ImagePullBackOff`, `CreateContainerConfigError`, ... */
  readonly reason: string;
  readonly message: string;
}

export interface ContainerStatusFacts {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  readonly containers: readonly Container[];
  /** As the API has them or as last made. */
  readonly before: readonly ContainerStatus[];
  readonly failureOf: (container: string) => StartFailure | undefined;
  readonly areInit: boolean;
  /** `containerd`: the scheme of container ids. */
  readonly runtimeName: string;
}

/** The statuses of one sort of containers, `started` and `ready` not yet set (upstream convertToAPIContainerStatuses). */
export function containerStatuses(facts: ContainerStatusFacts): ContainerStatus[] {
  const statuses = facts.containers.map((container) => {
    const made = facts.runtimePod.containers.filter(({ name }) => name === container.name);
    const before = facts.before.find(({ name }) => name === container.name);
    const [latest, former] = made;
    if (latest === undefined) return withoutContainer(facts, container, before);
    const status = fromRuntime(facts, container, latest, before);
    if (former === undefined) return status;
    return { ...status, lastState: fromRuntime(facts, container, former, undefined).state ?? {} };
  });
  const shown = statuses.map((status) => withFailure(facts, status));
  return facts.areInit ? shown : shown.toSorted((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
}

function fromRuntime(
  facts: ContainerStatusFacts,
  container: Container,
  made: RuntimeContainerStatus,
  before: ContainerStatus | undefined,
): ContainerStatus {
  const id = `${facts.runtimeName}://${made.id}`;
  const { state, restartCount } = stateOf(made, id, before);
  return {
    name: made.name,
    state,
    lastState: {},
    ready: false,
    restartCount,
    image: made.image,
    imageID: made.imageRef,
    containerID: id,
    ...resourcesOf(container),
    ...volumeMountsOf(container),
    ...(made.user === undefined || made.state !== 'running' ? {} : { user: { linux: linuxUser(made.user) } }),
  };
}

function linuxUser(user: NonNullable<RuntimeContainerStatus['user']>): {
  uid: number;
  gid: number;
  supplementalGroups: number[];
} {
  return { uid: user.uid, gid: user.gid, supplementalGroups: [...user.supplementalGroups] };
}

function stateOf(
  made: RuntimeContainerStatus,
  id: string,
  before: ContainerStatus | undefined,
): { state: ContainerState; restartCount: number } {
  const restartCount = made.attempt;
  if (made.state === 'running') return { state: { running: { startedAt: toTime(made.startedAtMs) } }, restartCount };
  if (made.state === 'exited') {
    const terminated = {
      exitCode: made.exitCode,
      ...(made.reason === '' ? {} : { reason: made.reason }),
      ...(made.message === '' ? {} : { message: made.message }),
      startedAt: toTime(made.startedAtMs),
      finishedAt: toTime(made.finishedAtMs),
      containerID: id,
    };
    return { state: { terminated }, restartCount };
  }
  if (made.state === 'unknown' && before?.state?.running !== undefined) {
    // It ran and does no more, and nobody saw its end: not the same as never having run.
    const message = 'The container could not be located when the pod was terminated';
    return { state: { terminated: unknownEnd(message) }, restartCount: before.restartCount + 1 };
  }
  return { state: { waiting: {} }, restartCount };
}

function unknownEnd(message: string): NonNullable<ContainerState['terminated']> {
  return { exitCode: 137, reason: 'ContainerStatusUnknown', message };
}

/** A container that the runtime does not have: not made yet, or removed. */
function withoutContainer(
  { pod, areInit }: ContainerStatusFacts,
  container: Container,
  before: ContainerStatus | undefined,
): ContainerStatus {
  if (before?.state?.terminated !== undefined) return { ...before };
  const hasInit = (pod.spec?.initContainers ?? []).length > 0;
  const status: ContainerStatus = {
    name: container.name,
    state: { waiting: { reason: hasInit ? 'PodInitializing' : 'ContainerCreating' } },
    lastState: before?.lastState ?? {},
    ready: false,
    restartCount: before?.restartCount ?? 0,
    image: container.image ?? '',
    imageID: '',
    ...(areInit ? {} : { started: false }),
    ...resourcesOf(container),
    ...volumeMountsOf(container),
  };
  if (before?.state?.running === undefined || status.lastState?.terminated !== undefined) return status;
  // It ran and is gone, and its end was not seen: say that it ended, lest the pod fall back to Pending.
  const message = 'The container could not be located when the pod was deleted.  The container used to be Running';
  const isDeleted = pod.metadata?.deletionTimestamp !== undefined;
  return {
    ...status,
    lastState: { terminated: unknownEnd(message) },
    restartCount: status.restartCount + (isDeleted ? 0 : 1),
  };
}

/** What is due to be started and could not be last time waits, with the reason. */
function withFailure(facts: ContainerStatusFacts, status: ContainerStatus): ContainerStatus {
  const { pod, runtimePod, areInit } = facts;
  const container = facts.containers.find(({ name }) => name === status.name);
  if (container === undefined) return status;
  const latest = latestContainer(runtimePod, status.name);
  if (areInit && latest?.state === 'exited' && latest.exitCode === 0) return status;
  if (!shouldStart(pod, container, runtimePod)) return status;
  const failure = facts.failureOf(status.name);
  if (failure === undefined) return status;
  const { reason, message } = failure;
  return {
    ...status,
    state: { waiting: { reason, ...(message === '' ? {} : { message }) } },
    ...(status.state?.terminated === undefined ? {} : { lastState: { terminated: status.state.terminated } }),
  };
}

function resourcesOf(container: Container): {
  resources?: ResourceRequirements;
  allocatedResources?: Record<string, string | number>;
} {
  const { limits, requests } = container.resources ?? {};
  if (limits === undefined && requests === undefined) return { resources: {} };
  return {
    resources: { ...(limits === undefined ? {} : { limits }), ...(requests === undefined ? {} : { requests }) },
    ...(requests === undefined ? {} : { allocatedResources: requests }),
  };
}

function volumeMountsOf(container: Container): Pick<ContainerStatus, 'volumeMounts'> {
  const mounts = container.volumeMounts ?? [];
  if (mounts.length === 0) return {};
  return {
    volumeMounts: mounts.map(({ name, mountPath, readOnly }) => ({
      name,
      mountPath,
      ...(readOnly === true ? { readOnly, recursiveReadOnly: 'Disabled' } : {}),
    })),
  };
}

/** The runtime says 0 for a moment that has not come. */
function toTime(ms: number): string | undefined {
  return ms === 0 ? undefined : rfc3339(ms);
}
