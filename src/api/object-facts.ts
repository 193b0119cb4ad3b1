import type { KubeObject, OwnerReference } from './objects.ts';

/** Whether deletion has begun: the object goes once its finalizers and its grace period let it. */
export function isDeleting(object: KubeObject): boolean {
  return object.metadata?.deletionTimestamp !== undefined;
}

/** The reference to the one owner that manages the object, if any. */
export function controllerRefOf(object: KubeObject): OwnerReference | undefined {
  return object.metadata?.ownerReferences?.find(({ controller }) => controller === true);
}
