import { errorText } from '../api/error-text.ts';
import { controllerRefOf } from '../api/object-facts.ts';
import type { Pod, ReplicaSet } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import { type EventRecorder, referenceTo } from '../client/event-recorder.ts';
import { pods, replicaSets } from '../client/resources.ts';
import { type ControllerContext, keyOf } from './controller.ts';
import { controllerRefTo } from './controller-ref.ts';
import { createPodFrom, slowStart } from './create-pods.ts';
import type { Expectations } from './expectations.ts';
import { isNamespaceTerminating } from './namespace-terminating.ts';
import { planReplicaSet, type ReplicaSetFailure } from './replica-set-plan.ts';

/** How a ReplicaSet names its kind in references. */
export const REPLICA_SET = { apiVersion: 'apps/v1', kind: 'ReplicaSet' } as const;

interface Parts {
  readonly context: ControllerContext;
  readonly recorder: EventRecorder;
  readonly expectations: Expectations;
}

/**
 * Creates the pods that a set lacks or deletes those it has too many of; what is on its way is expected, so that the next
 * sync waits for the cache to show it. Gives what people are to be told of a failure. @throws what says nothing yet
 */
export async function managePods(
  parts: Parts,
  set: ReplicaSet,
  owned: readonly Pod[],
  signal: AbortSignal,
): Promise<ReplicaSetFailure | undefined> {
  const plan = planReplicaSet(set, owned, parts.context.clock.nowMs(), relatedPods(parts.context, set, owned));
  if (plan.create > 0) return createMissing(parts, set, plan.create, signal);
  return plan.delete.length === 0 ? undefined : deleteSurplus(parts, set, plan.delete, signal);
}

/** The pods of all sets that have the same owner: in the middle of a rollout old and new ones crowd on nodes together. */
function relatedPods({ informers }: ControllerContext, set: ReplicaSet, owned: readonly Pod[]): readonly Pod[] {
  const owner = controllerRefOf(set);
  if (owner === undefined) return owned;
  const siblings = informers.of(replicaSets).lister.byIndex('controller', owner.uid);
  const { lister } = informers.of(pods);
  return siblings.flatMap((one) =>
    one.metadata?.uid === set.metadata?.uid ? owned : lister.byIndex('controller', one.metadata?.uid ?? ''),
  );
}

async function createMissing(
  { context, recorder, expectations }: Parts,
  set: ReplicaSet,
  count: number,
  signal: AbortSignal,
): Promise<ReplicaSetFailure | undefined> {
  const key = keyOf(set);
  const about = referenceTo(set, REPLICA_SET.apiVersion, REPLICA_SET.kind);
  const ownerRef = controllerRefTo(set, REPLICA_SET.apiVersion, REPLICA_SET.kind);
  expectations.expectCreations(key, count);
  const { done, error } = await slowStart(count, async () => {
    const pod = await createPodFrom(context.client, set.spec?.template, set, ownerRef, signal);
    recorder.record(about, 'Normal', 'SuccessfulCreate', `Created pod: ${pod.metadata?.name}`);
  });
  for (let missing = count - done; missing > 0; missing -= 1) expectations.sawCreation(key);
  if (error === undefined || isNamespaceTerminating(error)) return undefined;
  // Without an answer it may have been created or not: nothing to tell people yet, but to be looked at again.
  if (isReason(error, 'Timeout') || isReason(error, 'ServiceUnavailable')) throw error;
  recorder.record(about, 'Warning', 'FailedCreate', `Error creating: ${error.message}`);
  return { reason: 'FailedCreate', message: error.message };
}

async function deleteSurplus(
  { context, recorder, expectations }: Parts,
  set: ReplicaSet,
  surplus: readonly Pod[],
  signal: AbortSignal,
): Promise<ReplicaSetFailure | undefined> {
  const key = keyOf(set);
  const about = referenceTo(set, REPLICA_SET.apiVersion, REPLICA_SET.kind);
  expectations.expectDeletions(
    key,
    surplus.map((pod) => pod.metadata?.uid ?? ''),
  );
  const failures = await Promise.all(
    surplus.map(async (pod): Promise<ReplicaSetFailure | undefined> => {
      const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
      try {
        await context.client.delete(pods, { namespace, name }, { preconditions: { uid }, signal });
        recorder.record(about, 'Normal', 'SuccessfulDelete', `Deleted pod: ${name}`);
        return undefined;
      } catch (error) {
        expectations.sawDeletion(key, uid);
        if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return undefined;
        const message = errorText(error);
        recorder.record(about, 'Warning', 'FailedDelete', `Error deleting: ${message}`);
        return { reason: 'FailedDelete', message };
      }
    }),
  );
  return failures.find((failure) => failure !== undefined);
}
