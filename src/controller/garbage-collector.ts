import type { KubeObject, OwnerReference } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { Resource } from '../client/api-client.ts';
import { createInformer, type Informer } from '../client/informer.ts';
import { createWorkQueue } from '../client/work-queue.ts';
import { runTogether } from '../host/run-together.ts';
import type { ControllerContext, CreateController } from './controller.ts';
import { discoverResources } from './discover-resources.ts';
import { FOREGROUND, type OwnedObject, OwnerGraph, type OwnerState, planGarbage } from './owner-graph.ts';

/** Kinds whose objects come and go in numbers and never own anything (upstream ignores Events too). */
const IGNORED = new Set(['events', 'events.events.k8s.io', 'leases.coordination.k8s.io']);
/** The API server may not serve yet when the controllers start. */
const DISCOVER_AGAIN_MS = 2_000;

/** Deletes what has lost its last owner, and carries out foreground and orphaning deletion. */
export const createGarbageCollector: CreateController = (context) => ({
  run: async (signal) => {
    const resources = await discover(context, signal);
    if (resources === undefined) return;
    await new Collector(context, resources).run(signal);
  },
});

async function discover(
  context: ControllerContext,
  signal: AbortSignal,
): Promise<readonly Resource<KubeObject>[] | undefined> {
  while (!signal.aborted) {
    try {
      const all = await discoverResources(context.client, signal);
      return all
        .filter(({ verbs }) => ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb)))
        .map(({ resource }) => resource)
        .filter(({ plural, group }) => !IGNORED.has(group === '' ? plural : `${plural}.${group}`));
    } catch (error) {
      if (!signal.aborted) context.log.debug('the garbage collector waits for discovery', { error });
    }
    await context.clock.sleepMs(DISCOVER_AGAIN_MS, signal).catch(() => undefined);
  }
  return undefined;
}

class Collector {
  readonly #context: ControllerContext;
  readonly #resources: readonly Resource<KubeObject>[];
  readonly #graph = new OwnerGraph();
  readonly #queue;

  constructor(context: ControllerContext, resources: readonly Resource<KubeObject>[]) {
    this.#context = context;
    this.#resources = resources;
    this.#queue = createWorkQueue({
      name: 'garbage-collector',
      clock: context.clock,
      log: context.log,
      maxDelayMs: 30_000,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const informers = this.#resources.map((resource) => this.#watch(resource));
    const work = {
      run: async (stop: AbortSignal) => {
        // An owner that is not listed yet would look like one that is gone.
        await Promise.all(informers.map(async (informer) => informer.synced(stop)));
        for (const uid of this.#graph.uids()) this.#queue.add(uid);
        await this.#queue.run(4, async (uid, inner) => this.#reconcile(uid, inner), stop);
      },
    };
    await runTogether([...informers, work], signal);
  }

  #watch(resource: Resource<KubeObject>): Informer<KubeObject> {
    const informer = createInformer(this.#context.client, resource, {
      transform: keepOwnership,
      log: this.#context.log,
    });
    informer.onChange((before, now) => {
      const uid = (now ?? before)?.metadata?.uid ?? '';
      const known = this.#graph.get(uid);
      if (now === undefined) this.#graph.remove(uid);
      else this.#graph.put(ownedObject(resource, now));
      if (now !== undefined) this.#queue.add(uid);
      // Who waits for this object, and who lives by it, is to be looked at again.
      const owners = now === undefined || now.metadata?.deletionTimestamp !== undefined ? (known?.owners ?? []) : [];
      for (const owner of owners) if (this.#graph.get(owner.uid)?.isDeleting === true) this.#queue.add(owner.uid);
      if (now === undefined) for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.uid);
    });
    return informer;
  }

  async #reconcile(uid: string, signal: AbortSignal): Promise<void> {
    const object = this.#graph.get(uid);
    if (object === undefined) return;
    const states = new Map<string, OwnerState>();
    if (!object.isDeleting)
      for (const owner of object.owners) states.set(owner.uid, await this.#stateOf(object, owner, signal));
    const plan = planGarbage(object, this.#graph.dependentsOf(uid), (owner) => states.get(owner.uid) ?? 'solid');
    switch (plan.act) {
      case 'nothing':
        return;
      case 'wait':
        plan.blocking.forEach((one) => this.#queue.add(one.uid));
        return;
      case 'release':
        return this.#dropFinalizer(object, plan.finalizer, signal);
      case 'orphan':
        for (const dependent of plan.dependents) await this.#dropOwners(dependent, [uid], signal);
        return this.#queue.addAfter(uid, 100);
      case 'dropOwners':
        return this.#dropOwners(object, plan.uids, signal);
      case 'delete':
        return this.#delete(object, plan.propagationPolicy, signal);
      default:
        plan satisfies never;
    }
  }

  /** An owner that the caches do not know is asked for, since caches of different kinds do not move together. */
  async #stateOf(object: OwnedObject, owner: OwnerReference, signal: AbortSignal): Promise<OwnerState> {
    const known = this.#graph.get(owner.uid);
    if (known !== undefined && (known.namespace === '' || known.namespace === object.namespace))
      return known.isDeleting && known.finalizers.includes(FOREGROUND) ? 'waiting' : 'solid';
    const [version = '', group = ''] = owner.apiVersion.split('/').toReversed();
    const resource = this.#resources.find(
      (one) => one.kind === owner.kind && one.group === group && one.version === version,
    );
    // Owners of kinds that nobody serves (any more) cannot be judged: keep what is theirs.
    if (resource === undefined) return 'solid';
    try {
      const namespace = resource.namespaced ? object.namespace : '';
      const live = await this.#context.client.get(resource, namespace, owner.name, { signal });
      return live.metadata?.uid === owner.uid ? 'solid' : 'dangling';
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'dangling';
      throw error;
    }
  }

  async #delete(
    object: OwnedObject,
    propagationPolicy: 'Background' | 'Foreground' | 'Orphan',
    signal: AbortSignal,
  ): Promise<void> {
    const { resource, namespace, name, uid } = object;
    this.#context.log.info('collecting', { kind: resource.kind, namespace, name, propagationPolicy });
    await this.#context.client
      .delete(resource, { namespace, name }, { propagationPolicy, preconditions: { uid }, signal })
      .catch(ignoreGone);
  }

  async #dropOwners(object: OwnedObject, uids: readonly string[], signal: AbortSignal): Promise<void> {
    const ownerReferences = object.owners.filter(({ uid }) => !uids.includes(uid));
    await this.#patch(object, { ownerReferences: ownerReferences.length === 0 ? null : ownerReferences }, signal);
  }

  async #dropFinalizer(object: OwnedObject, finalizer: string, signal: AbortSignal): Promise<void> {
    const finalizers = object.finalizers.filter((one) => one !== finalizer);
    await this.#patch(object, { finalizers: finalizers.length === 0 ? null : finalizers }, signal);
  }

  /** With the version that the change was made from, so that no one else's change is undone. */
  async #patch(object: OwnedObject, metadata: Record<string, unknown>, signal: AbortSignal): Promise<void> {
    const { resource, namespace, name, uid } = object;
    try {
      const live = await this.#context.client.get(resource, namespace, name, { signal });
      if (live.metadata?.uid !== uid) return;
      const now = ownedObject(resource, live);
      if (now.owners.length !== object.owners.length || now.finalizers.length !== object.finalizers.length)
        throw new Error(`${resource.kind} ${namespace}/${name} has changed since it was looked at`);
      const body = { metadata: { ...metadata, uid, resourceVersion: live.metadata?.resourceVersion } };
      await this.#context.client.patch(resource, { namespace, name }, { type: 'merge', body }, { signal });
    } catch (error) {
      ignoreGone(error);
    }
  }
}

function ignoreGone(error: unknown): void {
  if (!isReason(error, 'NotFound') && !isReason(error, 'Conflict')) throw error;
}

/** All that the collector needs of an object: this process keeps no Secret and no ConfigMap for its sake. */
function keepOwnership(object: KubeObject): KubeObject {
  const { uid, namespace, name, ownerReferences, finalizers, deletionTimestamp, resourceVersion } =
    object.metadata ?? {};
  return {
    metadata: {
      ...(uid === undefined ? {} : { uid }),
      ...(namespace === undefined ? {} : { namespace }),
      ...(name === undefined ? {} : { name }),
      ...(ownerReferences === undefined ? {} : { ownerReferences }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
    },
  };
}

function ownedObject(resource: Resource<KubeObject>, { metadata = {} }: KubeObject): OwnedObject {
  return {
    uid: metadata.uid ?? '',
    resource,
    namespace: metadata.namespace ?? '',
    name: metadata.name ?? '',
    owners: metadata.ownerReferences ?? [],
    finalizers: metadata.finalizers ?? [],
    isDeleting: metadata.deletionTimestamp !== undefined,
  };
}
