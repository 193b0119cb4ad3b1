import { conditionOf } from '../api/condition.ts';
import { isDeleting } from '../api/object-facts.ts';
import type { Pod, ReplicaSet, ReplicaSetCondition, ReplicaSetStatus } from '../api/objects.ts';
import { matchesLabels, selectorOfMap } from '../api/selector.ts';
import { rfc3339 } from '../api/time.ts';
import { isPodActive, isPodReady, untilAvailableMs } from '../api/pod-facts.ts';

/** Pods to create or to delete, never both. */
export interface ReplicaSetPlan {
  readonly create: number;
  readonly delete: readonly Pod[];
}

/** Creations or deletions of one sync; the rest follows in the next (upstream's BurstReplicas). */
const BURST = 500;

/**
 * What to change so that `owned` matches `replicaSet`. Pods that serve nobody go first.
 * @param related the pods of all sets of the same owner, these among them: how they crowd on nodes decides, too
 */
export function planReplicaSet(
  replicaSet: ReplicaSet,
  owned: readonly Pod[],
  nowMs: number,
  related: readonly Pod[] = owned,
): ReplicaSetPlan {
  const active = owned.filter(isPodActive);
  const surplus = active.length - (replicaSet.spec?.replicas ?? 1);
  if (surplus <= 0) return { create: Math.min(-surplus, BURST), delete: [] };
  const count = Math.min(surplus, BURST);
  return { create: 0, delete: leastWantedFirst(active, nowMs, related).slice(0, count) };
}

const PHASE_RANK: Record<string, number> = { Pending: 0, Unknown: 1, Running: 2 };

/**
 * Pods in the order in which to give them up: unbound, pending, not ready, cheap by annotation, crowded on their node,
 * ready for a short time, often restarted, young (upstream's ActivePodsWithRanks; KEP-2255 for the cost).
 */
export function leastWantedFirst(pods: readonly Pod[], nowMs: number, related: readonly Pod[] = pods): readonly Pod[] {
  const perNode = Map.groupBy(related.filter(isPodActive), (pod) => pod.spec?.nodeName ?? '');
  const rank = (pod: Pod): readonly number[] => [
    pod.spec?.nodeName === undefined || pod.spec.nodeName === '' ? 0 : 1,
    PHASE_RANK[pod.status?.phase ?? 'Pending'] ?? 1,
    isPodReady(pod) ? 1 : 0,
    deletionCost(pod),
    -(perNode.get(pod.spec?.nodeName ?? '')?.length ?? 0),
    logarithmicAge(conditionOf(pod, 'Ready')?.lastTransitionTime, nowMs),
    -Math.max(0, ...(pod.status?.containerStatuses ?? []).map((status) => status.restartCount)),
    logarithmicAge(pod.metadata?.creationTimestamp, nowMs),
  ];
  const ranked = pods.map((pod) => ({ pod, rank: rank(pod) }));
  ranked.sort(
    (a, b) => compareRanks(a.rank, b.rank) || ((a.pod.metadata?.uid ?? '') < (b.pod.metadata?.uid ?? '') ? -1 : 1),
  );
  return ranked.map(({ pod }) => pod);
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function deletionCost(pod: Pod): number {
  const cost = Number(pod.metadata?.annotations?.['controller.kubernetes.io/pod-deletion-cost'] ?? 0);
  return Number.isInteger(cost) ? cost : 0;
}

/** Ages of the same power of two count as equal (KEP-2185), so that the youngest are not always the victims. */
function logarithmicAge(time: string | undefined, nowMs: number): number {
  const ageMs = nowMs - Date.parse(time ?? '');
  return Number.isNaN(ageMs) || ageMs < 1 ? 0 : Math.floor(Math.log2(ageMs));
}

/** Why creating or deleting pods failed, as the condition ReplicaFailure says it. */
export interface ReplicaSetFailure {
  readonly reason: 'FailedCreate' | 'FailedDelete';
  readonly message: string;
}

interface StatusInput {
  readonly replicaSet: ReplicaSet;
  readonly owned: readonly Pod[];
  /** Of this sync. */
  readonly failure: ReplicaSetFailure | undefined;
  readonly nowMs: number;
}

/** The status that fits the pods, and in how long it may change by time alone (minReadySeconds). */
export function replicaSetStatus({ replicaSet, owned, failure, nowMs }: StatusInput): {
  readonly status: ReplicaSetStatus;
  readonly againInMs: number | undefined;
} {
  const active = owned.filter(isPodActive);
  const templateLabels = selectorOfMap(replicaSet.spec?.template?.metadata?.labels ?? {});
  const waits = active.map((pod) => untilAvailableMs(pod, replicaSet.spec?.minReadySeconds ?? 0, nowMs));
  const pending = waits.filter((wait) => wait !== undefined && wait > 0) as number[];
  const conditions = failureCondition(replicaSet.status?.conditions ?? [], failure, nowMs);
  return {
    status: {
      replicas: active.length,
      fullyLabeledReplicas: active.filter((pod) => matchesLabels(templateLabels, pod.metadata?.labels)).length,
      readyReplicas: active.filter(isPodReady).length,
      availableReplicas: waits.filter((wait) => wait === 0).length,
      terminatingReplicas: owned.filter(isDeleting).length,
      observedGeneration: replicaSet.metadata?.generation ?? 0,
      ...(conditions.length === 0 ? {} : { conditions }),
    },
    againInMs: pending.length === 0 ? undefined : Math.min(...pending),
  };
}

function failureCondition(
  conditions: readonly ReplicaSetCondition[],
  failure: StatusInput['failure'],
  nowMs: number,
): ReplicaSetCondition[] {
  const rest = conditions.filter(({ type }) => type !== 'ReplicaFailure');
  if (failure === undefined) return rest;
  const before = conditions.find(({ type }) => type === 'ReplicaFailure');
  if (before?.reason === failure.reason) return [...conditions];
  const lastTransitionTime = rfc3339(nowMs);
  return [...rest, { type: 'ReplicaFailure', status: 'True', lastTransitionTime, ...failure }];
}
