import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../api/objects.ts';
import {
  BRAMBLE_BINDINGS,
  BRAMBLE_NAMESPACED_BINDINGS,
  BRAMBLE_NAMESPACED_ROLES,
  BRAMBLE_ROLES,
} from './bramble-roles.ts';
import { CONTROLLER_BINDINGS, CONTROLLER_ROLES } from './controller-roles.ts';
import { allow, binding, clusterBinding, EVENTS, group, lockRules, role, serviceAccount, user } from './policy.ts';
import { SYSTEM_ROLES } from './system-roles.ts';
import { USER_ROLES } from './user-roles.ts';

const AUTHENTICATED = group('system:authenticated');
const UNAUTHENTICATED = group('system:unauthenticated');

/** All that the API server ensures when it starts (bootstrappolicy, and Bramble's own). */
export const CLUSTER_ROLES: readonly ClusterRole[] = [
  ...USER_ROLES,
  ...SYSTEM_ROLES,
  ...CONTROLLER_ROLES,
  ...BRAMBLE_ROLES,
];

export const CLUSTER_ROLE_BINDINGS: readonly ClusterRoleBinding[] = [
  clusterBinding('cluster-admin', [group('system:masters')]),
  clusterBinding('system:monitoring', [group('system:monitoring')]),
  clusterBinding('system:discovery', [AUTHENTICATED]),
  clusterBinding('system:public-info-viewer', [AUTHENTICATED, UNAUTHENTICATED]),
  clusterBinding('system:basic-user', [AUTHENTICATED]),
  clusterBinding('system:node-proxier', [user('system:kube-proxy')]),
  clusterBinding('system:kube-controller-manager', [user('system:kube-controller-manager')]),
  clusterBinding('system:kube-dns', [serviceAccount('kube-dns')]),
  clusterBinding('system:kube-scheduler', [user('system:kube-scheduler')]),
  clusterBinding('system:node', []),
  clusterBinding('system:service-account-issuer-discovery', [group('system:serviceaccounts')]),
  ...CONTROLLER_BINDINGS,
  ...BRAMBLE_BINDINGS,
];

const LOCKS = ['kube-controller-manager', 'kube-scheduler'];

export const ROLES: readonly Role[] = [
  role('kube-system', 'extension-apiserver-authentication-reader', [
    allow('get list watch', 'core', 'configmaps', ['extension-apiserver-authentication']),
  ]),
  // Upstream gives all Leases of the namespace.
  ...LOCKS.map((name) => role('kube-system', `system::leader-locking-${name}`, lockRules(name))),
  role('kube-system', 'system:controller:bootstrap-signer', [allow('get list watch', 'core', 'secrets')]),
  role('kube-system', 'system:controller:token-cleaner', [allow('delete get list watch', 'core', 'secrets'), EVENTS]),
  role('kube-public', 'system:controller:bootstrap-signer', [
    allow('get list watch', 'core', 'configmaps'),
    allow('update', 'core', 'configmaps', ['cluster-info']),
    EVENTS,
  ]),
  ...BRAMBLE_NAMESPACED_ROLES,
];

export const ROLE_BINDINGS: readonly RoleBinding[] = [
  binding('kube-system', 'extension-apiserver-authentication-reader', [
    user('system:kube-controller-manager'),
    user('system:kube-scheduler'),
  ]),
  ...LOCKS.map((name) =>
    binding('kube-system', `system::leader-locking-${name}`, [user(`system:${name}`), serviceAccount(name)]),
  ),
  binding('kube-system', 'system:controller:bootstrap-signer', [serviceAccount('bootstrap-signer')]),
  binding('kube-system', 'system:controller:token-cleaner', [serviceAccount('token-cleaner')]),
  binding('kube-public', 'system:controller:bootstrap-signer', [serviceAccount('bootstrap-signer')]),
  ...BRAMBLE_NAMESPACED_BINDINGS,
];
