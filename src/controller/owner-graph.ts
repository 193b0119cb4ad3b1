import type { KubeObject, OwnerReference } from '../api/objects.ts';
import type { Resource } from '../client/api-client.ts';

/** What the garbage collector keeps of an object. */
export interface OwnedObject {
  readonly uid: string;
  readonly resource: Resource<KubeObject>;
  readonly namespace: string;
  readonly name: string;
  readonly owners: readonly OwnerReference[];
  readonly finalizers: readonly string[];
  readonly isDeleting: boolean;
}

const NONE: ReadonlySet<string> = new Set<string>();

/** Who owns whom, by uid. */
export class OwnerGraph {
  readonly #objects = new Map<string, OwnedObject>();
  readonly #dependents = new Map<string, Set<string>>();

  get(uid: string): OwnedObject | undefined {
    return this.#objects.get(uid);
  }

  put(object: OwnedObject): void {
    this.#unlink(this.#objects.get(object.uid));
    this.#objects.set(object.uid, object);
    for (const { uid } of object.owners) {
      const dependents = this.#dependents.get(uid);
      if (dependents === undefined) this.#dependents.set(uid, new Set([object.uid]));
      else dependents.add(object.uid);
    }
  }

  remove(uid: string): void {
    this.#unlink(this.#objects.get(uid));
    this.#objects.delete(uid);
  }

  /** What names this uid among its owners, whether the owner is known or not. */
  dependentsOf(uid: string): readonly OwnedObject[] {
    return [...(this.#dependents.get(uid) ?? NONE)].flatMap((dependent) => this.#objects.get(dependent) ?? []);
  }

  uids(): readonly string[] {
    return [...this.#objects.keys()];
  }

  #unlink(object: OwnedObject | undefined): void {
    if (object === undefined) return;
    for (const { uid } of object.owners) {
      const dependents = this.#dependents.get(uid);
      dependents?.delete(object.uid);
      if (dependents?.size === 0) this.#dependents.delete(uid);
    }
  }
}

/** Finalizer of an owner that goes after its dependents. */
export const FOREGROUND = 'foregroundDeletion';
/** Finalizer of an owner whose dependents stay. */
export const ORPHAN = 'orphan';

/** What is to be done about one object. */
export type GarbagePlan =
  | { readonly act: 'nothing' }
  /** Its dependents go first. */
  | { readonly act: 'wait'; readonly blocking: readonly OwnedObject[] }
  | { readonly act: 'release'; readonly finalizer: string }
  | { readonly act: 'orphan'; readonly dependents: readonly OwnedObject[] }
  /** Its own references stop blocking its owners: they wait for each other in a circle. */
  | { readonly act: 'unblock' }
  | { readonly act: 'delete'; readonly propagationPolicy: 'Background' | 'Foreground' | 'Orphan' }
  | { readonly act: 'dropOwners'; readonly uids: readonly string[] };

/** State of an object's owner: there, gone, or going and waiting for its dependents. */
export type OwnerState = 'solid' | 'dangling' | 'waiting';

/**
 * Decides about one object, given what is known of its owners (kubernetes.io, "Garbage Collection"; upstream's
 * attemptToDeleteItem and processDeletingDependentsItem).
 */
export function planGarbage(
  object: OwnedObject,
  dependents: readonly OwnedObject[],
  stateOf: (owner: OwnerReference) => OwnerState,
): GarbagePlan {
  if (object.isDeleting && object.finalizers.includes(ORPHAN)) {
    return dependents.length === 0 ? { act: 'release', finalizer: ORPHAN } : { act: 'orphan', dependents };
  }
  if (object.isDeleting && object.finalizers.includes(FOREGROUND)) {
    const blocking = dependents.filter((one) =>
      one.owners.some(({ uid, blockOwnerDeletion }) => uid === object.uid && blockOwnerDeletion === true),
    );
    return blocking.length === 0 ? { act: 'release', finalizer: FOREGROUND } : { act: 'wait', blocking };
  }
  if (object.isDeleting || object.owners.length === 0) return { act: 'nothing' };
  const states = object.owners.map((owner) => ({ owner, state: stateOf(owner) }));
  const rest = states.filter(({ state }) => state !== 'solid');
  if (rest.length === 0) return { act: 'nothing' };
  if (rest.length < states.length) return { act: 'dropOwners', uids: rest.map(({ owner }) => owner.uid) };
  if (rest.some(({ state }) => state === 'waiting') && dependents.length > 0) {
    const isCircle = dependents.some((one) => one.isDeleting && one.finalizers.includes(FOREGROUND));
    const isBlocking = object.owners.some(({ blockOwnerDeletion }) => blockOwnerDeletion === true);
    return isCircle && isBlocking ? { act: 'unblock' } : { act: 'delete', propagationPolicy: 'Foreground' };
  }
  if (object.finalizers.includes(ORPHAN)) return { act: 'delete', propagationPolicy: 'Orphan' };
  if (object.finalizers.includes(FOREGROUND)) return { act: 'delete', propagationPolicy: 'Foreground' };
  return { act: 'delete', propagationPolicy: 'Background' };
}
