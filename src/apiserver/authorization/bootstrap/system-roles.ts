import type { ClusterRole } from '../../../api/objects.ts';
import { allow, allowPaths, clusterRole, EVENTS } from './policy.ts';

const AUTHENTICATION = 'authentication.k8s.io';
const AUTHORIZATION = 'authorization.k8s.io';
const CERTIFICATES = 'certificates.k8s.io';
const SIGNER = 'kubernetes.io/';

/** Asking the API server who somebody is and what they may do. */
const DELEGATION = [
  allow('create', AUTHENTICATION, 'tokenreviews'),
  allow('create', AUTHORIZATION, 'subjectaccessreviews'),
];

function approver(name: string, signer: string): ClusterRole {
  return clusterRole(`system:certificates.k8s.io:${name}`, [
    allow('approve', CERTIFICATES, 'signers', [`${SIGNER}${signer}`]),
  ]);
}

/** Who may ask for which of a node's certificates without a person's approval. */
function autoApproved(name: string): ClusterRole {
  return clusterRole(`system:certificates.k8s.io:certificatesigningrequests:${name}`, [
    allow('create', CERTIFICATES, `certificatesigningrequests/${name}`),
  ]);
}

/** The roles of the system's parts (bootstrappolicy/policy.go, ClusterRoles). */
export const SYSTEM_ROLES: readonly ClusterRole[] = [
  clusterRole('system:discovery', [
    allowPaths('get', [
      '/livez',
      '/readyz',
      '/healthz',
      '/version',
      '/version/',
      '/openapi',
      '/openapi/*',
      '/api',
      '/api/*',
      '/apis',
      '/apis/*',
    ]),
  ]),
  clusterRole('system:public-info-viewer', [
    allowPaths('get', ['/livez', '/readyz', '/healthz', '/version', '/version/']),
  ]),
  clusterRole('system:monitoring', [
    allowPaths('get', [
      '/metrics',
      '/metrics/slis',
      '/livez',
      '/readyz',
      '/healthz',
      '/livez/*',
      '/readyz/*',
      '/healthz/*',
    ]),
  ]),
  clusterRole('system:basic-user', [
    allow('create', AUTHORIZATION, 'selfsubjectaccessreviews selfsubjectrulesreviews'),
    allow('create', AUTHENTICATION, 'selfsubjectreviews'),
  ]),
  clusterRole('system:node', nodeRules()),
  clusterRole('system:node-problem-detector', [
    allow('get', 'core', 'nodes'),
    allow('patch', 'core', 'nodes/status'),
    EVENTS,
  ]),
  clusterRole('system:kubelet-api-admin', [
    allow('get list watch', 'core', 'nodes'),
    allow('proxy', 'core', 'nodes'),
    allow('*', 'core', 'nodes/configz nodes/healthz nodes/log nodes/metrics nodes/pods nodes/proxy nodes/stats'),
  ]),
  clusterRole('system:node-bootstrapper', [allow('create get list watch', CERTIFICATES, 'certificatesigningrequests')]),
  clusterRole('system:auth-delegator', DELEGATION),
  clusterRole('system:kube-aggregator', [allow('get list watch', 'core', 'services endpoints')]),
  clusterRole('system:kube-controller-manager', [
    EVENTS,
    allow('create', 'coordination.k8s.io', 'leases'),
    allow('get update', 'coordination.k8s.io', 'leases', ['kube-controller-manager']),
    allow('create', 'core', 'secrets serviceaccounts'),
    allow('delete', 'core', 'secrets'),
    allow('get', 'core', 'configmaps namespaces secrets serviceaccounts'),
    allow('update', 'core', 'secrets serviceaccounts'),
    ...DELEGATION,
    allow('list watch', '*', '*'),
    allow('create', 'core', 'serviceaccounts/token'),
  ]),
  clusterRole('system:kube-scheduler', schedulerRules()),
  clusterRole('system:kube-dns', [
    allow('list watch', 'core', 'endpoints services'),
    allow('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:node-proxier', [
    allow('list watch', 'core', 'services endpoints'),
    allow('get list watch', 'core', 'nodes'),
    EVENTS,
    allow('list watch', 'discovery.k8s.io', 'endpointslices'),
  ]),
  clusterRole('system:service-account-issuer-discovery', [
    allowPaths('get', [
      '/.well-known/openid-configuration',
      '/.well-known/openid-configuration/',
      '/openid/v1/jwks',
      '/openid/v1/jwks/',
    ]),
  ]),
  autoApproved('nodeclient'),
  autoApproved('selfnodeclient'),
  approver('kubelet-serving-approver', 'kubelet-serving'),
  approver('kube-apiserver-client-approver', 'kube-apiserver-client'),
  approver('kube-apiserver-client-kubelet-approver', 'kube-apiserver-client-kubelet'),
  approver('legacy-unknown-approver', 'legacy-unknown'),
];

/** Upstream keeps this role for clusters without the Node authorizer; bound to nobody. */
function nodeRules() {
  return [
    ...DELEGATION,
    allow('create', AUTHORIZATION, 'localsubjectaccessreviews'),
    allow('get list watch', 'core', 'services'),
    allow('create get list watch', 'core', 'nodes'),
    allow('patch update', 'core', 'nodes/status'),
    allow('patch update', 'core', 'nodes'),
    EVENTS,
    allow('get list watch', 'core', 'pods'),
    allow('create delete', 'core', 'pods'),
    allow('patch update', 'core', 'pods/status'),
    allow('create', 'core', 'pods/eviction'),
    allow('get list watch', 'core', 'configmaps secrets'),
    allow('get', 'core', 'persistentvolumeclaims persistentvolumes endpoints'),
    allow('create get list watch', CERTIFICATES, 'certificatesigningrequests'),
    allow('create delete get patch update', 'coordination.k8s.io', 'leases'),
    allow('create', 'core', 'serviceaccounts/token'),
    allow('get list watch', 'node.k8s.io', 'runtimeclasses'),
  ];
}

function schedulerRules() {
  return [
    EVENTS,
    allow('create', 'coordination.k8s.io', 'leases'),
    allow('get update', 'coordination.k8s.io', 'leases', ['kube-scheduler']),
    allow('get list watch', 'core', 'nodes'),
    allow('delete get list watch', 'core', 'pods'),
    allow('create', 'core', 'bindings pods/binding'),
    allow('patch update', 'core', 'pods/status'),
    allow('get list watch', 'core', 'replicationcontrollers services'),
    allow('get list watch', 'apps', 'replicasets statefulsets'),
    allow('get list watch', 'policy', 'poddisruptionbudgets'),
    allow('get list watch', 'core', 'persistentvolumeclaims persistentvolumes'),
    allow('get list watch', 'core', 'namespaces'),
    allow(
      'get list watch',
      'storage.k8s.io',
      'csidrivers csinodes csistoragecapacities storageclasses volumeattachments',
    ),
    allow('get list watch', 'scheduling.k8s.io', 'priorityclasses'),
    // Upstream may write claims too: nothing here hands out devices yet.
    allow('get list watch', 'resource.k8s.io', 'deviceclasses resourceclaims resourceslices'),
    ...DELEGATION,
  ];
}
