import type { KubeObject, OwnerReference } from '../api/objects.ts';
import { ignoring, isReason } from '../api/status.ts';
import type { Resource } from '../client/api-client.ts';
import type { EventRecorder } from '../client/event-recorder.ts';
import { createWorkQueue } from '../client/work-queue.ts';
import { runTogether } from '../host/run-together.ts';
import type { ControllerContext, CreateController } from './controller.ts';
import { KindWatches, type KindObserver } from './kind-watches.ts';
import { FOREGROUND, type OwnedObject, OwnerGraph, type OwnerState, planGarbage } from './owner-graph.ts';

/** Kinds whose objects come and go in numbers and never own anything (upstream ignores Events too). */
const IGNORED = new Set(['events', 'events.events.k8s.io', 'leases.coordination.k8s.io']);
/** Owners known to be gone, so that a hundred objects of one owner ask after it once. */
const ABSENT_MAX = 500;

/** Deletes what has lost its last owner, and carries out foreground and orphaning deletion. */
export const createGarbageCollector: CreateController = (context) => ({
  run: async (signal) => {
    const recorder = context.recorder('garbage-collector-controller');
    await runTogether([recorder, new Collector(context, recorder)], signal);
  },
});

function canCollect({ plural, group }: Resource<KubeObject>, verbs: readonly string[]): boolean {
  if (IGNORED.has(group === '' ? plural : `${plural}.${group}`)) return false;
  return ['list', 'watch', 'delete'].every((verb) => verbs.includes(verb));
}

class Collector implements KindObserver {
  readonly #context: ControllerContext;
  readonly #kinds: KindWatches;
  readonly #graph = new OwnerGraph();
  readonly #recorder: EventRecorder;
  /** Uids of owners that were asked for and are not there; a uid never comes back. */
  readonly #absent = new Set<string>();
  readonly #queue;

  constructor(context: ControllerContext, recorder: EventRecorder) {
    this.#context = context;
    this.#recorder = recorder;
    this.#kinds = new KindWatches(context, { matters: canCollect, observer: this, transform: keepOwnership });
    this.#queue = createWorkQueue({
      name: 'garbage-collector',
      clock: context.clock,
      log: context.log,
      maxDelayMs: 30_000,
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const work = {
      run: async (stop: AbortSignal) => {
        const reconcile = async (uid: string, inner: AbortSignal): Promise<void> => {
          // An owner that is not listed yet would look like one that is gone, and one whose dependents are not, like one without.
          await this.#kinds.synced();
          await this.#reconcile(uid, inner);
        };
        await this.#queue.run(4, reconcile, stop);
      },
    };
    await runTogether([this.#kinds, work], signal);
  }

  onChange(resource: Resource<KubeObject>, before: KubeObject | undefined, now: KubeObject | undefined): void {
    const uid = (now ?? before)?.metadata?.uid ?? '';
    const known = this.#graph.get(uid);
    if (now === undefined) this.#graph.remove(uid);
    else this.#graph.put(ownedObject(resource, now));
    if (now !== undefined) this.#queue.add(uid);
    // Who waits for this object, also if it is its owner no more, and who lives by it, is to be looked at again.
    for (const owner of known?.owners ?? [])
      if (this.#graph.get(owner.uid)?.isDeleting === true) this.#queue.add(owner.uid);
    if (now === undefined) for (const dependent of this.#graph.dependentsOf(uid)) this.#queue.add(dependent.uid);
  }

  /** Objects that are served no more are no longer known; what they own is kept, for it cannot be judged. */
  onGone({ group, plural }: Resource<KubeObject>): void {
    for (const uid of this.#graph.uids()) {
      const resource = this.#graph.get(uid)?.resource;
      if (resource?.group === group && resource.plural === plural) this.#graph.remove(uid);
    }
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
        await Promise.all(plan.dependents.map(async (dependent) => this.#dropOwners(dependent, [uid], signal)));
        return this.#queue.addAfter(uid, 100);
      case 'dropOwners':
        return this.#dropOwners(object, plan.uids, signal);
      case 'unblock':
        await this.#patch(
          object,
          ({ owners }) => ({ ownerReferences: owners.map((owner) => ({ ...owner, blockOwnerDeletion: false })) }),
          signal,
        );
        return this.#queue.addAfter(uid, 100);
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
    if (known !== undefined) this.#reportNamespace(object, owner);
    const [, group = ''] = owner.apiVersion.split('/').toReversed();
    const resource = this.#kinds.find(group, owner.kind);
    // Owners of kinds that nobody serves (any more) cannot be judged: keep what is theirs.
    if (resource === undefined) return 'solid';
    // Nor can a namespaced owner of what has no namespace: there is no telling where it would be.
    if (resource.namespaced && object.namespace === '') {
      this.#reportNamespace(object, owner);
      return 'solid';
    }
    if (this.#absent.has(`${object.namespace}/${owner.uid}`)) return 'dangling';
    const state = await this.#askFor(resource, resource.namespaced ? object.namespace : '', owner, signal);
    if (state === 'dangling') this.#noteAbsent(`${object.namespace}/${owner.uid}`);
    return state;
  }

  async #askFor(
    resource: Resource<KubeObject>,
    namespace: string,
    owner: OwnerReference,
    signal: AbortSignal,
  ): Promise<OwnerState> {
    try {
      const live = await this.#context.client.get(resource, namespace, owner.name, { signal });
      return live.metadata?.uid === owner.uid ? 'solid' : 'dangling';
    } catch (error) {
      if (isReason(error, 'NotFound')) return 'dangling';
      throw error;
    }
  }

  #noteAbsent(owner: string): void {
    const [oldest] = this.#absent;
    if (oldest !== undefined && this.#absent.size >= ABSENT_MAX) this.#absent.delete(oldest);
    this.#absent.add(owner);
  }

  /** References do not cross namespaces (kubernetes.io, "Owners and Dependents"); people are told why theirs has no effect. */
  #reportNamespace({ resource, namespace, name, uid }: OwnedObject, owner: OwnerReference): void {
    const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
    const text = `[${owner.apiVersion}/${owner.kind}, namespace: ${namespace}, name: ${owner.name}, uid: ${owner.uid}]`;
    this.#recorder.record(
      { apiVersion, kind: resource.kind, ...(namespace === '' ? {} : { namespace }), name, uid },
      'Warning',
      'OwnerRefInvalidNamespace',
      `ownerRef ${text} does not exist in namespace "${namespace}"`,
    );
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
      .catch(ignoring('NotFound', 'Conflict'));
  }

  async #dropOwners(object: OwnedObject, uids: readonly string[], signal: AbortSignal): Promise<void> {
    const left = ({ owners }: OwnedObject): object => {
      const ownerReferences = owners.filter(({ uid }) => !uids.includes(uid));
      return { ownerReferences: ownerReferences.length === 0 ? null : ownerReferences };
    };
    await this.#patch(object, left, signal);
  }

  async #dropFinalizer(object: OwnedObject, finalizer: string, signal: AbortSignal): Promise<void> {
    const left = (now: OwnedObject): object => {
      const finalizers = now.finalizers.filter((one) => one !== finalizer);
      return { finalizers: finalizers.length === 0 ? null : finalizers };
    };
    await this.#patch(object, left, signal);
  }

  /** Changed from what is there now and with its version, so that no one else's change is undone. */
  async #patch(object: OwnedObject, change: (now: OwnedObject) => object, signal: AbortSignal): Promise<void> {
    const { resource, namespace, name, uid } = object;
    try {
      const live = await this.#context.client.get(resource, namespace, name, { signal });
      if (live.metadata?.uid !== uid) return;
      const { resourceVersion } = live.metadata ?? {};
      const body = { metadata: { ...change(ownedObject(resource, live)), uid, resourceVersion } };
      await this.#context.client.patch(resource, { namespace, name }, { type: 'merge', body }, { signal });
    } catch (error) {
      if (!isReason(error, 'NotFound')) throw error;
    }
  }
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
