import type {
  ClusterRoleBinding,
  CSIDriver,
  DaemonSet,
  Deployment,
  EndpointSlice,
  Endpoints,
  KubeObject,
  Namespace,
  Node,
  PersistentVolume,
  PersistentVolumeClaim,
  Pod,
  ReplicaSet,
  ReplicationController,
  RoleBinding,
  Secret,
  Service,
  StatefulSet,
  StorageClass,
} from '../objects.ts';
import { defaultNamespace, defaultNode, defaultSecret } from './default-core.ts';
import { defaultPod } from './default-pod.ts';
import { defaultBinding } from './default-rbac.ts';
import { defaultEndpointSlice, defaultEndpoints, defaultService } from './default-service.ts';
import { defaultClaim, defaultCsiDriver, defaultPersistentVolume, defaultStorageClass } from './default-storage.ts';
import {
  defaultDaemonSet,
  defaultDeployment,
  defaultReplicaSet,
  defaultReplicationController,
  defaultStatefulSet,
} from './default-workload.ts';

type Defaulter = (object: KubeObject) => void;

/** By group and kind. The objects were checked against their kind's schema when they were decoded, so the casts hold. */
const DEFAULTERS: ReadonlyMap<string, Defaulter> = new Map<string, Defaulter>([
  ['Endpoints', (object) => defaultEndpoints(object as Endpoints)],
  ['Namespace', (object) => defaultNamespace(object as Namespace)],
  ['Node', (object) => defaultNode(object as Node)],
  ['PersistentVolume', (object) => defaultPersistentVolume(object as PersistentVolume)],
  ['PersistentVolumeClaim', (object) => defaultClaim(object as PersistentVolumeClaim)],
  ['Pod', (object) => defaultPod(object as Pod)],
  ['ReplicationController', (object) => defaultReplicationController(object as ReplicationController)],
  ['Secret', (object) => defaultSecret(object as Secret)],
  ['Service', (object) => defaultService(object as Service)],
  ['DaemonSet.apps', (object) => defaultDaemonSet(object as DaemonSet)],
  ['Deployment.apps', (object) => defaultDeployment(object as Deployment)],
  ['ReplicaSet.apps', (object) => defaultReplicaSet(object as ReplicaSet)],
  ['StatefulSet.apps', (object) => defaultStatefulSet(object as StatefulSet)],
  ['EndpointSlice.discovery.k8s.io', (object) => defaultEndpointSlice(object as EndpointSlice)],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', (object) => defaultBinding(object as ClusterRoleBinding)],
  ['RoleBinding.rbac.authorization.k8s.io', (object) => defaultBinding(object as RoleBinding)],
  ['CSIDriver.storage.k8s.io', (object) => defaultCsiDriver(object as CSIDriver)],
  ['StorageClass.storage.k8s.io', (object) => defaultStorageClass(object as StorageClass)],
]);

/**
 * Fills in, in place, what upstream fills in when it decodes an object of a built-in kind. Idempotent; a kind
 * without defaults is left alone. The object must have passed its schema (types), but may lack any field.
 *
 * @param kind the kind with its group after a dot, as `qualifiedKind()` has it: `Pod`, `Deployment.apps`
 */
export function applyDefaults(kind: string, object: KubeObject): void {
  DEFAULTERS.get(kind)?.(object);
}
