import type { Container, ContainerStatus, Pod, PodStatus } from '../../api/objects.ts';
import { isTerminalPhase } from '../../api/pod-facts.ts';
import { rfc3339 } from '../../api/time.ts';
import { containerStatuses } from './container-statuses.ts';
import type { StartFailure } from './container-statuses.ts';
import { podConditions, stampConditions } from './pod-conditions.ts';
import { isHostNetwork } from '../pod-identity.ts';
import { sandboxChange } from '../pod-actions.ts';
import { podPhase } from './pod-phase.ts';
import { applyProbes, applyProbesToInit } from './probe-status.ts';
import type { StatusProbes } from './probe-status.ts';
import { qosClass } from '../../api/qos-class.ts';
import { hasStartedRegular } from '../runtime/runtime-pod.ts';
import type { RuntimePod } from '../runtime/runtime-pod.ts';
import type { ResizeRefusal } from '../resize-allocation.ts';

/** Everything that a pod's status is made from. */
export interface StatusFacts {
  readonly pod: Pod;
  readonly runtimePod: RuntimePod;
  /** As last made here; before the first time, as the API has it. */
  readonly before: PodStatus;
  readonly failureOf: (container: string) => StartFailure | undefined;
  readonly probes: StatusProbes;
  /** No container will be started any more. */
  readonly isTerminal: boolean;
  /** The board's addresses, the primary one first. */
  readonly hostIps: readonly string[];
  readonly nowMs: number;
  readonly runtimeName: string;
  /** Why the pod does not have what its spec asks for. */
  readonly pendingResize?: ResizeRefusal;
  /** The runtime does not enforce yet what the pod was given. */
  readonly isResizing: boolean;
  /** An end that the kubelet itself decided (deadline, eviction, refused admission). */
  readonly verdict?: Pick<PodStatus, 'reason' | 'message'> & { readonly isDisruption?: boolean };
}

/** The pod's status as the API shall show it (upstream generateAPIPodStatus). */
export function podStatus(facts: StatusFacts): PodStatus {
  const { pod, runtimePod, before, nowMs } = facts;
  const spec = pod.spec;
  const of = (containers: readonly Container[], old: readonly ContainerStatus[], areInit: boolean): ContainerStatus[] =>
    containerStatuses({ ...facts, containers, before: old, areInit });
  const beforeMain = before.containerStatuses ?? [];
  const beforeInit = before.initContainerStatuses ?? [];
  const main = applyProbes(pod, of(spec?.containers ?? [], beforeMain, false), beforeMain, facts.probes);
  const init = applyProbesToInit(pod, of(spec?.initContainers ?? [], beforeInit, true), beforeInit, facts.probes);
  const ephemeral = of(spec?.ephemeralContainers ?? [], before.ephemeralContainerStatuses ?? [], false);
  const names = new Set((spec?.containers ?? []).map(({ name }) => name));
  const computed = podPhase(pod, [...main, ...init], {
    isTerminal: facts.isTerminal,
    hasInitialized: hasStartedRegular(runtimePod, names),
  });
  const phase = facts.verdict === undefined ? lastingPhase(computed, pod, before) : 'Failed';
  const status: PodStatus = {
    ...(pod.metadata?.generation === undefined ? {} : { observedGeneration: pod.metadata.generation }),
    phase,
    ...reasonOf(facts, phase),
    ...addresses(facts),
    startTime: before.startTime ?? rfc3339(nowMs),
    ...(init.length === 0 ? {} : { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length === 0 ? {} : { ephemeralContainerStatuses: ephemeral }),
    qosClass: pod.status?.qosClass ?? qosClass(pod),
  };
  const { pendingResize, isResizing } = facts;
  const conditions = podConditions({
    pod,
    status,
    hasSandbox: !sandboxChange(pod, runtimePod).changed,
    isResizing,
    ...(pendingResize === undefined ? {} : { pendingResize }),
  });
  const kept = keepDisruption(conditions, facts);
  return { ...status, conditions: stampConditions(kept, before.conditions ?? [], rfc3339(nowMs)) };
}

/** A phase that is an end is never left. */
function lastingPhase(
  computed: NonNullable<PodStatus['phase']>,
  pod: Pod,
  before: PodStatus,
): NonNullable<PodStatus['phase']> {
  for (const phase of [pod.status?.phase, before.phase]) if (isTerminalPhase(phase)) return phase;
  return computed;
}

function reasonOf(facts: StatusFacts, phase: PodStatus['phase']): Pick<PodStatus, 'reason' | 'message'> {
  if (facts.verdict !== undefined) {
    const { isDisruption: _, ...told } = facts.verdict;
    return told;
  }
  if (phase !== facts.before.phase) return {};
  const reason = facts.before.reason ?? facts.pod.status?.reason;
  const message = facts.before.message ?? facts.pod.status?.message;
  return { ...(reason === undefined ? {} : { reason }), ...(message === undefined ? {} : { message }) };
}

function addresses({ pod, runtimePod, hostIps }: StatusFacts): Partial<PodStatus> {
  const ips = isHostNetwork(pod) ? hostIps : runtimePod.ips;
  return {
    ...(hostIps.length === 0 ? {} : { hostIP: hostIps[0] ?? '', hostIPs: hostIps.map((ip) => ({ ip })) }),
    ...(ips.length === 0 ? {} : { podIP: ips[0] ?? '', podIPs: ips.map((ip) => ({ ip })) }),
  };
}

/** DisruptionTarget is set once, when the disruption comes, and must outlive each new status. */
function keepDisruption(
  conditions: NonNullable<PodStatus['conditions']>,
  { before, verdict }: StatusFacts,
): NonNullable<PodStatus['conditions']> {
  if (conditions.some(({ type }) => type === 'DisruptionTarget')) return conditions;
  const former = before.conditions?.find(({ type }) => type === 'DisruptionTarget');
  if (former !== undefined) return [...conditions, former];
  if (verdict?.isDisruption !== true) return conditions;
  const message = verdict.message === undefined ? {} : { message: verdict.message };
  return [...conditions, { type: 'DisruptionTarget', status: 'True', reason: 'TerminationByKubelet', ...message }];
}

/** A status for the time when all containers are gone for good: what has not ended is said to have (TerminatePod). */
export function terminatedStatus(status: PodStatus): PodStatus {
  const end = (one: ContainerStatus): ContainerStatus => {
    if (one.state?.terminated !== undefined) return one;
    // One that never started in a pod that never initialized shows as it is.
    if (one.state?.waiting !== undefined && one.lastState?.terminated === undefined && one.containerID === undefined)
      return one;
    const message = 'The container could not be located when the pod was terminated';
    const terminated = one.lastState?.terminated ?? { exitCode: 137, reason: 'ContainerStatusUnknown', message };
    return { ...one, state: { terminated }, ready: false, started: false };
  };
  const phase = isTerminalPhase(status.phase) ? status.phase : 'Failed';
  return {
    ...status,
    ...(phase === undefined ? {} : { phase }),
    ...(status.containerStatuses === undefined ? {} : { containerStatuses: status.containerStatuses.map(end) }),
    ...(status.initContainerStatuses === undefined
      ? {}
      : { initContainerStatuses: status.initContainerStatuses.map(end) }),
  };
}
