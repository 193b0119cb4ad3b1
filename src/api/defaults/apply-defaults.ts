import type {
  ClusterRoleBinding,
  Deployment,
  EndpointSlice,
  Endpoints,
  KubeObject,
  Namespace,
  Node,
  Pod,
  ReplicaSet,
  RoleBinding,
  Secret,
  Service,
} from '../objects.ts';
import { defaultNamespace, defaultNode, defaultSecret } from './default-core.ts';
import { defaultPod } from './default-pod.ts';
import { defaultBinding } from './default-rbac.ts';
import { defaultEndpointSlice, defaultEndpoints, defaultService } from './default-service.ts';
import { defaultDeployment, defaultReplicaSet } from './default-workload.ts';

type Defaulter = (object: KubeObject) => void;

/** By group and kind. The objects were checked against their kind's schema when they were decoded, so the casts hold. */
const DEFAULTERS: ReadonlyMap<string, Defaulter> = new Map<string, Defaulter>([
  ['Endpoints', (object) => defaultEndpoints(object as Endpoints)],
  ['Namespace', (object) => defaultNamespace(object as Namespace)],
  ['Node', (object) => defaultNode(object as Node)],
  ['Pod', (object) => defaultPod(object as Pod)],
  ['Secret', (object) => defaultSecret(object as Secret)],
  ['Service', (object) => defaultService(object as Service)],
  ['Deployment.apps', (object) => defaultDeployment(object as Deployment)],
  ['ReplicaSet.apps', (object) => defaultReplicaSet(object as ReplicaSet)],
  ['EndpointSlice.discovery.k8s.io', (object) => defaultEndpointSlice(object as EndpointSlice)],
  ['ClusterRoleBinding.rbac.authorization.k8s.io', (object) => defaultBinding(object as ClusterRoleBinding)],
  ['RoleBinding.rbac.authorization.k8s.io', (object) => defaultBinding(object as RoleBinding)],
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
