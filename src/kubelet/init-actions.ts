import type { Container, Pod } from '../api/objects.ts';
import type { RuntimeContainerStatus } from '../host/cri/cri.ts';
import { hasChanged } from './container/container-hash.ts';
import { restartsAfter, restartsOnFailure } from './container/container-restart.ts';
import type { KillReason, PodActions, ProbeLookup } from './pod-actions.ts';
import { isSidecar } from './pod-identity.ts';
import { latestContainer } from './runtime/runtime-pod.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';

/** What goes on with one init container. */
interface InitStep {
  /** Done, or for a sidecar: started. */
  readonly isInitialized: boolean;
  readonly start: boolean;
  readonly kill?: { readonly message: string; readonly reason: KillReason };
  /** Failed for good. */
  readonly isFatal?: boolean;
}

const WAIT: InitStep = { isInitialized: false, start: false };
const DONE: InitStep = { isInitialized: true, start: false };
const START: InitStep = { isInitialized: false, start: true };

/**
 * Fills in which init containers to start or kill, one after the other, sidecars kept running
 * (upstream computeInitContainerActions). Goes from the last to the first, since finished ones may have been removed
 * from the runtime.
 *
 * @returns whether regular containers may start
 */
export function planInitContainers(
  pod: Pod,
  runtimePod: RuntimePod,
  probes: ProbeLookup,
  actions: PodActions,
): boolean {
  const inits = pod.spec?.initContainers ?? [];
  if (inits.length === 0) return true;
  let isPodInitialized = hasRegular(pod, runtimePod);
  let isLaterStarted = isPodInitialized;
  const toStart = new Set<number>();
  for (let index = inits.length - 1; index >= 0; index -= 1) {
    const container = inits[index];
    if (container === undefined) continue;
    const status = latestContainer(runtimePod, container.name);
    if (status === undefined) {
      if (isLaterStarted && isSidecar(container)) toStart.add(index);
      continue;
    }
    if (isLaterStarted && !isSidecar(container)) continue;
    const step = planOne(pod, container, status, probes);
    if (step.isFatal === true) {
      actions.killPod = true;
      return false;
    }
    if (step.kill !== undefined)
      actions.containersToKill.push({ containerId: status.id, name: container.name, ...step.kill });
    if (step.start) toStart.add(index);
    if (step.isInitialized) {
      if (index === inits.length - 1) isPodInitialized = true;
      else if (!isLaterStarted) toStart.add(index + 1);
    }
    isLaterStarted = true;
  }
  if (!isLaterStarted) toStart.add(0);
  actions.initContainersToStart = [...toStart].toSorted((a, b) => a - b);
  return isPodInitialized;
}

/** A regular container was made: then initialization is behind the pod. Exited ones may be of the sandbox before. */
function hasRegular(pod: Pod, runtimePod: RuntimePod): boolean {
  return (pod.spec?.containers ?? []).some(({ name }) => {
    const state = latestContainer(runtimePod, name)?.state;
    return state === 'created' || state === 'running';
  });
}

function planOne(pod: Pod, container: Container, status: RuntimeContainerStatus, probes: ProbeLookup): InitStep {
  switch (status.state) {
    case 'created':
      return START; // the runtime failed to start it
    case 'running':
      return isSidecar(container) ? planSidecar(container, status, probes) : WAIT;
    case 'exited':
      if (isSidecar(container)) return START;
      if (status.exitCode === 0) return DONE;
      return restartsAfter(pod, container, status.exitCode) ? START : { ...WAIT, isFatal: true };
    case 'unknown':
      return planUnknown(pod, container);
    default:
      return status.state satisfies never;
  }
}

function planUnknown(pod: Pod, container: Container): InitStep {
  if (!isSidecar(container) && !restartsOnFailure(pod, container)) return { ...WAIT, isFatal: true };
  const message = 'Init container is in "unknown" state, try killing it before restart';
  return { ...START, kill: { message, reason: 'unknown' } };
}

function planSidecar(container: Container, status: RuntimeContainerStatus, probes: ProbeLookup): InitStep {
  const restart = (message: string, reason: KillReason): InitStep => ({ ...START, kill: { message, reason } });
  const { name } = container;
  if (container.startupProbe !== undefined) {
    const result = probes('startup', status.id);
    if (result === 'failure') return restart(`Init container ${name} failed startup probe`, 'startupProbe');
    if (result !== 'success') return WAIT;
  }
  // Its liveness does not matter to those that come after it.
  const started = (step: InitStep): InitStep => ({ ...step, isInitialized: true });
  if (hasChanged(container, status.annotations))
    return started(restart(`Init container ${name} definition changed`, 'changed'));
  if (container.livenessProbe !== undefined && probes('liveness', status.id) === 'failure')
    return started(restart(`Init container ${name} failed liveness probe`, 'livenessProbe'));
  return DONE;
}
