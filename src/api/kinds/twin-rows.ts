import type { Kind } from './kind.ts';
import { APPS, CORE, type Home, row, SCALE, status } from './row.ts';

const POLICY: Home = { group: 'policy', version: 'v1' };
const STORAGE: Home = { group: 'storage.k8s.io', version: 'v1' };
const NODE: Home = { group: 'node.k8s.io', version: 'v1' };
const RESOURCE: Home = { group: 'resource.k8s.io', version: 'v1' };

const idle: typeof row = (home, kind, plural, rest) => row(home, kind, plural, { ...rest, isIdle: true });

/**
 * Kinds that no part of Bramble acts on yet, served because kube-scheduler, kube-controller-manager and kubelet follow them and
 * the first two wait until they could list them all: without these rows none could take our parts' places.
 */
export const TWIN_KINDS: readonly Kind[] = [
  idle(CORE, 'PersistentVolume', 'persistentvolumes', {
    shortNames: ['pv'],
    namespaced: false,
    subresources: [status('PersistentVolume')],
  }),
  idle(CORE, 'PersistentVolumeClaim', 'persistentvolumeclaims', {
    shortNames: ['pvc'],
    subresources: [status('PersistentVolumeClaim')],
  }),
  idle(CORE, 'ReplicationController', 'replicationcontrollers', {
    hasGeneration: true,
    shortNames: ['rc'],
    categories: ['all'],
    storagePrefix: 'controllers',
    selectableFields: ['status.replicas'],
    subresources: [status('ReplicationController')],
  }),
  idle(APPS, 'DaemonSet', 'daemonsets', {
    hasGeneration: true,
    shortNames: ['ds'],
    categories: ['all'],
    subresources: [status('DaemonSet')],
  }),
  idle(APPS, 'StatefulSet', 'statefulsets', {
    hasGeneration: true,
    shortNames: ['sts'],
    categories: ['all'],
    subresources: [SCALE, status('StatefulSet')],
  }),
  idle(POLICY, 'PodDisruptionBudget', 'poddisruptionbudgets', {
    hasGeneration: true,
    shortNames: ['pdb'],
    subresources: [status('PodDisruptionBudget')],
  }),
  idle(STORAGE, 'CSIDriver', 'csidrivers', { namespaced: false }),
  idle(STORAGE, 'CSINode', 'csinodes', { namespaced: false }),
  idle(STORAGE, 'CSIStorageCapacity', 'csistoragecapacities'),
  idle(STORAGE, 'StorageClass', 'storageclasses', { shortNames: ['sc'], namespaced: false }),
  idle(STORAGE, 'VolumeAttachment', 'volumeattachments', {
    namespaced: false,
    subresources: [status('VolumeAttachment')],
  }),
  idle(STORAGE, 'VolumeAttributesClass', 'volumeattributesclasses', { shortNames: ['vac'], namespaced: false }),
  idle(NODE, 'RuntimeClass', 'runtimeclasses', { namespaced: false }),
  idle(RESOURCE, 'DeviceClass', 'deviceclasses', { namespaced: false, hasGeneration: true }),
  idle(RESOURCE, 'ResourceClaim', 'resourceclaims', { subresources: [status('ResourceClaim')] }),
  idle(RESOURCE, 'ResourceClaimTemplate', 'resourceclaimtemplates'),
  idle(RESOURCE, 'ResourceSlice', 'resourceslices', {
    namespaced: false,
    hasGeneration: true,
    selectableFields: ['spec.driver', 'spec.nodeName'],
  }),
];
