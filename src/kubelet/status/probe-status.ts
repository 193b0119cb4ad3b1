import type { Container, ContainerStatus, Pod } from '../../api/objects.ts';
import { isSidecar } from '../pod-identity.ts';
import type { ProbeResult } from '../probes/prober.ts';

/** The last readiness or startup result of a container; undefined while there is none. */
export type StatusProbes = (kind: 'readiness' | 'startup', containerId: string) => ProbeResult | undefined;

/**
 * Sets `started` and `ready` from what runs and what the probes found (upstream prober UpdatePodStatus). Where no probe
 * has answered yet, as after a restart of the kubelet, a container that is the same as before keeps what it was.
 */
export function applyProbes(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  before: readonly ContainerStatus[],
  probes: StatusProbes,
): ContainerStatus[] {
  return statuses.map((status) => {
    const container = (pod.spec?.containers ?? []).find(({ name }) => name === status.name);
    if (container === undefined) return status;
    return applyTo(container, status, before, probes);
  });
}

/** The same for init containers: one that has succeeded is ready, a sidecar is ready as regular containers are. */
export function applyProbesToInit(
  pod: Pod,
  statuses: readonly ContainerStatus[],
  before: readonly ContainerStatus[],
  probes: StatusProbes,
): ContainerStatus[] {
  return statuses.map((status) => {
    const container = (pod.spec?.initContainers ?? []).find(({ name }) => name === status.name);
    if (container === undefined) return status;
    if (isSidecar(container)) return applyTo(container, status, before, probes);
    const ready = status.state?.terminated?.exitCode === 0;
    return { ...status, ready, started: status.state?.running !== undefined };
  });
}

function applyTo(
  container: Container,
  status: ContainerStatus,
  before: readonly ContainerStatus[],
  probes: StatusProbes,
): ContainerStatus {
  if (status.state?.running === undefined) return { ...status, started: false, ready: false };
  const id = status.containerID?.replace(/^[^:]*:\/\//, '') ?? '';
  const former = before.find(({ containerID }) => containerID === status.containerID);
  const startup = probes('startup', id);
  const started =
    container.startupProbe === undefined || (startup === undefined ? former?.started === true : startup === 'success');
  const readiness = probes('readiness', id);
  const passes =
    container.readinessProbe === undefined ||
    (readiness === undefined ? former?.ready === true : readiness === 'success');
  return { ...status, started, ready: started && passes };
}
