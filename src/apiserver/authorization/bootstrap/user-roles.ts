import type { ClusterRole } from '../../../api/objects.ts';
import { aggregateTo, aggregatedRole, allow, allowPaths, clusterRole, READ, WRITE } from './policy.ts';

const READS = READ.join(' ');
const WRITES = WRITE.join(' ');

/** The roles for people: cluster-admin, admin, edit, view (bootstrappolicy/policy.go, viewRules, editRules, adminRules). */
export const USER_ROLES: readonly ClusterRole[] = [
  clusterRole('cluster-admin', [allow('*', '*', '*'), allowPaths('*', ['*'])]),
  aggregatedRole('admin', 'admin'),
  aggregatedRole('edit', 'edit', aggregateTo('admin')),
  aggregatedRole('view', 'view', aggregateTo('edit')),
  clusterRole(
    'system:aggregate-to-admin',
    [
      allow('create', 'authorization.k8s.io', 'localsubjectaccessreviews'),
      allow([...READ, ...WRITE].join(' '), 'rbac.authorization.k8s.io', 'roles rolebindings'),
    ],
    aggregateTo('admin'),
  ),
  clusterRole(
    'system:aggregate-to-edit',
    [
      allow(READS, 'core', 'pods/attach pods/proxy pods/exec pods/portforward secrets services/proxy'),
      allow('impersonate', 'core', 'serviceaccounts'),
      allow(WRITES, 'core', 'pods pods/attach pods/proxy pods/exec pods/portforward'),
      allow('create', 'core', 'pods/eviction'),
      allow(
        WRITES,
        'core',
        'configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services services/proxy',
      ),
      allow('create', 'core', 'serviceaccounts/token'),
      allow(
        WRITES,
        'apps',
        'daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale',
      ),
      allow(WRITES, 'autoscaling', 'horizontalpodautoscalers'),
      allow(WRITES, 'batch', 'cronjobs jobs'),
      allow(WRITES, 'policy', 'poddisruptionbudgets'),
      allow(WRITES, 'networking.k8s.io', 'ingresses networkpolicies'),
      allow([...WRITE, ...READ].join(' '), 'coordination.k8s.io', 'leases'),
    ],
    aggregateTo('edit'),
  ),
  clusterRole(
    'system:aggregate-to-view',
    [
      allow(
        READS,
        'core',
        'configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status',
      ),
      allow(
        READS,
        'core',
        'bindings events limitranges namespaces/status pods/log pods/status replicationcontrollers/status resourcequotas resourcequotas/status',
      ),
      allow(READS, 'core', 'namespaces'),
      allow(READS, 'discovery.k8s.io', 'endpointslices'),
      allow(
        READS,
        'apps',
        'controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale statefulsets/status',
      ),
      allow(READS, 'autoscaling', 'horizontalpodautoscalers horizontalpodautoscalers/status'),
      allow(READS, 'batch', 'cronjobs cronjobs/status jobs jobs/status'),
      allow(READS, 'policy', 'poddisruptionbudgets poddisruptionbudgets/status'),
      allow(READS, 'networking.k8s.io', 'ingresses ingresses/status networkpolicies'),
    ],
    aggregateTo('view'),
  ),
];
