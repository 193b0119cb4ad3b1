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

/** What controllers need that only an upstream kube-controller-manager has. */
const TWIN_RULES: Readonly<Record<string, readonly PolicyRule[]>> = {
  'daemon-set-controller': [
    allow('get list watch', 'apps', 'daemonsets'),
    allow('update', 'apps', 'daemonsets/status daemonsets/finalizers'),
    allow('list watch', 'core', 'nodes'),
    allow('create delete list patch watch', 'core', 'pods'),
    allow('create', 'core', 'pods/binding'),
    allow('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    EVENTS,
  ],
  'statefulset-controller': [
    allow('list watch', 'core', 'pods'),
    allow('get list watch', 'apps', 'statefulsets'),
    allow('update', 'apps', 'statefulsets/status statefulsets/finalizers'),
    allow('create delete get patch update', 'core', 'pods'),
    allow('create delete get list patch update watch', 'apps', 'controllerrevisions'),
    allow('create delete get list update watch', 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'pods/finalizers'),
    EVENTS,
  ],
  'replication-controller': [
    allow('get list update watch', 'core', 'replicationcontrollers'),
    allow('update', 'core', 'replicationcontrollers/status replicationcontrollers/finalizers'),
    allow('create delete list patch watch', 'core', 'pods'),
    EVENTS,
  ],
  'disruption-controller': [
    allow('get list watch', 'apps', 'deployments replicasets statefulsets'),
    allow('get list watch', 'core', 'replicationcontrollers'),
    allow('get list watch', 'policy', 'poddisruptionbudgets'),
    allow('update', 'policy', 'poddisruptionbudgets/status'),
    allow('patch update', 'core', 'pods/status'),
    allow('get', '*', '*/scale'),
    EVENTS,
  ],
  'persistent-volume-binder': [
    allow('create delete get list update watch', 'core', 'persistentvolumes'),
    allow('get list update watch', 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'persistentvolumes/status persistentvolumeclaims/status'),
    allow('create delete get list watch', 'core', 'pods'),
    allow('get list watch', 'storage.k8s.io', 'storageclasses'),
    allow('list watch', 'core', 'nodes'),
    allow('watch', 'core', 'events'),
    EVENTS,
  ],
  'pvc-protection-controller': [
    allow('get list update watch', 'core', 'persistentvolumeclaims'),
    allow('update', 'core', 'persistentvolumeclaims/status'),
    allow('get list watch', 'core', 'pods'),
    EVENTS,
  ],
  'pv-protection-controller': [allow('get list update watch', 'core', 'persistentvolumes'), EVENTS],
  'attachdetach-controller': [
    allow('list watch', 'core', 'persistentvolumeclaims persistentvolumes pods'),
    allow('get list watch', 'core', 'nodes'),
    allow('patch update', 'core', 'nodes/status'),
    allow('create delete get list watch', 'storage.k8s.io', 'volumeattachments'),
    allow('get list watch', 'storage.k8s.io', 'csidrivers csinodes'),
    EVENTS,
  ],
};

/** Rules of namespaced roles upstream has for two more, which our one identity needs as well. */
const TOKEN_CLEANER = [allow('delete get list watch', 'core', 'secrets'), EVENTS];

/** Roles for each controller alone: what an upstream kube-controller-manager's service accounts are bound to. */
export const CONTROLLER_ROLES: readonly ClusterRole[] = Object.entries({ ...RULES, ...TWIN_RULES }).map(
  ([name, rules]) => clusterRole(`system:controller:${name}`, rules),
);

export const CONTROLLER_BINDINGS: readonly ClusterRoleBinding[] = CONTROLLER_ROLES.map(({ metadata }) => {
  const name = metadata?.name ?? '';
  return clusterBinding(name, [serviceAccount(name.replace('system:controller:', ''))]);
});

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
