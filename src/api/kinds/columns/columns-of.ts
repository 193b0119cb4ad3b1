import type { Column, Kind } from '../kind.ts';
import { BINDING_COLUMNS, CERTIFICATE_SIGNING_REQUEST_COLUMNS } from './auth.ts';
import { DEFAULT_COLUMNS } from './column.ts';
import {
  CONFIG_MAP_COLUMNS,
  LEASE_COLUMNS,
  NAMESPACE_COLUMNS,
  NODE_COLUMNS,
  SECRET_COLUMNS,
  SERVICE_ACCOUNT_COLUMNS,
} from './core.ts';
import { EVENT_COLUMNS } from './event.ts';
import { ENDPOINTS_COLUMNS, ENDPOINT_SLICE_COLUMNS, SERVICE_COLUMNS } from './network.ts';
import { POD_COLUMNS } from './pod.ts';
import { PERSISTENT_VOLUME_CLAIM_COLUMNS, PERSISTENT_VOLUME_COLUMNS, STORAGE_CLASS_COLUMNS } from './storage.ts';
import {
  CONTROLLER_REVISION_COLUMNS,
  DAEMON_SET_COLUMNS,
  DEPLOYMENT_COLUMNS,
  REPLICA_SET_COLUMNS,
  STATEFUL_SET_COLUMNS,
} from './workload.ts';

/** By kind name: no two kinds of one name differ in their columns. */
const COLUMNS: Readonly<Record<string, readonly Column[]>> = {
  CertificateSigningRequest: CERTIFICATE_SIGNING_REQUEST_COLUMNS,
  ClusterRoleBinding: BINDING_COLUMNS,
  ConfigMap: CONFIG_MAP_COLUMNS,
  ControllerRevision: CONTROLLER_REVISION_COLUMNS,
  DaemonSet: DAEMON_SET_COLUMNS,
  Deployment: DEPLOYMENT_COLUMNS,
  EndpointSlice: ENDPOINT_SLICE_COLUMNS,
  Endpoints: ENDPOINTS_COLUMNS,
  Event: EVENT_COLUMNS,
  Lease: LEASE_COLUMNS,
  Namespace: NAMESPACE_COLUMNS,
  Node: NODE_COLUMNS,
  PersistentVolume: PERSISTENT_VOLUME_COLUMNS,
  PersistentVolumeClaim: PERSISTENT_VOLUME_CLAIM_COLUMNS,
  Pod: POD_COLUMNS,
  ReplicaSet: REPLICA_SET_COLUMNS,
  RoleBinding: BINDING_COLUMNS,
  Secret: SECRET_COLUMNS,
  Service: SERVICE_COLUMNS,
  ServiceAccount: SERVICE_ACCOUNT_COLUMNS,
  StatefulSet: STATEFUL_SET_COLUMNS,
  StorageClass: STORAGE_CLASS_COLUMNS,
};

/** The columns of `kubectl get` for a kind. */
export function columnsOf({ kind }: Pick<Kind, 'kind'>): readonly Column[] {
  return COLUMNS[kind] ?? DEFAULT_COLUMNS;
}
