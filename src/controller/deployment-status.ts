import type { Deployment, DeploymentCondition, DeploymentStatus, ReplicaSet } from '../api/objects.ts';
import { rfc3339 } from '../api/time.ts';
import { maxUnavailableOf } from './deployment-revision.ts';

/** A Deployment's status and conditions, with upstream's reasons and messages (pkg/controller/deployment/progress.go). Pure. */

interface Input {
  /** As it was read. */
  readonly deployment: Deployment;
  /** The same with what this sync has noted in its conditions. */
  readonly noted: Deployment;
  readonly newSet: ReplicaSet | undefined;
  readonly all: readonly ReplicaSet[];
  readonly nowMs: number;
  /** False while sizes alone change, and in a pause: then the progress of the rollout is not judged. */
  readonly isRollingOut: boolean;
}

type Conditions = readonly DeploymentCondition[];

function total(sets: readonly ReplicaSet[], of: (set: ReplicaSet) => number | undefined): number {
  return sets.reduce((sum, set) => sum + (of(set) ?? 0), 0);
}

/** The counts, without conditions. */
export function deploymentCounts({
  deployment,
  newSet,
  all,
}: Pick<Input, 'deployment' | 'newSet' | 'all'>): DeploymentStatus {
  const available = total(all, (set) => set.status?.availableReplicas);
  const wanted = total(all, (set) => set.spec?.replicas);
  const { collisionCount } = deployment.status ?? {};
  return {
    observedGeneration: deployment.metadata?.generation ?? 0,
    replicas: total(all, (set) => set.status?.replicas),
    updatedReplicas: newSet?.status?.replicas ?? 0,
    readyReplicas: total(all, (set) => set.status?.readyReplicas),
    availableReplicas: available,
    unavailableReplicas: Math.max(0, wanted - available),
    terminatingReplicas: total(all, (set) => set.status?.terminatingReplicas),
    ...(collisionCount === undefined ? {} : { collisionCount }),
  };
}

/** The status with its conditions, and in how long the progress deadline may pass. */
export function deploymentStatus(input: Input): {
  readonly status: DeploymentStatus;
  readonly againInMs: number | undefined;
} {
  const { deployment, noted, nowMs, isRollingOut } = input;
  const counts = deploymentCounts(input);
  const deadline = deployment.spec?.progressDeadlineSeconds ?? 0;
  const hasDeadline = hasProgressDeadline(deployment);
  let conditions: Conditions = noted.status?.conditions ?? [];
  conditions = setCondition(conditions, availableCondition(deployment, counts), nowMs);
  if (!hasDeadline) conditions = conditions.filter(({ type }) => type !== 'Progressing');
  else if (isRollingOut) conditions = withProgress(input, counts, conditions, deadline);
  conditions = withFailure(input, conditions);
  const progressing = conditions.find(({ type }) => type === 'Progressing');
  const isWaiting =
    hasDeadline &&
    isRollingOut &&
    progressing !== undefined &&
    progressing.reason !== 'NewReplicaSetAvailable' &&
    progressing.reason !== 'ProgressDeadlineExceeded';
  return {
    status: { ...counts, conditions: [...conditions] },
    againInMs: isWaiting ? Math.max(0, untilDeadlineMs(progressing, deadline, nowMs)) + 1000 : undefined,
  };
}

/** Whether its rollouts are on a clock; the greatest number stands for none (deployment_util.go). */
export function hasProgressDeadline({ spec }: Deployment): boolean {
  return spec?.progressDeadlineSeconds !== undefined && spec.progressDeadlineSeconds !== 2 ** 31 - 1;
}

/** All wanted replicas are of the new template and available, and no old one is left. */
export function isComplete(deployment: Deployment, counts: DeploymentStatus): boolean {
  const wanted = deployment.spec?.replicas ?? 1;
  return (
    counts.updatedReplicas === wanted &&
    counts.replicas === wanted &&
    counts.availableReplicas === wanted &&
    (counts.observedGeneration ?? 0) >= (deployment.metadata?.generation ?? 0)
  );
}

function isProgressing(before: DeploymentStatus | undefined, now: DeploymentStatus): boolean {
  const oldOf = (status: DeploymentStatus | undefined): number =>
    (status?.replicas ?? 0) - (status?.updatedReplicas ?? 0);
  return (
    (now.updatedReplicas ?? 0) > (before?.updatedReplicas ?? 0) ||
    oldOf(now) < oldOf(before) ||
    (now.readyReplicas ?? 0) > (before?.readyReplicas ?? 0) ||
    (now.availableReplicas ?? 0) > (before?.availableReplicas ?? 0)
  );
}

function withProgress(
  { deployment, newSet, nowMs }: Input,
  counts: DeploymentStatus,
  conditions: Conditions,
  deadline: number,
): Conditions {
  const current = conditions.find(({ type }) => type === 'Progressing');
  const what =
    newSet === undefined ? `Deployment "${deployment.metadata?.name}"` : `ReplicaSet "${newSet.metadata?.name}"`;
  const wasComplete = counts.replicas === counts.updatedReplicas && current?.reason === 'NewReplicaSetAvailable';
  if (wasComplete) return conditions;
  if (isComplete(deployment, counts))
    return setCondition(
      conditions,
      {
        type: 'Progressing',
        status: 'True',
        reason: 'NewReplicaSetAvailable',
        message: `${what} has successfully progressed.`,
      },
      nowMs,
    );
  if (isProgressing(deployment.status, counts)) {
    const condition = {
      type: 'Progressing',
      status: 'True',
      reason: 'ReplicaSetUpdated',
      message: `${what} is progressing.`,
    } as const;
    const rest = conditions.filter(({ type }) => type !== 'Progressing');
    const lastTransitionTime = current?.status === 'True' ? current.lastTransitionTime : undefined;
    return [...rest, stamped(condition, nowMs, lastTransitionTime)];
  }
  if (current !== undefined && hasTimedOut(deployment, current, deadline, nowMs))
    return setCondition(
      conditions,
      {
        type: 'Progressing',
        status: 'False',
        reason: 'ProgressDeadlineExceeded',
        message: `${what} has timed out progressing.`,
      },
      nowMs,
    );
  return conditions;
}

function hasTimedOut(deployment: Deployment, condition: DeploymentCondition, deadline: number, nowMs: number): boolean {
  if (condition.reason === 'NewReplicaSetAvailable' || deployment.spec?.paused === true) return false;
  if (condition.reason === 'ProgressDeadlineExceeded') return true;
  return untilDeadlineMs(condition, deadline, nowMs) <= 0;
}

function untilDeadlineMs(condition: DeploymentCondition, deadline: number, nowMs: number): number {
  return Date.parse(condition.lastUpdateTime ?? '') + deadline * 1000 - nowMs;
}

function availableCondition(
  deployment: Deployment,
  counts: DeploymentStatus,
): Omit<DeploymentCondition, 'lastUpdateTime'> {
  const minimum = (deployment.spec?.replicas ?? 1) - maxUnavailableOf(deployment);
  return (counts.availableReplicas ?? 0) >= minimum
    ? {
        type: 'Available',
        status: 'True',
        reason: 'MinimumReplicasAvailable',
        message: 'Deployment has minimum availability.',
      }
    : {
        type: 'Available',
        status: 'False',
        reason: 'MinimumReplicasUnavailable',
        message: 'Deployment does not have minimum availability.',
      };
}

/** What keeps a set from its pods is said on the deployment too. */
function withFailure({ newSet, all, nowMs }: Input, conditions: Conditions): Conditions {
  const sets = newSet === undefined ? all : [newSet, ...all];
  const failure = sets.flatMap((set) => set.status?.conditions ?? []).find(({ type }) => type === 'ReplicaFailure');
  if (failure === undefined) return conditions.filter(({ type }) => type !== 'ReplicaFailure');
  const { status, reason = '', message = '' } = failure;
  return setCondition(conditions, { type: 'ReplicaFailure', status, reason, message }, nowMs);
}

/** Adds or replaces a condition; one of the same status and reason stays as it is, times included (SetDeploymentCondition). */
export function setCondition(
  conditions: Conditions,
  condition: Omit<DeploymentCondition, 'lastUpdateTime' | 'lastTransitionTime'>,
  nowMs: number,
): Conditions {
  const before = conditions.find(({ type }) => type === condition.type);
  if (before?.status === condition.status && before.reason === condition.reason) return conditions;
  const kept = before?.status === condition.status ? before.lastTransitionTime : undefined;
  return [...conditions.filter(({ type }) => type !== condition.type), stamped(condition, nowMs, kept)];
}

function stamped(
  condition: Omit<DeploymentCondition, 'lastUpdateTime' | 'lastTransitionTime'>,
  nowMs: number,
  lastTransitionTime: string | undefined,
): DeploymentCondition {
  const now = rfc3339(nowMs);
  return { ...condition, lastUpdateTime: now, lastTransitionTime: lastTransitionTime ?? now };
}
