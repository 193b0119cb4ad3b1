import type { CSIDriver, PersistentVolume, PersistentVolumeClaim, StorageClass } from '../objects.ts';

/** Fills in a PersistentVolumeClaim, or a StatefulSet's template of one. */
export function defaultClaim(claim: Pick<PersistentVolumeClaim, 'spec' | 'status'>): void {
  claim.status ??= {};
  claim.status.phase ||= 'Pending';
  if (claim.spec !== undefined) claim.spec.volumeMode ||= 'Filesystem';
}

/** Fills in a PersistentVolume. */
export function defaultPersistentVolume(volume: PersistentVolume): void {
  volume.status ??= {};
  volume.status.phase ||= 'Pending';
  if (volume.spec === undefined) return;
  volume.spec.persistentVolumeReclaimPolicy ||= 'Retain';
  volume.spec.volumeMode ||= 'Filesystem';
}

/** Fills in a StorageClass. */
export function defaultStorageClass(storageClass: StorageClass): void {
  storageClass.reclaimPolicy ||= 'Delete';
  storageClass.volumeBindingMode ||= 'Immediate';
}

/** Fills in a CSIDriver (pkg/apis/storage/v1/defaults.go). */
export function defaultCsiDriver({ spec }: CSIDriver): void {
  spec.attachRequired ??= true;
  spec.podInfoOnMount ??= false;
  spec.storageCapacity ??= false;
  spec.fsGroupPolicy ||= 'ReadWriteOnceWithFSType';
  spec.volumeLifecycleModes ??= ['Persistent'];
  spec.requiresRepublish ??= false;
  spec.seLinuxMount ??= false;
}
