import type { Deployment, ReplicaSet } from '../api/objects.ts';
import { desiredReplicasOf, maxReplicasOf, maxSurgeOf, maxUnavailableOf, revisionOf } from './deployment-revision.ts';

/** A set and how many replicas it shall have from now on. */
export interface Scaling {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

function replicasOf(set: ReplicaSet): number {
  return set.spec?.replicas ?? 1;
}

function sum(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number): number {
  return sets.reduce((total, set) => total + of(set), 0);
}

function availableOf(set: ReplicaSet): number {
  return set.status?.availableReplicas ?? 0;
}

function byAge(sets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  return sets.toSorted((a, b) =>
    (a.metadata?.creationTimestamp ?? '').localeCompare(b.metadata?.creationTimestamp ?? ''),
  );
}

/** How many replicas the new set may have now: up to the surge, never beyond what is wanted (NewRSNewReplicas). */
export function newSetReplicas(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  all: readonly ReplicaSet[],
): number {
  const wanted = deployment.spec?.replicas ?? 1;
  if (deployment.spec?.strategy?.type === 'Recreate') return wanted;
  const present = newSet === undefined ? 0 : replicasOf(newSet);
  const room = wanted + maxSurgeOf(deployment) - sum(all, replicasOf);
  if (room <= 0) return present;
  return present + Math.min(room, wanted - present);
}

/**
 * One step of a rolling update: first the new set grows, in a later step old ones shrink, those pods first that are not
 * available anyway, and never below what must stay available. Empty when there is nothing to do now.
 */
export function planRollingUpdate(
  deployment: Deployment,
  newSet: ReplicaSet,
  oldSets: readonly ReplicaSet[],
): readonly Scaling[] {
  const all = [...oldSets, newSet];
  const wanted = deployment.spec?.replicas ?? 1;
  if (replicasOf(newSet) > wanted) return [{ set: newSet, replicas: wanted }];
  const grown = newSetReplicas(deployment, newSet, all);
  if (grown > replicasOf(newSet)) return [{ set: newSet, replicas: grown }];
  return planScaleDownOld(deployment, newSet, oldSets);
}

function planScaleDownOld(
  deployment: Deployment,
  newSet: ReplicaSet,
  oldSets: readonly ReplicaSet[],
): readonly Scaling[] {
  const active = byAge(oldSets.filter((set) => replicasOf(set) > 0));
  if (active.length === 0) return [];
  const all = [...active, newSet];
  const minAvailable = (deployment.spec?.replicas ?? 1) - maxUnavailableOf(deployment);
  const newUnavailable = replicasOf(newSet) - availableOf(newSet);
  let spare = sum(all, replicasOf) - minAvailable - newUnavailable;
  if (spare <= 0) return [];
  const target = new Map(active.map((set) => [set, replicasOf(set)]));
  for (const set of active) {
    const unhealthy = Math.min(spare, replicasOf(set) - availableOf(set));
    if (unhealthy <= 0) continue;
    target.set(set, replicasOf(set) - unhealthy);
    spare -= unhealthy;
  }
  let surplus = sum(all, availableOf) - minAvailable;
  for (const set of active) {
    const now = target.get(set) ?? 0;
    const down = Math.min(now, surplus);
    if (down <= 0) continue;
    target.set(set, now - down);
    surplus -= down;
  }
  return active
    .map((set) => ({ set, replicas: target.get(set) ?? 0 }))
    .filter(({ set, replicas }) => replicas !== replicasOf(set));
}

/** Whether the deployment was given another size since its sets were last scaled. */
export function isScalingEvent(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  const wanted = deployment.spec?.replicas ?? 1;
  return sets.some((set) => replicasOf(set) > 0 && (desiredReplicasOf(set) ?? wanted) !== wanted);
}

/**
 * A change of size alone: all on the one live set, or in the middle of a rollout in proportion to the sets' sizes, so that
 * the risk stays spread as it was.
 */
export function planScale(
  deployment: Deployment,
  newSet: ReplicaSet | undefined,
  oldSets: readonly ReplicaSet[],
): readonly Scaling[] {
  const wanted = deployment.spec?.replicas ?? 1;
  const all = newSet === undefined ? oldSets : [...oldSets, newSet];
  const active = all.filter((set) => replicasOf(set) > 0);
  const only = active.length === 1 ? active[0] : active.length === 0 ? (newSet ?? byAge(oldSets).at(-1)) : undefined;
  if (only !== undefined) return [{ set: only, replicas: wanted }];
  if (newSet !== undefined && availableOf(newSet) === wanted && replicasOf(newSet) === wanted)
    return oldSets.filter((set) => replicasOf(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (deployment.spec?.strategy?.type === 'Recreate') return [];
  return planProportions(deployment, active);
}

function planProportions(deployment: Deployment, active: readonly ReplicaSet[]): readonly Scaling[] {
  const wanted = deployment.spec?.replicas ?? 1;
  const allowed = wanted > 0 ? wanted + maxSurgeOf(deployment) : 0;
  let rest = allowed - sum(active, replicasOf);
  const growing = rest > 0;
  const ordered = active.toSorted(
    (a, b) =>
      replicasOf(b) - replicasOf(a) ||
      (growing ? 1 : -1) * (b.metadata?.creationTimestamp ?? '').localeCompare(a.metadata?.creationTimestamp ?? ''),
  );
  const scalings = ordered.map((set) => {
    const before = maxReplicasOf(set) ?? deployment.status?.replicas ?? allowed;
    const share = Math.round((replicasOf(set) * allowed) / Math.max(1, before)) - replicasOf(set);
    const part = growing ? Math.min(share, rest) : Math.max(share, rest);
    rest -= part;
    return { set, replicas: Math.max(0, replicasOf(set) + part) };
  });
  const [first] = scalings;
  if (first !== undefined) scalings[0] = { set: first.set, replicas: Math.max(0, first.replicas + rest) };
  return scalings;
}

/** Old empty sets beyond the history limit, those of the lowest revisions first: a rollback makes an old set young again. */
export function planCleanup(deployment: Deployment, oldSets: readonly ReplicaSet[]): readonly ReplicaSet[] {
  const limit = deployment.spec?.revisionHistoryLimit ?? 10;
  const kept = oldSets.filter((set) => set.metadata?.deletionTimestamp === undefined);
  const excess = kept.length - limit;
  if (excess <= 0) return [];
  return byAge(kept)
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .slice(0, excess)
    .filter(
      (set) =>
        replicasOf(set) === 0 &&
        (set.status?.replicas ?? 0) === 0 &&
        (set.metadata?.generation ?? 0) <= (set.status?.observedGeneration ?? 0),
    );
}
