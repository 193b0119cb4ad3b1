import { isDeepStrictEqual } from 'node:util';
import { controllerRefOf } from '../api/object-facts.ts';
import type { Deployment, ReplicaSet } from '../api/objects.ts';
import { ignoring, isReason } from '../api/status.ts';
import type { ApiClient } from '../client/api-client.ts';
import { type EventRecorder, referenceTo } from '../client/event-recorder.ts';
import { deployments, replicaSets } from '../client/resources.ts';
import { controllerRefTo } from './controller-ref.ts';
import { newSetReplicas, planCleanup, type Scaling } from './deployment-plan.ts';
import { noteNewSet, noteSetFailure } from './deployment-progress.ts';
import {
  annotationsFor,
  isSameTemplate,
  replicaAnnotations,
  REVISION,
  TEMPLATE_HASH,
  templateHash,
} from './deployment-revision.ts';
import { isNamespaceTerminating } from './namespace-terminating.ts';

const API_VERSION = 'apps/v1';
const KIND = 'Deployment';

/** A Deployment as this sync will leave it: revision and conditions that are noted on it are written with its status. */
export interface NotedSet {
  readonly deployment: Deployment;
  readonly set: ReplicaSet;
}

/** What DeploymentSets writes with. */
export interface DeploymentSetsOptions {
  readonly client: ApiClient;
  readonly recorder: EventRecorder;
  /** Told of each object that was written. */
  readonly wrote: (deployment: Deployment, written: ReplicaSet | Deployment) => void;
  readonly nowMs: () => number;
}

/** The writes to a Deployment's ReplicaSets. */
export class DeploymentSets {
  readonly #options: DeploymentSetsOptions;

  constructor(options: DeploymentSetsOptions) {
    this.#options = options;
  }

  /**
   * The set of the present template, made if there is none. Undefined when its name is taken by a stranger: the collision
   * count has been raised, and the next sync tries another name.
   */
  async ensure(
    deployment: Deployment,
    found: ReplicaSet | undefined,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<NotedSet | undefined> {
    if (found !== undefined) return this.annotate(deployment, found, old, signal);
    const wanted = newReplicaSet(deployment, old);
    const { client, wrote, nowMs } = this.#options;
    try {
      const set = await client.create(replicaSets, wanted, { signal });
      wrote(deployment, set);
      this.#announce(deployment, set, 0, set.spec?.replicas ?? 0);
      return { deployment: noteNewSet(withRevision(deployment, set), set, true, nowMs()), set };
    } catch (error) {
      if (isReason(error, 'AlreadyExists')) return this.#resolveCollision(deployment, wanted, signal);
      if (!isNamespaceTerminating(error)) await this.#reportFailure(deployment, wanted, error, signal);
      throw error;
    }
  }

  /** Keeps a set's annotations, revision and minReadySeconds as the deployment wants them (also after a rollback). */
  async annotate(
    deployment: Deployment,
    set: ReplicaSet,
    old: readonly ReplicaSet[],
    signal: AbortSignal,
  ): Promise<NotedSet> {
    const annotations = { ...annotationsFor(deployment, set, old) };
    // Sizes are noted when scaling, not here: they say what the set was last scaled for.
    for (const key of Object.keys(replicaAnnotations(deployment))) {
      const present = set.metadata?.annotations?.[key];
      if (present === undefined) delete annotations[key];
      else annotations[key] = present;
    }
    const minReadySeconds = deployment.spec?.minReadySeconds ?? 0;
    const isAsWanted =
      isDeepStrictEqual(annotations, { ...set.metadata?.annotations }) &&
      (set.spec?.minReadySeconds ?? 0) === minReadySeconds;
    const now = isAsWanted
      ? set
      : await this.#update(
          deployment,
          {
            ...set,
            metadata: { ...set.metadata, annotations },
            spec: { ...set.spec, minReadySeconds },
          } as ReplicaSet,
          signal,
        );
    return { deployment: noteNewSet(withRevision(deployment, now), now, false, this.#options.nowMs()), set: now };
  }

  /** Gives all sets as they are then. */
  async scale(
    deployment: Deployment,
    all: readonly ReplicaSet[],
    scalings: readonly Scaling[],
    signal: AbortSignal,
  ): Promise<readonly ReplicaSet[]> {
    const scaled = new Map<ReplicaSet, ReplicaSet>();
    for (const { set, replicas } of scalings) {
      const before = set.spec?.replicas ?? 1;
      const annotations = { ...set.metadata?.annotations, ...replicaAnnotations(deployment) };
      if (before === replicas && isDeepStrictEqual(annotations, { ...set.metadata?.annotations })) continue;
      const update = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
      scaled.set(set, await this.#update(deployment, update as ReplicaSet, signal));
      if (before !== replicas) this.#announce(deployment, set, before, replicas);
    }
    return all.map((set) => scaled.get(set) ?? set);
  }

  /** Deletes what the history need not keep; gives the rest. */
  async cleanUp(deployment: Deployment, old: readonly ReplicaSet[], signal: AbortSignal): Promise<void> {
    for (const set of planCleanup(deployment, old)) {
      const { namespace = '', name = '', uid = '' } = set.metadata ?? {};
      await this.#options.client
        .delete(replicaSets, { namespace, name }, { preconditions: { uid }, signal })
        .catch(ignoring('NotFound', 'Conflict'));
    }
  }

  async #update(deployment: Deployment, set: ReplicaSet, signal: AbortSignal): Promise<ReplicaSet> {
    const { client, wrote } = this.#options;
    const typed: ReplicaSet = { ...set, apiVersion: API_VERSION, kind: 'ReplicaSet' };
    const written: ReplicaSet = await client.update(replicaSets, typed, { signal });
    wrote(deployment, written);
    return written;
  }

  /** A set of this name may be ours, created by a sync whose answer was lost; else the next hash is taken. */
  async #resolveCollision(
    deployment: Deployment,
    wanted: ReplicaSet,
    signal: AbortSignal,
  ): Promise<NotedSet | undefined> {
    const { client, wrote, nowMs } = this.#options;
    const namespace = wanted.metadata?.namespace ?? '';
    const set = await client.get(replicaSets, namespace, wanted.metadata?.name ?? '', { signal });
    const isOurs = controllerRefOf(set)?.uid === deployment.metadata?.uid;
    if (isOurs && isSameTemplate(set.spec?.template, deployment.spec?.template))
      return { deployment: noteNewSet(withRevision(deployment, set), set, true, nowMs()), set };
    const status = { ...deployment.status, collisionCount: (deployment.status?.collisionCount ?? 0) + 1 };
    const update = { ...deployment, apiVersion: API_VERSION, kind: KIND, status } as Deployment;
    wrote(deployment, await client.update(deployments, update, { subresource: 'status', signal }));
    return undefined;
  }

  async #reportFailure(deployment: Deployment, set: ReplicaSet, error: unknown, signal: AbortSignal): Promise<void> {
    const { client, recorder, wrote, nowMs } = this.#options;
    const why = error instanceof Error ? error.message : String(error);
    const message = `Failed to create new replica set "${set.metadata?.name}": ${why}`;
    recorder.record(referenceTo(deployment, API_VERSION, KIND), 'Warning', 'ReplicaSetCreateError', message);
    const noted = noteSetFailure(deployment, message, nowMs());
    if (noted === deployment) return;
    const update = { ...noted, apiVersion: API_VERSION, kind: KIND } as Deployment;
    // What is thrown is why the set could not be made; that this could not be said either adds nothing.
    await client.update(deployments, update, { subresource: 'status', signal }).then(
      (written) => wrote(deployment, written),
      () => undefined,
    );
  }

  #announce(deployment: Deployment, set: ReplicaSet, before: number, after: number): void {
    const direction = after > before ? 'up' : 'down';
    this.#options.recorder.record(
      referenceTo(deployment, API_VERSION, KIND),
      'Normal',
      'ScalingReplicaSet',
      `Scaled ${direction} replica set ${set.metadata?.name} from ${before} to ${after}`,
    );
  }
}

function newReplicaSet(deployment: Deployment, old: readonly ReplicaSet[]): ReplicaSet {
  const { template, selector, minReadySeconds = 0 } = deployment.spec ?? {};
  const hash = templateHash(template, deployment.status?.collisionCount ?? 0);
  const labels = { ...template?.metadata?.labels, [TEMPLATE_HASH]: hash };
  const matchLabels = { ...selector?.matchLabels, [TEMPLATE_HASH]: hash };
  return {
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
      minReadySeconds,
      selector: { ...selector, matchLabels },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

/** The deployment carries the revision of its present set. */
function withRevision(deployment: Deployment, set: ReplicaSet): Deployment {
  const revision = set.metadata?.annotations?.[REVISION];
  if (revision === undefined || deployment.metadata?.annotations?.[REVISION] === revision) return deployment;
  const annotations = { ...deployment.metadata?.annotations, [REVISION]: revision };
  return { ...deployment, metadata: { ...deployment.metadata, annotations } };
}
