import { conditionOf } from '../api/condition.ts';
import type { Deployment, DeploymentCondition, ReplicaSet } from '../api/objects.ts';
import { hasProgressDeadline, setCondition } from './deployment-status.ts';

/** What starts, stops and breaks a rollout's clock, noted as its Progressing condition (pkg/controller/deployment/sync.go). Pure. */

function withProgressing(
  deployment: Deployment,
  condition: Pick<DeploymentCondition, 'status' | 'reason' | 'message'>,
  nowMs: number,
): Deployment {
  const before = deployment.status?.conditions ?? [];
  const conditions = setCondition(before, { type: 'Progressing', ...condition }, nowMs);
  return conditions === before
    ? deployment
    : { ...deployment, status: { ...deployment.status, conditions: [...conditions] } };
}

/**
 * The rollout of another set begins. For a set that was there already this is told by the condition's text, which names
 * the set that it speaks of: so nothing is lost when a sync ends between creating a set and saying so, and a rollback
 * out of a rollout that has failed does not inherit its failure.
 */
export function noteNewSet(deployment: Deployment, set: ReplicaSet, isCreated: boolean, nowMs: number): Deployment {
  const name = set.metadata?.name ?? '';
  const current = conditionOf(deployment, 'Progressing');
  if (!hasProgressDeadline(deployment) || deployment.spec?.paused === true) return deployment;
  if (current?.reason === 'DeploymentPaused' || current?.reason === 'DeploymentResumed') return deployment;
  if (current?.message?.includes(`"${name}"`) === true) return deployment;
  const [reason, message] = isCreated
    ? ['NewReplicaSetCreated', `Created new replica set "${name}"`]
    : ['FoundNewReplicaSet', `Found new replica set "${name}"`];
  return withProgressing(deployment, { status: 'True', reason, message }, nowMs);
}

/** The set could not be created. */
export function noteSetFailure(deployment: Deployment, message: string, nowMs: number): Deployment {
  if (!hasProgressDeadline(deployment)) return deployment;
  return withProgressing(deployment, { status: 'False', reason: 'ReplicaSetCreateError', message }, nowMs);
}

/** A pause stops the progress clock; resuming starts it anew. */
export function notePause(deployment: Deployment, nowMs: number): Deployment {
  const current = conditionOf(deployment, 'Progressing');
  if (!hasProgressDeadline(deployment) || current?.reason === 'ProgressDeadlineExceeded') return deployment;
  const isPaused = current?.reason === 'DeploymentPaused';
  const [reason, message] =
    deployment.spec?.paused === true
      ? ['DeploymentPaused', 'Deployment is paused']
      : ['DeploymentResumed', 'Deployment is resumed'];
  if ((deployment.spec?.paused === true) === isPaused) return deployment;
  return withProgressing(deployment, { status: 'Unknown', reason, message }, nowMs);
}
