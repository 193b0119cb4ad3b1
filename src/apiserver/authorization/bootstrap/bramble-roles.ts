import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from '../../../api/objects.ts';
import { CONTROLLER_MANAGER_RULES } from './controller-roles.ts';
import { allow, binding, clusterBinding, clusterRole, group, lockRules, role, user } from './policy.ts';

/** Groups that bootstrap tokens give: of kubeadm's default token, and of Bramble's two. */
const TOKEN_GROUPS = [
  group('system:bootstrappers:kubeadm:default-node-token'),
  group('system:bootstrappers:bramble:worker'),
  group('system:bootstrappers:bramble:control'),
];
const CONTROL_TOKENS = [group('system:bootstrappers:bramble:control')];
const CERTIFICATES = 'system:certificates.k8s.io:certificatesigningrequests';

/**
 * What Bramble has beyond upstream. The agent is kubelet, proxy, network and DNS in one process with the node's
 * identity, so nodes may follow Services and their endpoints, which upstream gives to kube-proxy and CoreDNS.
 */
export const BRAMBLE_ROLES: readonly ClusterRole[] = [
  clusterRole('bramble:agent', [
    allow('get list watch', 'core', 'endpoints namespaces nodes services'),
    allow('get list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('bramble:controller-manager', CONTROLLER_MANAGER_RULES),
];

export const BRAMBLE_BINDINGS: readonly ClusterRoleBinding[] = [
  clusterBinding('bramble:agent', [group('system:nodes')]),
  clusterBinding('bramble:controller-manager', [user('system:kube-controller-manager')]),
  // The API server towards kubelets (kubeadm binds the same user since 1.36; before, its certificate was an administrator's).
  clusterBinding('bramble:kubelet-api-admin', [user('kube-apiserver-kubelet-client')], 'system:kubelet-api-admin'),
  clusterBinding('bramble:kubelet-bootstrap', TOKEN_GROUPS, 'system:node-bootstrapper'),
  clusterBinding('bramble:node-autoapprove-bootstrap', TOKEN_GROUPS, `${CERTIFICATES}:nodeclient`),
  clusterBinding(
    'bramble:node-autoapprove-certificate-rotation',
    [group('system:nodes')],
    `${CERTIFICATES}:selfnodeclient`,
  ),
];

export const BRAMBLE_NAMESPACED_ROLES: readonly Role[] = [
  // NodeRestriction holds a node to the slice of its own name.
  role('kube-system', 'bramble:agent-dns', [
    allow('create delete get patch update', 'discovery.k8s.io', 'endpointslices'),
  ]),
  role('kube-system', 'bramble:control-keys', [allow('get', 'core', 'secrets', ['bramble-control-keys'])]),
  role('kube-system', 'bramble:floating-address', lockRules('bramble-api-address')),
  role('kube-public', 'bramble:cluster-info', [allow('get', 'core', 'configmaps', ['cluster-info'])]),
];

export const BRAMBLE_NAMESPACED_BINDINGS: readonly RoleBinding[] = [
  binding('kube-system', 'bramble:agent-dns', [group('system:nodes')]),
  binding('kube-system', 'bramble:control-keys', CONTROL_TOKENS),
  binding('kube-system', 'bramble:floating-address', [group('system:bramble:control-boards')]),
  // cluster-info is what a board reads before it trusts anything: its token's hash proves it (kubeadm does the same).
  binding('kube-public', 'bramble:cluster-info', [user('system:anonymous'), group('system:bootstrappers')]),
];

/** Roles and bindings of kube-system that earlier versions made, and that gave more than who had them needed. */
export const RETIRED: readonly string[] = ['bramble:leader-election'];
