import { isDeepStrictEqual } from 'node:util';
import { controllerRefOf, isDeleting } from '../api/object-facts.ts';
import type { Pod, ReplicaSet, ReplicaSetStatus } from '../api/objects.ts';
import { isPodActive } from '../api/pod-facts.ts';
import { matchesLabels, selectorOf } from '../api/selector.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import type { Informer } from '../client/informer.ts';
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
  const recorder = context.recorder('replicaset-controller');
  const sync = new ReplicaSetSync(context, recorder);
  const controller = queuedController({
    name: 'replicaset',
    context,
    workers: 5,
    needs: [sync.sets, sync.pods],
    connect: (queue) => sync.connect(queue),
    reconcile: async (key, signal, queue) => sync.reconcile(key, signal, queue),
  });
  return { run: async (signal) => runTogether([controller, recorder], signal) };
};

/** What the controller remembers of its sets between one sync and the next. */
class ReplicaSetSync {
  readonly sets: Informer<ReplicaSet>;
  readonly pods: Informer<Pod>;
  readonly #context: ControllerContext;
  readonly #recorder: EventRecorder;
  readonly #expectations: Expectations;
  readonly #writes: OwnWrites;

  constructor(context: ControllerContext, recorder: EventRecorder) {
    this.#context = context;
    this.#recorder = recorder;
    this.sets = context.informers.of(replicaSets, { controller: byControllerUid });
    this.pods = context.informers.of(pods, { controller: byControllerUid });
    this.#expectations = new Expectations(context.clock);
    this.#writes = new OwnWrites(context.clock);
  }

  connect(queue: WorkQueue): void {
    this.sets.onChange((before, now) => {
      const key = keyOf(now ?? before ?? {});
      this.#writes.saw(key, before, now);
      // What was expected for a set is not expected for its successor of the same name.
      if (now === undefined) this.#expectations.forget(key);
      queue.add(key);
    });
    this.pods.onChange((before, now) => this.#notePod(queue, before, now));
  }

  /** Queues the set whose pod came, changed or went, and the one that lost it; of a pod of nobody, those that may adopt it. */
  #notePod(queue: WorkQueue, before: Pod | undefined, now: Pod | undefined): void {
    const pod = now ?? before;
    if (pod === undefined) return;
    const set = this.#setOf(pod);
    if (set !== undefined) {
      const key = keyOf(set);
      if (before === undefined) this.#expectations.sawCreation(key);
      if (now === undefined || isDeleting(now)) this.#expectations.sawDeletion(key, pod.metadata?.uid ?? '');
      queue.add(key);
    } else if (controllerRefOf(pod) === undefined) {
      const sets = this.sets.lister.list(pod.metadata?.namespace);
      for (const orphanOf of setsMatching(sets, pod)) queue.add(keyOf(orphanOf));
    }
    const previous = before === undefined ? undefined : this.#setOf(before);
    if (previous !== undefined && previous !== set) queue.add(keyOf(previous));
  }

  /** The set that manages the pod, by uid: one of the same name may be a successor. */
  #setOf(pod: Pod): ReplicaSet | undefined {
    const reference = controllerRefOf(pod);
    if (reference?.kind !== REPLICA_SET.kind) return undefined;
    const set = this.sets.lister.get(pod.metadata?.namespace ?? '', reference.name);
    return set?.metadata?.uid === reference.uid ? set : undefined;
  }

  async reconcile(key: string, signal: AbortSignal, queue: WorkQueue): Promise<void> {
    const waitMs = this.#writes.waitMs(key);
    if (waitMs !== undefined) return queue.addAfter(key, waitMs);
    const { namespace, name } = splitKey(key);
    const set = this.sets.lister.get(namespace, name);
    if (set === undefined) return;
    const owned = await this.#claim(set, signal);
    const mayAct = this.#expectations.isMet(key) && !isDeleting(set);
    const parts = { context: this.#context, recorder: this.#recorder, expectations: this.#expectations };
    const failure = mayAct ? await managePods(parts, set, owned, signal) : undefined;
    const nowMs = this.#context.clock.nowMs();
    const { status, againInMs } = replicaSetStatus({ replicaSet: set, owned, failure, nowMs });
    await this.#writeStatus(set, status, signal);
    if (againInMs !== undefined) queue.addAfter(key, againInMs);
    if (failure !== undefined) throw new Error(failure.message);
  }

  async #claim(set: ReplicaSet, signal: AbortSignal): Promise<readonly Pod[]> {
    const { lister } = this.pods;
    const owned = lister.byIndex('controller', set.metadata?.uid ?? '');
    const orphans = lister.list(set.metadata?.namespace ?? '').filter((pod) => controllerRefOf(pod) === undefined);
    const claim = {
      client: this.#context.client,
      resource: pods,
      owner: set,
      ownerResource: replicaSets,
      isAdoptable: isPodActive,
      ownerRef: controllerRefTo(set, REPLICA_SET.apiVersion, REPLICA_SET.kind),
      selector: selectorOf(set.spec?.selector) ?? [],
      candidates: [...owned, ...orphans],
    };
    return claimObjects(claim, signal);
  }

  async #writeStatus(set: ReplicaSet, status: ReplicaSetStatus, signal: AbortSignal): Promise<void> {
    const zeros = { terminatingReplicas: 0, fullyLabeledReplicas: 0, readyReplicas: 0, availableReplicas: 0 };
    if (isDeepStrictEqual({ ...zeros, ...set.status }, { ...status })) return;
    const update = { ...set, ...REPLICA_SET, status } as ReplicaSet;
    const written = await this.#context.client.update(replicaSets, update, { subresource: 'status', signal });
    const { namespace = '', name = '' } = set.metadata ?? {};
    this.#writes.wrote(keyOf(set), written, this.sets.lister.get(namespace, name));
  }
}

function setsMatching(sets: readonly ReplicaSet[], pod: Pod): readonly ReplicaSet[] {
  return sets.filter((set) => {
    const selector = selectorOf(set.spec?.selector);
    return selector !== null && selector.length > 0 && matchesLabels(selector, pod.metadata?.labels);
  });
}
