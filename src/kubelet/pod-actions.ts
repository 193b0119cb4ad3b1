import type { Container, Pod } from '../api/objects.ts';
import { hasChanged } from './container/container-hash.ts';
import { restartsOnFailure, shouldStart } from './container/container-restart.ts';
import { planInitContainers } from './init-actions.ts';
import { isHostNetwork } from './pod-identity.ts';
import type { ProbeResult } from './probes/prober.ts';
import { latestContainer } from './runtime/runtime-pod.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';

export type KillReason = 'startupProbe' | 'livenessProbe' | 'unknown' | 'changed';

/** A container to be killed, and the text of its Killing event. */
export interface ContainerKill {
  readonly containerId: string;
  readonly name: string;
  readonly message: string;
  readonly reason: KillReason;
}

/** What to do so that the runtime has what the pod's spec says. Indexes are into the spec's lists. */
export interface PodActions {
  /** Kill everything that runs, the sandbox too. */
  killPod: boolean;
  createSandbox: boolean;
  /** The sandbox to use; empty when a new one is to be made or none can be. */
  sandboxId: string;
  /** Of the sandbox, the new one's when it is to be made. */
  attempt: number;
  initContainersToStart: number[];
  containersToStart: number[];
  ephemeralContainersToStart: number[];
  containersToKill: ContainerKill[];
}

/** The last probe result of a running container; undefined while there is none. */
export type ProbeLookup = (kind: 'liveness' | 'startup', containerId: string) => ProbeResult | undefined;

/** Whether the pod needs a new sandbox, and its attempt number (upstream PodSandboxChanged). */
export function sandboxChange(pod: Pod, runtimePod: RuntimePod): { changed: boolean; attempt: number; id: string } {
  const [latest] = runtimePod.sandboxes;
  if (latest === undefined) return { changed: true, attempt: 0, id: '' };
  const { attempt } = latest.metadata;
  const ready = runtimePod.sandboxes.filter((one) => one.state === 'ready');
  if (ready.length > 1 || latest.state !== 'ready') return { changed: true, attempt: attempt + 1, id: latest.id };
  if (latest.isHostNetwork !== isHostNetwork(pod)) return { changed: true, attempt: attempt + 1, id: '' };
  if (!isHostNetwork(pod) && latest.ips.length === 0) return { changed: true, attempt: attempt + 1, id: latest.id };
  return { changed: false, attempt, id: latest.id };
}

/** What to do for a pod that should run (upstream computePodActions). */
export function computePodActions(pod: Pod, runtimePod: RuntimePod, probes: ProbeLookup): PodActions {
  const change = sandboxChange(pod, runtimePod);
  const actions: PodActions = {
    killPod: change.changed,
    createSandbox: change.changed,
    sandboxId: change.id,
    attempt: change.attempt,
    initContainersToStart: [],
    containersToStart: [],
    ephemeralContainersToStart: [],
    containersToKill: [],
  };
  if (change.changed) {
    planNewSandbox(pod, runtimePod, actions);
    return actions;
  }
  actions.ephemeralContainersToStart = (pod.spec?.ephemeralContainers ?? []).flatMap(({ name }, index) =>
    latestContainer(runtimePod, name) === undefined ? [index] : [],
  );
  const isInitialized = planInitContainers(pod, runtimePod, probes, actions);
  if (!actions.killPod && isInitialized) planContainers(pod, runtimePod, probes, actions);
  return actions;
}

/** Everything starts from the beginning, but what succeeded and shall run only once. */
function planNewSandbox(pod: Pod, runtimePod: RuntimePod, actions: PodActions): void {
  const containers = pod.spec?.containers ?? [];
  // Ended for good: no new sandbox only to end again.
  if (!restartsAny(pod) && actions.attempt !== 0 && runtimePod.containers.length > 0) {
    actions.createSandbox = false;
    return;
  }
  const toStart = containers.flatMap((container, index) => {
    const policy = container.restartPolicy ?? pod.spec?.restartPolicy;
    const status = latestContainer(runtimePod, container.name);
    const hasSucceeded = status?.state === 'exited' && status.exitCode === 0;
    return policy === 'OnFailure' && hasSucceeded ? [] : [index];
  });
  const wasInitialized = containers.some(({ name }) => {
    const state = latestContainer(runtimePod, name)?.state;
    return state !== undefined && state !== 'unknown';
  });
  if (toStart.length === 0 && wasInitialized) {
    actions.createSandbox = false;
    return;
  }
  if ((pod.spec?.initContainers ?? []).length > 0) actions.initContainersToStart = [0];
  else actions.containersToStart = toStart;
}

function restartsAny(pod: Pod): boolean {
  return restartsOnFailure(pod) || (pod.spec?.containers ?? []).some((one) => restartsOnFailure(pod, one));
}

function planContainers(pod: Pod, runtimePod: RuntimePod, probes: ProbeLookup, actions: PodActions): void {
  let keepCount = 0;
  for (const [index, container] of (pod.spec?.containers ?? []).entries()) {
    const status = latestContainer(runtimePod, container.name);
    if (status === undefined || status.state !== 'running') {
      if (!shouldStart(pod, container, runtimePod)) continue;
      actions.containersToStart.push(index);
      // It may run after all: two of it must not.
      if (status?.state === 'unknown') actions.containersToKill.push(unknownKill('Container', status.id, container));
      continue;
    }
    const kill = killOfRunning(container, status, probes);
    if (kill === undefined) {
      keepCount += 1;
      continue;
    }
    const isRestarted = kill.reason === 'changed' || restartsOnFailure(pod, container);
    if (isRestarted) actions.containersToStart.push(index);
    actions.containersToKill.push(isRestarted ? { ...kill, message: `${kill.message}, will be restarted` } : kill);
  }
  if (keepCount > 0 || actions.containersToStart.length > 0) return;
  actions.killPod = true;
  actions.initContainersToStart = []; // sidecars must not keep the pod alive
}

function killOfRunning(
  container: Container,
  status: { readonly id: string; readonly annotations: Readonly<Record<string, string>> },
  probes: ProbeLookup,
): ContainerKill | undefined {
  const { name } = container;
  const containerId = status.id;
  if (hasChanged(container, status.annotations))
    return { containerId, name, reason: 'changed', message: `Container ${name} definition changed` };
  if (probes('liveness', containerId) === 'failure')
    return { containerId, name, reason: 'livenessProbe', message: `Container ${name} failed liveness probe` };
  if (probes('startup', containerId) === 'failure')
    return { containerId, name, reason: 'startupProbe', message: `Container ${name} failed startup probe` };
  return undefined;
}

function unknownKill(what: string, containerId: string, { name }: Container): ContainerKill {
  const message = `${what} is in "unknown" state, try killing it before restart`;
  return { containerId, name, reason: 'unknown', message };
}
