import type { ContainerStatus, Pod, PodCondition, PodStatus } from '../../api/objects.ts';
import type { ResizeRefusal } from '../resize-allocation.ts';
import { isSidecar } from '../pod-identity.ts';

/** Conditions that only the kubelet writes; all others in the API are kept as they are. */
const OWN = new Set([
  'PodScheduled',
  'Ready',
  'Initialized',
  'ContainersReady',
  'PodReadyToStartContainers',
  'PodResizePending',
  'PodResizeInProgress',
]);

/** What the conditions are made from. */
export interface ConditionFacts {
  readonly pod: Pod;
  /** Phase and container statuses as just made. */
  readonly status: PodStatus;
  /** Whether a sandbox with its network stands. */
  readonly hasSandbox: boolean;
  /** Why the pod does not have what its spec asks for. */
  readonly pendingResize?: ResizeRefusal;
  /** The runtime does not enforce yet what the pod was given. */
  readonly isResizing: boolean;
}

/** The pod's conditions, times not yet set: those of others, then the kubelet's (upstream status/generate.go). */
export function podConditions(facts: ConditionFacts): PodCondition[] {
  const { pod, status } = facts;
  const others = foreignConditions(pod.status?.conditions ?? []);
  const containersReady = containersReadyCondition(pod, status);
  const own: PodCondition[] = [
    { type: 'PodReadyToStartContainers', status: facts.hasSandbox ? 'True' : 'False' },
    initializedCondition(pod, status),
    readyCondition(pod, containersReady, others),
    containersReady,
    { type: 'PodScheduled', status: 'True' },
    ...(facts.pendingResize === undefined
      ? []
      : [{ type: 'PodResizePending', status: 'True', ...facts.pendingResize } as const]),
    ...(facts.isResizing ? [{ type: 'PodResizeInProgress', status: 'True' } as const] : []),
  ];
  const generation = pod.metadata?.generation;
  return [
    ...others,
    ...own.map((one) => (generation === undefined ? one : { ...one, observedGeneration: generation })),
  ];
}

/** Whether only the kubelet writes conditions of this type: one that it tells no more is to go. */
export function isOwnCondition(type: string): boolean {
  return OWN.has(type);
}

/** Those that others write. */
export function foreignConditions(conditions: readonly PodCondition[]): PodCondition[] {
  return conditions.filter(({ type }) => !OWN.has(type));
}

function goList(names: readonly string[]): string {
  return `[${names.join(' ')}]`;
}

function allStatuses(status: PodStatus): readonly ContainerStatus[] {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
}

function containersReadyCondition(pod: Pod, status: PodStatus): PodCondition {
  const type = 'ContainersReady';
  const statuses = allStatuses(status);
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar);
  const unknown: string[] = [];
  const unready: string[] = [];
  for (const { name } of [...sidecars, ...(pod.spec?.containers ?? [])]) {
    const one = statuses.find((status) => status.name === name);
    if (one === undefined) unknown.push(name);
    else if (!one.ready) unready.push(name);
  }
  if (status.phase === 'Succeeded' && unknown.length === 0) return { type, status: 'False', reason: 'PodCompleted' };
  if (status.phase === 'Failed') return { type, status: 'False', reason: 'PodFailed' };
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: ${goList(unknown)}`);
  if (unready.length > 0) messages.push(`containers with unready status: ${goList(unready)}`);
  if (messages.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotReady', message: messages.join(', ') };
}

function readyCondition(pod: Pod, containersReady: PodCondition, others: readonly PodCondition[]): PodCondition {
  if (containersReady.status !== 'True') return { ...containersReady, type: 'Ready' };
  const messages = (pod.spec?.readinessGates ?? []).flatMap(({ conditionType }) => {
    const condition = others.find(({ type }) => type === conditionType);
    if (condition === undefined)
      return [`corresponding condition of pod readiness gate "${conditionType}" does not exist.`];
    if (condition.status === 'True') return [];
    return [`the status of pod readiness gate "${conditionType}" is not "True", but ${condition.status}`];
  });
  if (messages.length === 0) return { type: 'Ready', status: 'True' };
  return { type: 'Ready', status: 'False', reason: 'ReadinessGatesNotReady', message: messages.join(', ') };
}

function initializedCondition(pod: Pod, status: PodStatus): PodCondition {
  const type = 'Initialized';
  const statuses = allStatuses(status);
  const unknown: string[] = [];
  const incomplete: string[] = [];
  for (const container of pod.spec?.initContainers ?? []) {
    const one = statuses.find(({ name }) => name === container.name);
    if (one === undefined) unknown.push(container.name);
    else if (isSidecar(container) ? one.started !== true : !one.ready) incomplete.push(container.name);
  }
  if (status.phase === 'Succeeded' && unknown.length === 0) return { type, status: 'True', reason: 'PodCompleted' };
  const hasStarted = (status.containerStatuses ?? []).some(
    ({ state }) => state?.running !== undefined || state?.terminated !== undefined,
  );
  if (hasStarted) return { type, status: 'True' };
  const messages: string[] = [];
  if (unknown.length > 0) messages.push(`containers with unknown status: ${goList(unknown)}`);
  if (incomplete.length > 0) messages.push(`containers with incomplete status: ${goList(incomplete)}`);
  if (messages.length === 0) return { type, status: 'True' };
  return { type, status: 'False', reason: 'ContainersNotInitialized', message: messages.join(', ') };
}

/** Sets lastTransitionTime: the former one where the status stayed, else `now`. */
export function stampConditions(
  conditions: readonly PodCondition[],
  before: readonly PodCondition[],
  now: string,
): PodCondition[] {
  return conditions.map((condition) => {
    const former = before.find(({ type }) => type === condition.type);
    const isSame = former?.status === condition.status && former.lastTransitionTime !== undefined;
    const { lastProbeTime } = condition;
    return {
      ...condition,
      ...(OWN.has(condition.type) ? { lastProbeTime: lastProbeTime ?? null } : {}),
      lastTransitionTime: isSame ? former.lastTransitionTime : now,
    } as PodCondition;
  });
}
