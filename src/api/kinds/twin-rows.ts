import type { Kind } from './kind.ts';
import { APPS, CORE, type Home, row, SCALE, status } from './row.ts';

const POLICY: Home = { group: 'policy', version: 'v1' };
const STORAGE: Home = { group: 'storage.k8s.io', version: 'v1' };
const NODE: Home = { group: 'node.k8s.io', version: 'v1' };
const RESOURCE: Home = { group: 'resource.k8s.io', version: 'v1' };

/**
 * Kinds that no part of Bramble acts on yet, served because kube-scheduler, kube-controller-manager and kubelet follow them and
 * the first two wait until they could list them all: without these rows none could take our parts' places.
 */
export const TWIN_KINDS: readonly Kind[] = [
  row(CORE, 'PersistentVolume', 'persistentvolumes', {
    shortNames: ['pv'],
    namespaced: false,
    subresources: [status('PersistentVolume')],
  }),
  row(CORE, 'PersistentVolumeClaim', 'persistentvolumeclaims', {
    shortNames: ['pvc'],
    subresources: [status('PersistentVolumeClaim')],
  }),
  row(CORE, 'ReplicationController', 'replicationcontrollers', {
    hasGeneration: true,
    shortNames: ['rc'],
    categories: ['all'],
    storagePrefix: 'controllers',
    selectableFields: ['status.replicas'],
    subresources: [status('ReplicationController')],
  }),
  row(APPS, 'DaemonSet', 'daemonsets', {
    hasGeneration: true,
    shortNames: ['ds'],
    categories: ['all'],
    subresources: [status('DaemonSet')],
  }),
  row(APPS, 'StatefulSet', 'statefulsets', {
    hasGeneration: true,
    shortNames: ['sts'],
    categories: ['all'],
    subresources: [SCALE, status('StatefulSet')],
  }),
  row(POLICY, 'PodDisruptionBudget', 'poddisruptionbudgets', {
    hasGeneration: true,
    shortNames: ['pdb'],
    subresources: [status('PodDisruptionBudget')],
  }),
  row(STORAGE, 'CSIDriver', 'csidrivers', { namespaced: false }),
  row(STORAGE, 'CSINode', 'csinodes', { namespaced: false }),
  row(STORAGE, 'CSIStorageCapacity', 'csistoragecapacities'),
  row(STORAGE, 'StorageClass', 'storageclasses', { shortNames: ['sc'], namespaced: false }),
  row(STORAGE, 'VolumeAttachment', 'volumeattachments', {
    namespaced: false,
    subresources: [status('VolumeAttachment')],
  }),
  row(STORAGE, 'VolumeAttributesClass', 'volumeattributesclasses', { shortNames: ['vac'], namespaced: false }),
  row(NODE, 'RuntimeClass', 'runtimeclasses', { namespaced: false }),
  row(RESOURCE, 'DeviceClass', 'deviceclasses', { namespaced: false, hasGeneration: true }),
  row(RESOURCE, 'ResourceClaim', 'resourceclaims', { subresources: [status('ResourceClaim')] }),
  row(RESOURCE, 'ResourceClaimTemplate', 'resourceclaimtemplates'),
  row(RESOURCE, 'ResourceSlice', 'resourceslices', {
    namespaced: false,
    hasGeneration: true,
    selectableFields: ['spec.driver', 'spec.nodeName'],
  }),
];
