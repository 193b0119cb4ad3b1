import { isDeepStrictEqual } from 'node:util';
import { controllerRefOf, isDeleting } from '../api/object-facts.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../api/objects.ts';
import { isPodActive } from '../api/pod-facts.ts';
import { matchesLabels, selectorOf } from '../api/selector.ts';
import { pods, replicaSets } from '../client/resources.ts';
import type { WorkQueue } from '../client/work-queue.ts';
import { runTogether } from '../host/run-together.ts';
import { type ControllerContext, type CreateController, keyOf, queuedController, splitKey } from './controller.ts';
import { byControllerUid, claimObjects, controllerRefTo } from './controller-ref.ts';
import { Expectations } from './expectations.ts';
import { OwnWrites } from './own-writes.ts';
import { replicaSetStatus } from './replica-set-plan.ts';
import { managePods, REPLICA_SET } from './replica-set-pods.ts';

/** Keeps as many pods as each ReplicaSet asks for. */
export const createReplicaSetController: CreateController = (context) => {
  const sets = context.informers.of(replicaSets, { controller: byControllerUid });
  const podInformer = context.informers.of(pods, { controller: byControllerUid });
  const recorder = context.recorder('replicaset-controller');
  const expectations = new Expectations(context.clock);
  const writes = new OwnWrites(context.clock);

  /** The set that manages the pod, by uid: one of the same name may be a successor. */
  const setOf = (pod: Pod): ReplicaSet | undefined => {
    const reference = controllerRefOf(pod);
    if (reference?.kind !== REPLICA_SET.kind) return undefined;
    const set = sets.lister.get(pod.metadata?.namespace ?? '', reference.name);
    return set?.metadata?.uid === reference.uid ? set : undefined;
  };

  /** Queues the set whose pod came, changed or went, and the one that lost it; of a pod of nobody, those that may adopt it. */
  const notePod = (queue: WorkQueue, before: Pod | undefined, now: Pod | undefined): void => {
    const pod = now ?? before;
    if (pod === undefined) return;
    const set = setOf(pod);
    if (set !== undefined) {
      const key = keyOf(set);
      if (before === undefined) expectations.sawCreation(key);
      if (now === undefined || isDeleting(now)) expectations.sawDeletion(key, pod.metadata?.uid ?? '');
      queue.add(key);
    } else if (controllerRefOf(pod) === undefined) {
      for (const orphanOf of setsMatching(sets.lister.list(pod.metadata?.namespace), pod)) queue.add(keyOf(orphanOf));
    }
    const previous = before === undefined ? undefined : setOf(before);
    if (previous !== undefined && previous !== set) queue.add(keyOf(previous));
  };

  const controller = queuedController({
    name: 'replicaset',
    context,
    workers: 5,
    needs: [sets, podInformer],
    connect: (queue) => {
      sets.onChange((before, now) => {
        const key = keyOf(now ?? before ?? {});
        writes.saw(key, before, now);
        // What was expected for a set is not expected for its successor of the same name.
        if (now === undefined) expectations.forget(key);
        queue.add(key);
      });
      podInformer.onChange((before, now) => notePod(queue, before, now));
    },
    reconcile: async (key, signal, queue) => {
      const waitMs = writes.waitMs(key);
      if (waitMs !== undefined) return queue.addAfter(key, waitMs);
      const { namespace, name } = splitKey(key);
      const set = sets.lister.get(namespace, name);
      if (set === undefined) return;
      const owned = await claimObjects(
        {
          client: context.client,
          resource: pods,
          owner: set,
          ownerResource: replicaSets,
          isAdoptable: isPodActive,
          ownerRef: controllerRefTo(set, REPLICA_SET.apiVersion, REPLICA_SET.kind),
          selector: selectorOf(set.spec?.selector) ?? [],
          candidates: candidates(context, set),
        },
        signal,
      );
      const mayAct = expectations.isMet(key) && !isDeleting(set);
      const failure = mayAct ? await managePods({ context, recorder, expectations }, set, owned, signal) : undefined;
      const { status, againInMs } = replicaSetStatus({ replicaSet: set, owned, failure, nowMs: context.clock.nowMs() });
      await writeStatus(set, status, signal);
      if (againInMs !== undefined) queue.addAfter(key, againInMs);
      if (failure !== undefined) throw new Error(failure.message);
    },
  });

  async function writeStatus(set: ReplicaSet, status: ReplicaSetStatus, signal: AbortSignal): Promise<void> {
    const zeros = { terminatingReplicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
    if (isDeepStrictEqual({ ...zeros, ...set.status }, { ...status })) return;
    const update = { ...set, ...REPLICA_SET, status } as ReplicaSet;
    const written = await context.client.update(replicaSets, update, { subresource: 'status', signal });
    const { namespace = '', name = '' } = set.metadata ?? {};
    writes.wrote(keyOf(set), written, sets.lister.get(namespace, name));
  }

  return { run: async (signal) => runTogether([controller, recorder], signal) };
};

function setsMatching(sets: readonly ReplicaSet[], pod: Pod): readonly ReplicaSet[] {
  return sets.filter((set) => {
    const selector = selectorOf(set.spec?.selector);
    return selector !== null && selector.length > 0 && matchesLabels(selector, pod.metadata?.labels);
  });
}

/** Pods that are the set's, and pods of nobody. */
function candidates(context: ControllerContext, set: ReplicaSet): readonly Pod[] {
  const { lister } = context.informers.of(pods);
  const owned = lister.byIndex('controller', set.metadata?.uid ?? '');
  const orphans = lister.list(set.metadata?.namespace ?? '').filter((pod) => controllerRefOf(pod) === undefined);
  return [...owned, ...orphans];
}
