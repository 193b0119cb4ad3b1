import { controllerRefOf, isDeleting } from '../api/object-facts.ts';
import type { KubeObject, OwnerReference } from '../api/objects.ts';
import { matchesLabels, type Selector } from '../api/selector.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';

/** Index function: objects by the uid of the owner that manages them. */
export function byControllerUid(object: KubeObject): readonly string[] {
  const uid = controllerRefOf(object)?.uid;
  return uid === undefined ? [] : [uid];
}

/** A reference that makes `owner` the manager of an object; it blocks the owner's foreground deletion. */
export function controllerRefTo(owner: KubeObject, apiVersion: string, kind: string): OwnerReference {
  return {
    apiVersion,
    kind,
    name: owner.metadata?.name ?? '',
    uid: owner.metadata?.uid ?? '',
    controller: true,
    blockOwnerDeletion: true,
  };
}

interface Claim<T extends KubeObject> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  readonly owner: KubeObject;
  /** Where the owner is read once more before it adopts anything. */
  readonly ownerResource: Resource<KubeObject>;
  /** Which objects may be adopted; all unless set. */
  readonly isAdoptable?: (object: T) => boolean;
  readonly ownerRef: OwnerReference;
  readonly selector: Selector;
  /** Objects of the owner's namespace that may be its own or match its selector. */
  readonly candidates: readonly T[];
}

/** Which objects an owner keeps, takes in and lets go (client-go's ControllerRefManager). */
function planClaim<T extends KubeObject>({
  ownerRef,
  owner,
  selector,
  candidates,
  isAdoptable = () => true,
}: Pick<Claim<T>, 'ownerRef' | 'owner' | 'selector' | 'candidates' | 'isAdoptable'>): {
  readonly keep: readonly T[];
  readonly adopt: readonly T[];
  readonly release: readonly T[];
} {
  const plan = { keep: [] as T[], adopt: [] as T[], release: [] as T[] };
  for (const object of candidates) {
    const matches = matchesLabels(selector, object.metadata?.labels);
    const controller = controllerRefOf(object);
    if (controller !== undefined) {
      if (controller.uid !== ownerRef.uid) continue;
      if (matches) plan.keep.push(object);
      else if (!isDeleting(owner)) plan.release.push(object);
    } else if (matches && !isDeleting(owner) && !isDeleting(object) && isAdoptable(object)) plan.adopt.push(object);
  }
  return plan;
}

/** Adopts and releases through the API; gives the objects that are the owner's now. */
export async function claimObjects<T extends KubeObject>(claim: Claim<T>, signal: AbortSignal): Promise<readonly T[]> {
  const { client, resource, ownerRef } = claim;
  const plan = planClaim(claim);
  const patch = async (object: T, ownerReferences: readonly unknown[]): Promise<T | undefined> => {
    const { namespace = '', name = '', uid } = object.metadata ?? {};
    try {
      // The uid makes the patch fail on a successor of the same name.
      const body = { metadata: { uid, ownerReferences } };
      return await client.patch(resource, { namespace, name }, { type: 'strategic', body }, { signal });
    } catch (error) {
      if (isReason(error, 'NotFound') || isReason(error, 'Invalid') || isReason(error, 'Conflict')) return undefined;
      throw error;
    }
  };
  const adopted: T[] = [];
  const adopt = plan.adopt.length > 0 && (await mayAdopt(claim, signal)) ? plan.adopt : [];
  for (const object of adopt) {
    const taken = await patch(object, [ownerRef]);
    if (taken !== undefined) adopted.push(taken);
  }
  for (const object of plan.release) await patch(object, [{ $patch: 'delete', uid: ownerRef.uid }]);
  return [...plan.keep, ...adopted];
}

/**
 * Whether the owner still is what the cache shows, and stays. One that is being deleted and has let its objects go must
 * not take them in again: they would be deleted with it (client-go's RecheckDeletionTimestamp).
 */
async function mayAdopt<T extends KubeObject>(
  { client, owner, ownerResource }: Claim<T>,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name = '', uid } = owner.metadata ?? {};
  try {
    const live = await client.get(ownerResource, namespace, name, { signal });
    return live.metadata?.uid === uid && !isDeleting(live);
  } catch (error) {
    if (isReason(error, 'NotFound')) return false;
    throw error;
  }
}
