import type { Container, ContainerStatus, Pod, PodStatus } from '../../api/objects.ts';
import { restartsAfter } from '../container/container-restart.ts';
import { isSidecar, isStaticPod } from '../pod-identity.ts';

type Phase = NonNullable<PodStatus['phase']>;

/** What is known beyond the container statuses. */
export interface PhaseFacts {
  /** No container of the pod will be started any more. */
  readonly isTerminal: boolean;
  /** A regular container was started in this sandbox. */
  readonly hasInitialized: boolean;
}

/** The pod's phase from the statuses of its containers (upstream getPhase). */
export function podPhase(pod: Pod, statuses: readonly ContainerStatus[], facts: PhaseFacts): Phase {
  const inits = countInits(pod, statuses);
  const counts = countContainers(pod, statuses);
  if (inits.failedForGood > 0) return 'Failed';
  if (inits.pending > 0 || (counts.pendingSidecars > 0 && !facts.hasInitialized)) return 'Pending';
  if (counts.waiting > 0) return 'Pending';
  if (counts.running > 0 && counts.unknown === 0) return 'Running';
  if (counts.running > 0 || counts.stopped === 0 || counts.unknown > 0) return 'Pending';
  const done = counts.stopped === counts.succeeded ? 'Succeeded' : 'Failed';
  if (facts.isTerminal && !isStaticPod(pod)) return done;
  return counts.stopped === counts.stoppedForGood ? done : 'Running';
}

/** The exit code of a container that has ended; undefined while it waits for its first start or runs. */
function endedWith(status: ContainerStatus): number | undefined {
  if (status.state?.terminated !== undefined) return status.state.terminated.exitCode;
  if (status.state?.waiting !== undefined) return status.lastState?.terminated?.exitCode;
  return undefined;
}

function find(statuses: readonly ContainerStatus[], { name }: Container): ContainerStatus | undefined {
  return statuses.find((status) => status.name === name);
}

function countInits(pod: Pod, statuses: readonly ContainerStatus[]): { pending: number; failedForGood: number } {
  let pending = 0;
  let failedForGood = 0;
  for (const container of pod.spec?.initContainers ?? []) {
    if (isSidecar(container)) continue;
    const status = find(statuses, container);
    const code = status === undefined ? undefined : endedWith(status);
    if (code === undefined) pending += 1;
    else if (code !== 0 && !restartsAfter(pod, container, code)) failedForGood += 1;
  }
  return { pending, failedForGood };
}

interface Counts {
  unknown: number;
  running: number;
  waiting: number;
  stopped: number;
  stoppedForGood: number;
  succeeded: number;
  pendingSidecars: number;
}

function countContainers(pod: Pod, statuses: readonly ContainerStatus[]): Counts {
  const counts: Counts = {
    unknown: 0,
    running: 0,
    waiting: 0,
    stopped: 0,
    stoppedForGood: 0,
    succeeded: 0,
    pendingSidecars: 0,
  };
  for (const container of pod.spec?.initContainers ?? [])
    if (isSidecar(container)) countSidecar(find(statuses, container), counts);
  for (const container of pod.spec?.containers ?? []) {
    const status = find(statuses, container);
    const code = status === undefined ? undefined : endedWith(status);
    if (status?.state?.running !== undefined) counts.running += 1;
    else if (code !== undefined) {
      counts.stopped += 1;
      if (!restartsAfter(pod, container, code)) counts.stoppedForGood += 1;
      if (code === 0 && status?.state?.terminated !== undefined) counts.succeeded += 1;
    } else if (status?.state?.waiting !== undefined) counts.waiting += 1;
    else counts.unknown += 1;
  }
  return counts;
}

function countSidecar(status: ContainerStatus | undefined, counts: Counts): void {
  if (status === undefined) {
    counts.unknown += 1;
    return;
  }
  if (status.state?.running !== undefined) {
    counts.running += 1;
    if (status.started !== true) counts.pendingSidecars += 1;
    return;
  }
  if (endedWith(status) !== undefined) return; // one that has ended does not count for the phase
  counts.pendingSidecars += 1;
  if (status.state?.waiting !== undefined) counts.waiting += 1;
  else counts.unknown += 1;
}
