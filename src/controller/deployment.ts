import { isDeepStrictEqual } from 'node:util';
import { controllerRefOf, isDeleting } from '../api/object-facts.ts';
import type { Deployment, DeploymentCondition, Pod, ReplicaSet } from '../api/objects.ts';
import { selectorOf } from '../api/selector.ts';
import { isReason } from '../api/status.ts';
import { referenceTo } from '../client/event-recorder.ts';
import { deployments, pods, replicaSets } from '../client/resources.ts';
import { runTogether } from '../host/run-together.ts';
import { type CreateController, keyOf, queuedController, queueEach, splitKey } from './controller.ts';
import { byControllerUid, claimObjects, controllerRefTo } from './controller-ref.ts';
import {
  isScalingEvent,
  newSetReplicas,
  planCleanup,
  planRollingUpdate,
  planScale,
  type Scaling,
} from './deployment-plan.ts';
import {
  annotationsFor,
  findNewReplicaSet,
  isSameTemplate,
  replicaAnnotations,
  REVISION,
  TEMPLATE_HASH,
  templateHash,
} from './deployment-revision.ts';
import { deploymentCounts, deploymentStatus, isComplete, setCondition } from './deployment-status.ts';
import { isPodTerminal } from '../api/pod-facts.ts';

const API_VERSION = 'apps/v1';
const KIND = 'Deployment';

/** Rolls a Deployment's template out over ReplicaSets. */
export const createDeploymentController: CreateController = (context) => {
  const { client, clock } = context;
  const informer = context.informers.of(deployments);
  const sets = context.informers.of(replicaSets, { controller: byControllerUid });
  const podInformer = context.informers.of(pods, { controller: byControllerUid });
  const recorder = context.recorder('deployment-controller');

  const deploymentOf = (set: ReplicaSet): Deployment | undefined => {
    const reference = controllerRefOf(set);
    if (reference?.kind !== KIND) return undefined;
    const found = informer.lister.get(set.metadata?.namespace ?? '', reference.name);
    return found?.metadata?.uid === reference.uid ? found : undefined;
  };

  const controller = queuedController({
    name: 'deployment',
    context,
    workers: 5,
    needs: [informer, sets, podInformer],
    connect: (queue) => {
      queueEach(informer, queue);
      sets.onChange((before, now) => {
        for (const set of [before, now]) {
          if (set === undefined) continue;
          const owner = deploymentOf(set);
          if (owner !== undefined) queue.add(keyOf(owner));
          else if (controllerRefOf(set) === undefined)
            for (const one of informer.lister.list(set.metadata?.namespace)) queue.add(keyOf(one));
        }
      });
      // A Recreate rollout goes on when the last old pod is gone.
      podInformer.onChange((before, now) => {
        if (now !== undefined || before === undefined) return;
        const reference = controllerRefOf(before);
        const set =
          reference === undefined ? undefined : sets.lister.get(before.metadata?.namespace ?? '', reference.name);
        const owner = set === undefined ? undefined : deploymentOf(set);
        if (owner !== undefined) queue.add(keyOf(owner));
      });
    },
    reconcile: async (key, signal, queue) => {
      const { namespace, name } = splitKey(key);
      const deployment = informer.lister.get(namespace, name);
      if (deployment === undefined) return;
      const againInMs = await reconcile(deployment, signal);
      if (againInMs !== undefined) queue.addAfter(key, againInMs);
    },
  });

  async function reconcile(deployment: Deployment, signal: AbortSignal): Promise<number | undefined> {
    const selector = selectorOf(deployment.spec?.selector) ?? [];
    if (selector.length === 0) {
      recorder.record(
        referenceTo(deployment, API_VERSION, KIND),
        'Warning',
        'SelectingAll',
        'This deployment is selecting all pods. A non-empty selector is required.',
      );
      return undefined;
    }
    const namespace = deployment.metadata?.namespace ?? '';
    const owned = await claimObjects(
      {
        client,
        resource: replicaSets,
        owner: deployment,
        ownerRef: controllerRefTo(deployment, API_VERSION, KIND),
        selector,
        candidates: sets.lister.list(namespace).filter((set) => {
          const reference = controllerRefOf(set);
          return reference === undefined || reference.uid === deployment.metadata?.uid;
        }),
      },
      signal,
    );
    const found = findNewReplicaSet(deployment, owned);
    const old = owned.filter((set) => set !== found);
    if (isDeleting(deployment)) return syncStatus(deployment, found, owned, signal);
    if (deployment.spec?.paused === true || isScalingEvent(deployment, owned)) {
      const newSet = found === undefined ? undefined : await ensureAnnotations(deployment, found, old, signal);
      await scale(deployment, planScale(deployment, newSet, old), signal);
      return syncStatus(deployment, newSet, newSet === undefined ? old : [...old, newSet], signal);
    }
    return deployment.spec?.strategy?.type === 'Recreate'
      ? recreate(deployment, found, old, signal)
      : rollingUpdate(deployment, found, old, signal);
  }

  async function rollingUpdate(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const newSet = await ensureNewSet(deployment, found, old, signal);
    if (newSet === undefined) return undefined; // a name was taken; the collision count has been raised
    const all = [...old, newSet];
    await scale(deployment, planRollingUpdate(deployment, newSet, old), signal);
    if (isComplete(deployment, deploymentCounts({ deployment, newSet, all }))) await cleanUp(deployment, old, signal);
    return syncStatus(deployment, newSet, all, signal);
  }

  async function recreate(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const live = old.filter((set) => (set.spec?.replicas ?? 0) > 0);
    const all = found === undefined ? old : [...old, found];
    if (live.length > 0) {
      await scale(
        deployment,
        live.map((set) => ({ set, replicas: 0 })),
        signal,
      );
      return syncStatus(deployment, found, all, signal);
    }
    const isOldRunning = old.some((set) => podsOf(set).some((pod) => !isPodTerminal(pod)));
    if (isOldRunning) return syncStatus(deployment, found, all, signal);
    const newSet = await ensureNewSet(deployment, found, old, signal);
    if (newSet === undefined) return undefined;
    const wanted = deployment.spec?.replicas ?? 1;
    if (newSet.spec?.replicas !== wanted) await scale(deployment, [{ set: newSet, replicas: wanted }], signal);
    if (isComplete(deployment, deploymentCounts({ deployment, newSet, all: [...old, newSet] })))
      await cleanUp(deployment, old, signal);
    return syncStatus(deployment, newSet, [...old, newSet], signal);
  }

  function podsOf(set: ReplicaSet): readonly Pod[] {
    return podInformer.lister.byIndex('controller', set.metadata?.uid ?? '');
  }

  /** The set of the present template, made if there is none. Undefined when its name is taken by a stranger. */
  async function ensureNewSet(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<ReplicaSet | undefined> {
    if (found !== undefined) return ensureAnnotations(deployment, found, old, signal);
    const hash = templateHash(deployment.spec?.template, deployment.status?.collisionCount ?? 0);
    const template = deployment.spec?.template;
    const labels = { ...template?.metadata?.labels, [TEMPLATE_HASH]: hash };
    const matchLabels = { ...deployment.spec?.selector?.matchLabels, [TEMPLATE_HASH]: hash };
    const set = {
      apiVersion: API_VERSION,
      kind: 'ReplicaSet',
      metadata: {
        namespace: deployment.metadata?.namespace ?? '',
        name: `${deployment.metadata?.name}-${hash}`,
        labels,
        annotations: annotationsFor(deployment, undefined, old),
        ownerReferences: [controllerRefTo(deployment, API_VERSION, KIND)],
      },
      spec: {
        replicas: newSetReplicas(deployment, undefined, old),
        minReadySeconds: deployment.spec?.minReadySeconds ?? 0,
        selector: { ...deployment.spec?.selector, matchLabels },
        template: { ...template, metadata: { ...template?.metadata, labels } },
      },
    } as ReplicaSet;
    const created = await createSet(deployment, set, signal);
    if (created === undefined) return undefined;
    await noteRevision(deployment, created.metadata?.annotations?.[REVISION], signal);
    return created;
  }

  async function createSet(
    deployment: Deployment,
    set: ReplicaSet,
    signal: AbortSignal,
  ): Promise<ReplicaSet | undefined> {
    const key = { namespace: set.metadata?.namespace ?? '', name: set.metadata?.name ?? '' };
    try {
      const created = await client.create(replicaSets, set, { signal });
      announce(deployment, created, 0, created.spec?.replicas ?? 0);
      return created;
    } catch (error) {
      if (!isReason(error, 'AlreadyExists')) throw error;
      const other = await client.get(replicaSets, key.namespace, key.name, { signal });
      const isOurs = controllerRefOf(other)?.uid === deployment.metadata?.uid;
      if (isOurs && isSameTemplate(other.spec?.template, deployment.spec?.template)) return other;
      const collisionCount = (deployment.status?.collisionCount ?? 0) + 1;
      await client.patch(
        deployments,
        { namespace: key.namespace, name: deployment.metadata?.name ?? '' },
        { type: 'merge', body: { status: { collisionCount } } },
        { subresource: 'status', signal },
      );
      return undefined;
    }
  }

  /** Keeps the new set's annotations, revision and minReadySeconds as the deployment wants them (also after a rollback). */
  async function ensureAnnotations(
    deployment: Deployment,
    set: ReplicaSet,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<ReplicaSet> {
    const annotations = { ...annotationsFor(deployment, set, old) };
    // Sizes are noted when scaling, not here: they say what the set was last scaled for.
    for (const key of Object.keys(replicaAnnotations(deployment))) {
      const present = set.metadata?.annotations?.[key];
      if (present === undefined) delete annotations[key];
      else annotations[key] = present;
    }
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    await noteRevision(deployment, annotations[REVISION], signal);
    if (
      isDeepStrictEqual(annotations, set.metadata?.annotations) &&
      (set.spec?.minReadySeconds ?? 0) === minReadySeconds
    )
      return set;
    const update = {
      ...set,
      metadata: { ...set.metadata, annotations },
      spec: { ...set.spec, minReadySeconds },
    } as ReplicaSet;
    return client.update(replicaSets, { ...update, apiVersion: API_VERSION, kind: 'ReplicaSet' }, { signal });
  }

  async function noteRevision(
    deployment: Deployment,
    revision: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (revision === undefined || deployment.metadata?.annotations?.[REVISION] === revision) return;
    const { namespace = '', name = '' } = deployment.metadata ?? {};
    const body = { metadata: { annotations: { [REVISION]: revision } } };
    await client.patch(deployments, { namespace, name }, { type: 'merge', body }, { signal });
  }

  async function scale(deployment: Deployment, scalings: readonly Scaling[], signal: AbortSignal): Promise<void> {
    for (const { set, replicas } of scalings) {
      const before = set.spec?.replicas ?? 1;
      const annotations = { ...set.metadata?.annotations, ...replicaAnnotations(deployment) };
      if (before === replicas && isDeepStrictEqual(annotations, set.metadata?.annotations)) continue;
      const update = {
        ...set,
        metadata: { ...set.metadata, annotations },
        spec: { ...set.spec, replicas },
      } as ReplicaSet;
      await client.update(replicaSets, { ...update, apiVersion: API_VERSION, kind: 'ReplicaSet' }, { signal });
      if (before !== replicas) announce(deployment, set, before, replicas);
    }
  }

  function announce(deployment: Deployment, set: ReplicaSet, before: number, after: number): void {
    const direction = after > before ? 'up' : 'down';
    recorder.record(
      referenceTo(deployment, API_VERSION, KIND),
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${set.metadata?.name} from ${before} to ${after}`,
    );
  }

  async function cleanUp(deployment: Deployment, old: readonly ReplicaSet[], signal: AbortSignal): Promise<void> {
    for (const set of planCleanup(deployment, old)) {
      const { namespace = '', name = '' } = set.metadata ?? {};
      await client.delete(replicaSets, { namespace, name }, { signal }).catch((error: unknown) => {
        if (!isReason(error, 'NotFound')) throw error;
      });
    }
  }

  async function syncStatus(
    deployment: Deployment,
    newSet: ReplicaSet | undefined,
    all: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<number | undefined> {
    const noted = withPause(withNewSet(deployment, newSet, clock.nowMs()), clock.nowMs());
    const { status, againInMs } = deploymentStatus({ deployment: noted, newSet, all, nowMs: clock.nowMs() });
    const zeros = {
      replicas: 0,
      updatedReplicas: 0,
      readyReplicas: 0,
      availableReplicas: 0,
      unavailableReplicas: 0,
      terminatingReplicas: 0,
    };
    if (!isDeepStrictEqual({ ...zeros, ...deployment.status }, { ...zeros, ...status })) {
      const update = { ...deployment, apiVersion: API_VERSION, kind: KIND, status } as Deployment;
      await client.update(deployments, update, { subresource: 'status', signal });
    }
    return againInMs;
  }

  return { run: async (signal) => runTogether([controller, recorder], signal) };
};

/**
 * The condition that starts the progress clock when the rollout of another set begins. Told by the condition's text,
 * which names its set: so nothing is lost when a sync ends between creating the set and saying so.
 */
function withNewSet(deployment: Deployment, newSet: ReplicaSet | undefined, nowMs: number): Deployment {
  const conditions = deployment.status?.conditions ?? [];
  const current = conditions.find(({ type }) => type === 'Progressing');
  const name = newSet?.metadata?.name;
  if (name === undefined || deployment.spec?.paused === true) return deployment;
  if (current?.reason === 'DeploymentPaused' || current?.reason === 'DeploymentResumed') return deployment;
  if (current?.message?.includes(`"${name}"`) === true) return deployment;
  const message = `Created new replica set "${name}"`;
  return withConditions(
    deployment,
    setCondition(conditions, { type: 'Progressing', status: 'True', reason: 'NewReplicaSetCreated', message }, nowMs),
  );
}

/** A pause stops the progress clock; resuming starts it anew. */
function withPause(deployment: Deployment, nowMs: number): Deployment {
  const conditions = deployment.status?.conditions ?? [];
  const current = conditions.find(({ type }) => type === 'Progressing');
  if (current?.reason === 'ProgressDeadlineExceeded') return deployment;
  const isPaused = current?.reason === 'DeploymentPaused';
  if (deployment.spec?.paused === true && !isPaused)
    return withConditions(
      deployment,
      setCondition(
        conditions,
        { type: 'Progressing', status: 'Unknown', reason: 'DeploymentPaused', message: 'Deployment is paused' },
        nowMs,
      ),
    );
  if (deployment.spec?.paused !== true && isPaused)
    return withConditions(
      deployment,
      setCondition(
        conditions,
        { type: 'Progressing', status: 'Unknown', reason: 'DeploymentResumed', message: 'Deployment is resumed' },
        nowMs,
      ),
    );
  return deployment;
}

function withConditions(deployment: Deployment, conditions: readonly DeploymentCondition[]): Deployment {
  return { ...deployment, status: { ...deployment.status, conditions: [...conditions] } };
}
