import { isDeepStrictEqual } from 'node:util';
import { controllerRefOf, isDeleting } from '../api/object-facts.ts';
import type { Deployment, ReplicaSet } from '../api/objects.ts';
import { isPodTerminal } from '../api/pod-facts.ts';
import { selectorOf } from '../api/selector.ts';
import { referenceTo } from '../client/event-recorder.ts';
import { deployments, pods, replicaSets } from '../client/resources.ts';
import type { WorkQueue } from '../client/work-queue.ts';
import { runTogether } from '../host/run-together.ts';
import { type ControllerContext, type CreateController, keyOf, queuedController, splitKey } from './controller.ts';
import { byControllerUid, claimObjects, controllerRefTo } from './controller-ref.ts';
import { isScalingEvent, planRollingUpdate, planScale } from './deployment-plan.ts';
import { notePause } from './deployment-progress.ts';
import { findNewReplicaSet } from './deployment-revision.ts';
import { DeploymentSets } from './deployment-sets.ts';
import { deploymentCounts, deploymentStatus, isComplete } from './deployment-status.ts';
import { OwnWrites } from './own-writes.ts';

const API_VERSION = 'apps/v1';
const KIND = 'Deployment';

/** Rolls a Deployment's template out over ReplicaSets. */
export const createDeploymentController: CreateController = (context) => {
  const writes = new OwnWrites(context.clock);
  const informer = context.informers.of(deployments);
  const sets = context.informers.of(replicaSets, { controller: byControllerUid });
  const podInformer = context.informers.of(pods, { controller: byControllerUid });
  const recorder = context.recorder('deployment-controller');
  const rollout = new Rollout(context, writes, recorder);

  const controller = queuedController({
    name: 'deployment',
    context,
    workers: 5,
    needs: [informer, sets, podInformer],
    connect: (queue) => connect(context, writes, queue),
    reconcile: async (key, signal, queue) => {
      const waitMs = writes.waitMs(key);
      if (waitMs !== undefined) return queue.addAfter(key, waitMs);
      const { namespace, name } = splitKey(key);
      const deployment = informer.lister.get(namespace, name);
      if (deployment === undefined) return;
      if ((selectorOf(deployment.spec?.selector) ?? []).length === 0)
        return recorder.record(
          referenceTo(deployment, API_VERSION, KIND),
          'Warning',
          'SelectingAll',
          'This deployment is selecting all pods. A non-empty selector is required.',
        );
      const againInMs = await rollout.sync(deployment, signal);
      if (againInMs !== undefined) queue.addAfter(key, againInMs);
    },
  });
  return { run: async (signal) => runTogether([controller, recorder], signal) };
};

/** Queues a Deployment for its own changes, those of its sets, and the end of its pods. */
function connect(context: ControllerContext, writes: OwnWrites, queue: WorkQueue): void {
  const { lister } = context.informers.of(deployments);
  const sets = context.informers.of(replicaSets);
  const deploymentOf = (set: ReplicaSet): Deployment | undefined => {
    const reference = controllerRefOf(set);
    if (reference?.kind !== KIND) return undefined;
    const found = lister.get(set.metadata?.namespace ?? '', reference.name);
    return found?.metadata?.uid === reference.uid ? found : undefined;
  };
  context.informers.of(deployments).onChange((before, now) => {
    const key = keyOf(now ?? before ?? {});
    writes.saw(key, before, now);
    queue.add(key);
  });
  sets.onChange((before, now) => {
    for (const set of [before, now]) {
      if (set === undefined) continue;
      const owner = deploymentOf(set);
      if (owner !== undefined) {
        writes.saw(keyOf(owner), before, now);
        queue.add(keyOf(owner));
      } else if (controllerRefOf(set) === undefined)
        for (const one of lister.list(set.metadata?.namespace)) queue.add(keyOf(one));
    }
  });
  // A Recreate rollout goes on when the last old pod is gone.
  context.informers.of(pods).onChange((before, now) => {
    if (now !== undefined || before === undefined) return;
    const reference = controllerRefOf(before);
    const set = reference === undefined ? undefined : sets.lister.get(before.metadata?.namespace ?? '', reference.name);
    const owner = set === undefined ? undefined : deploymentOf(set);
    if (owner !== undefined) queue.add(keyOf(owner));
  });
}

/** What a sync knows at its beginning. */
interface Start {
  /** As it was read. */
  readonly deployment: Deployment;
  /** The same with what a pause or its end has noted. */
  readonly noted: Deployment;
  /** The set of the present template, if there is one. */
  readonly found: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
}

/** What a sync knows when it comes to its end. */
interface Step {
  /** As it was read. */
  readonly deployment: Deployment;
  /** The same with the revision and the conditions that the sync has found out. */
  readonly noted: Deployment;
  readonly newSet: ReplicaSet | undefined;
  /** The new set first, if there is one. */
  readonly all: readonly ReplicaSet[];
}

/** One Deployment brought a step further; each step is taken in what the one before has written. */
class Rollout {
  readonly #context: ControllerContext;
  readonly #writes: OwnWrites;
  readonly #sets: DeploymentSets;

  constructor(context: ControllerContext, writes: OwnWrites, recorder: ReturnType<ControllerContext['recorder']>) {
    this.#context = context;
    this.#writes = writes;
    this.#sets = new DeploymentSets({
      client: context.client,
      recorder,
      nowMs: () => context.clock.nowMs(),
      wrote: (deployment, written) => this.#wrote(deployment, written),
    });
  }

  /** Gives in how long to look again because of time alone. */
  async sync(deployment: Deployment, signal: AbortSignal): Promise<number | undefined> {
    const owned = await this.#claim(deployment, signal);
    const found = findNewReplicaSet(deployment, owned);
    const old = owned.filter((set) => set !== found);
    if (isDeleting(deployment))
      return this.#writeStatus({ deployment, noted: deployment, newSet: found, all: owned }, false, signal);
    const noted = notePause(deployment, this.#context.clock.nowMs());
    const start = { deployment, noted, found, old };
    if (deployment.spec?.paused === true || isScalingEvent(deployment, owned)) return this.#resize(start, signal);
    if (deployment.spec?.strategy?.type === 'Recreate') return this.#recreate(start, signal);
    const ensured = await this.#sets.ensure(noted, found, old, signal);
    if (ensured === undefined) return undefined; // the collision count has changed: the next sync is on its way
    const plan = planRollingUpdate(deployment, ensured.set, old);
    const step = { deployment, noted: ensured.deployment, newSet: ensured.set, all: [ensured.set, ...old] };
    return this.#finish(step, plan, signal);
  }

  async #claim(deployment: Deployment, signal: AbortSignal): Promise<readonly ReplicaSet[]> {
    const { client, informers } = this.#context;
    const all = informers.of(replicaSets).lister.list(deployment.metadata?.namespace ?? '');
    return claimObjects(
      {
        client,
        resource: replicaSets,
        owner: deployment,
        ownerResource: deployments,
        ownerRef: controllerRefTo(deployment, API_VERSION, KIND),
        selector: selectorOf(deployment.spec?.selector) ?? [],
        candidates: all.filter((set) => {
          const reference = controllerRefOf(set);
          return reference === undefined || reference.uid === deployment.metadata?.uid;
        }),
      },
      signal,
    );
  }

  /** A paused Deployment, or one that was given another size, changes sizes and nothing else. */
  async #resize({ deployment, noted, found, old }: Start, signal: AbortSignal): Promise<number | undefined> {
    const annotated = found === undefined ? undefined : await this.#sets.annotate(noted, found, old, signal);
    const set = annotated?.set;
    const plan = planScale(deployment, set, old);
    const all = await this.#sets.scale(deployment, set === undefined ? old : [set, ...old], plan, signal);
    if (deployment.spec?.paused === true) await this.#sets.cleanUp(deployment, old, signal);
    const newSet = set === undefined ? undefined : all[0];
    return this.#writeStatus({ deployment, noted: annotated?.deployment ?? noted, newSet, all }, false, signal);
  }

  async #recreate({ deployment, noted, found, old }: Start, signal: AbortSignal): Promise<number | undefined> {
    const all = found === undefined ? old : [found, ...old];
    const live = old.filter((set) => (set.spec?.replicas ?? 0) > 0);
    const { lister } = this.#context.informers.of(pods);
    const isRunning = (set: ReplicaSet): boolean =>
      lister.byIndex('controller', set.metadata?.uid ?? '').some((pod) => !isPodTerminal(pod));
    if (live.length > 0 || old.some(isRunning)) {
      const down = live.map((set) => ({ set, replicas: 0 }));
      return this.#finish({ deployment, noted, newSet: found, all }, down, signal);
    }
    const ensured = await this.#sets.ensure(noted, found, old, signal);
    if (ensured === undefined) return undefined;
    const plan = [{ set: ensured.set, replicas: deployment.spec?.replicas ?? 1 }];
    const step = { deployment, noted: ensured.deployment, newSet: ensured.set, all: [ensured.set, ...old] };
    return this.#finish(step, plan, signal);
  }

  /** The end of a rollout's step: sizes, history, status. */
  async #finish(
    { deployment, noted, newSet, all }: Step,
    plan: ReturnType<typeof planRollingUpdate>,
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const scaled = await this.#sets.scale(deployment, all, plan, signal);
    const set = newSet === undefined ? undefined : scaled[0];
    const old = scaled.filter((one) => one !== set);
    if (set !== undefined && isComplete(deployment, deploymentCounts({ deployment, newSet: set, all: scaled })))
      await this.#sets.cleanUp(deployment, old, signal);
    return this.#writeStatus({ deployment, noted, newSet: set, all: scaled }, true, signal);
  }

  /** One write for status and revision, if either differs from what `deployment` was read with. */
  async #writeStatus(step: Step, isRollingOut: boolean, signal: AbortSignal): Promise<number | undefined> {
    const { deployment, noted } = step;
    const nowMs = this.#context.clock.nowMs();
    const { status, againInMs } = deploymentStatus({ ...step, nowMs, isRollingOut });
    const zeros = {
      replicas: 0,
      updatedReplicas: 0,
      readyReplicas: 0,
      availableReplicas: 0,
      unavailableReplicas: 0,
      terminatingReplicas: 0,
    };
    const isSame =
      noted.metadata === deployment.metadata &&
      isDeepStrictEqual({ ...zeros, ...deployment.status }, { ...zeros, ...status });
    if (isSame) return againInMs;
    const update = { ...noted, apiVersion: API_VERSION, kind: KIND, status } as Deployment;
    const options = { subresource: 'status', signal };
    this.#wrote(deployment, await this.#context.client.update(deployments, update, options));
    return againInMs;
  }

  #wrote(deployment: Deployment, written: ReplicaSet | Deployment): void {
    const { namespace = '', name = '', uid } = written.metadata ?? {};
    const isSelf = uid === deployment.metadata?.uid;
    const { informers } = this.#context;
    const cached = isSelf
      ? informers.of(deployments).lister.get(namespace, name)
      : informers.of(replicaSets).lister.get(namespace, name);
    this.#writes.wrote(keyOf(deployment), written, cached);
  }
}
