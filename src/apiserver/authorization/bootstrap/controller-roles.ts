import type { ClusterRole, ClusterRoleBinding, PolicyRule } from '../../../api/objects.ts';
import { allow, clusterBinding, clusterRole, EVENTS, serviceAccount } from './policy.ts';

const CERTIFICATES = 'certificates.k8s.io';
const NODE_SIGNERS = ['kubernetes.io/kube-apiserver-client-kubelet'];
const SIGNERS = [
  'kubernetes.io/kube-apiserver-client',
  'kubernetes.io/kube-apiserver-client-kubelet',
  'kubernetes.io/kubelet-serving',
  'kubernetes.io/legacy-unknown',
];

/** What each controller needs, by its upstream name (bootstrappolicy/controller_policy.go). */
const RULES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'deployment-controller': [
    allow('get list update watch', 'apps', 'deployments'),
    allow('update', 'apps', 'deployments/status deployments/finalizers'),
    allow('create delete get list patch update watch', 'apps', 'replicasets'),
    allow('get list update watch', 'core', 'pods'),
    EVENTS,
  ],
  'replicaset-controller': [
    allow('get list update watch', 'apps', 'replicasets'),
    allow('update', 'apps', 'replicasets/status replicasets/finalizers'),
    allow('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'endpoint-controller': [
    allow('get list watch', 'core', 'services pods'),
    allow('create delete get list update watch', 'core', 'endpoints'),
    allow('create', 'core', 'endpoints/restricted'),
    EVENTS,
  ],
  'endpointslice-controller': [
    allow('get list watch', 'core', 'services pods nodes'),
    allow('update', 'core', 'services/finalizers'),
    allow('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    EVENTS,
  ],
  'endpointslicemirroring-controller': [
    allow('get list watch', 'core', 'services endpoints'),
    allow('update', 'core', 'services/finalizers endpoints/finalizers'),
    allow('create delete get list update watch', 'discovery.k8s.io', 'endpointslices'),
    EVENTS,
  ],
  'namespace-controller': [
    allow('delete get list watch', 'core', 'namespaces'),
    allow('update', 'core', 'namespaces/finalize namespaces/status'),
    allow('delete deletecollection get list', '*', '*'),
  ],
  'service-account-controller': [allow('create', 'core', 'serviceaccounts'), EVENTS],
  'root-ca-cert-publisher': [allow('create update', 'core', 'configmaps'), EVENTS],
  'node-controller': [
    allow('delete get list patch update', 'core', 'nodes'),
    allow('patch update', 'core', 'nodes/status'),
    allow('get list patch update watch', 'core', 'pods'),
    allow('patch update', 'core', 'pods/status'),
    allow('delete list', 'core', 'pods'),
    EVENTS,
  ],
  'generic-garbage-collector': [allow('delete get list patch update watch', '*', '*'), EVENTS],
  'pod-garbage-collector': [
    allow('delete list watch', 'core', 'pods'),
    allow('get list', 'core', 'nodes'),
    allow('patch', 'core', 'pods/status'),
  ],
  'certificate-controller': [
    allow('delete get list watch', CERTIFICATES, 'certificatesigningrequests'),
    allow('update', CERTIFICATES, 'certificatesigningrequests/approval certificatesigningrequests/status'),
    allow('approve', CERTIFICATES, 'signers', NODE_SIGNERS),
    allow('sign', CERTIFICATES, 'signers', SIGNERS),
    allow('create', 'authorization.k8s.io', 'subjectaccessreviews'),
    EVENTS,
  ],
  'clusterrole-aggregation-controller': [
    allow('escalate get list patch update watch', 'rbac.authorization.k8s.io', 'clusterroles'),
  ],
  'ttl-controller': [allow('list patch update watch', 'core', 'nodes'), EVENTS],
};

/** Rules of namespaced roles upstream has for two more, which our one identity needs as well. */
const TOKEN_CLEANER = [allow('delete get list watch', 'core', 'secrets'), EVENTS];

/** Roles for each controller alone: what an upstream kube-controller-manager's service accounts are bound to. */
export const CONTROLLER_ROLES: readonly ClusterRole[] = Object.entries(RULES).map(([name, rules]) =>
  clusterRole(`system:controller:${name}`, rules),
);

export const CONTROLLER_BINDINGS: readonly ClusterRoleBinding[] = Object.keys(RULES).map((name) =>
  clusterBinding(`system:controller:${name}`, [serviceAccount(name)]),
);

/**
 * All of them for one identity: Bramble's controllers run in one process under one certificate, so separate service
 * accounts in it would guard nothing. The approval of serving certificates is Bramble's own (upstream leaves it to people).
 */
export const CONTROLLER_MANAGER_RULES: readonly PolicyRule[] = [
  ...new Map(
    [
      ...Object.values(RULES).flat(),
      ...TOKEN_CLEANER,
      allow('approve', CERTIFICATES, 'signers', ['kubernetes.io/kubelet-serving']),
      allow('get list watch', 'coordination.k8s.io', 'leases'),
      allow('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    ].map((rule) => [JSON.stringify(rule), rule]),
  ).values(),
];
