import type { Kind, Verb } from './kind.ts';
import { ALL, APPS, CORE, CREATE, type Home, READ_WRITE, row, SCALE, status } from './row.ts';
import { TWIN_KINDS } from './twin-rows.ts';

/** The built-in kinds, a row each. Adding a kind is adding a row (and its merge keys, defaults and rules, if it has any). */

const RBAC: Home = { group: 'rbac.authorization.k8s.io', version: 'v1' };
const AUTHENTICATION: Home = { group: 'authentication.k8s.io', version: 'v1' };
const AUTHORIZATION: Home = { group: 'authorization.k8s.io', version: 'v1' };
const CERTIFICATES: Home = { group: 'certificates.k8s.io', version: 'v1' };
const COORDINATION: Home = { group: 'coordination.k8s.io', version: 'v1' };
const DISCOVERY: Home = { group: 'discovery.k8s.io', version: 'v1' };
const EVENTS: Home = { group: 'events.k8s.io', version: 'v1' };

/** The HTTP verbs by which a stream is opened; discovery lists them as create and get. */
const CONNECT: readonly Verb[] = ['create', 'get'];

/** All built-in kinds. */
export const KINDS: readonly Kind[] = [
  row(CORE, 'Binding', 'bindings', { verbs: CREATE, storagePrefix: '' }),
  row(CORE, 'ConfigMap', 'configmaps', { shortNames: ['cm'] }),
  row(CORE, 'Endpoints', 'endpoints', { shortNames: ['ep'], storagePrefix: 'services/endpoints' }),
  row(CORE, 'Event', 'events', {
    shortNames: ['ev'],
    selectableFields: [
      'involvedObject.kind',
      'involvedObject.namespace',
      'involvedObject.name',
      'involvedObject.uid',
      'involvedObject.apiVersion',
      'involvedObject.resourceVersion',
      'involvedObject.fieldPath',
      'reason',
      'reportingComponent',
      'source',
      'type',
    ],
  }),
  row(CORE, 'Namespace', 'namespaces', {
    shortNames: ['ns'],
    namespaced: false,
    verbs: ALL.filter((verb) => verb !== 'deletecollection'),
    selectableFields: ['status.phase'],
    subresources: [{ name: 'finalize', kind: 'Namespace', verbs: ['update'] }, status('Namespace')],
  }),
  row(CORE, 'Node', 'nodes', {
    shortNames: ['no'],
    namespaced: false,
    storagePrefix: 'minions',
    selectableFields: ['spec.unschedulable'],
    subresources: [
      { name: 'proxy', kind: 'NodeProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      status('Node'),
    ],
  }),
  row(CORE, 'Pod', 'pods', {
    hasGeneration: true,
    shortNames: ['po'],
    categories: ['all'],
    selectableFields: [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'spec.hostNetwork',
      'status.phase',
      'status.podIP',
      'status.podIPs',
      'status.nominatedNodeName',
    ],
    subresources: [
      { name: 'attach', kind: 'PodAttachOptions', verbs: CONNECT },
      { name: 'binding', kind: 'Binding', verbs: CREATE },
      { name: 'ephemeralcontainers', kind: 'Pod', verbs: READ_WRITE },
      { name: 'eviction', kind: 'Eviction', group: 'policy', version: 'v1', verbs: CREATE },
      { name: 'exec', kind: 'PodExecOptions', verbs: CONNECT },
      { name: 'log', kind: 'Pod', verbs: ['get'] },
      { name: 'portforward', kind: 'PodPortForwardOptions', verbs: CONNECT },
      { name: 'proxy', kind: 'PodProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      { name: 'resize', kind: 'Pod', verbs: READ_WRITE },
      status('Pod'),
    ],
  }),
  row(CORE, 'Secret', 'secrets', { selectableFields: ['type'] }),
  row(CORE, 'Service', 'services', {
    shortNames: ['svc'],
    categories: ['all'],
    storagePrefix: 'services/specs',
    selectableFields: ['spec.clusterIP', 'spec.type'],
    subresources: [
      { name: 'proxy', kind: 'ServiceProxyOptions', verbs: ['create', 'delete', 'get', 'patch', 'update'] },
      status('Service'),
    ],
  }),
  row(CORE, 'ServiceAccount', 'serviceaccounts', {
    shortNames: ['sa'],
    subresources: [
      { name: 'token', kind: 'TokenRequest', group: 'authentication.k8s.io', version: 'v1', verbs: CREATE },
    ],
  }),
  row(APPS, 'ControllerRevision', 'controllerrevisions'),
  row(APPS, 'Deployment', 'deployments', {
    hasGeneration: true,
    shortNames: ['deploy'],
    categories: ['all'],
    subresources: [SCALE, status('Deployment')],
  }),
  row(APPS, 'ReplicaSet', 'replicasets', {
    hasGeneration: true,
    shortNames: ['rs'],
    categories: ['all'],
    selectableFields: ['status.replicas'],
    subresources: [SCALE, status('ReplicaSet')],
  }),
  row(AUTHENTICATION, 'SelfSubjectReview', 'selfsubjectreviews', {
    namespaced: false,
    verbs: CREATE,
    storagePrefix: '',
  }),
  row(AUTHENTICATION, 'TokenReview', 'tokenreviews', { namespaced: false, verbs: CREATE, storagePrefix: '' }),
  row(AUTHORIZATION, 'LocalSubjectAccessReview', 'localsubjectaccessreviews', { verbs: CREATE, storagePrefix: '' }),
  row(AUTHORIZATION, 'SelfSubjectAccessReview', 'selfsubjectaccessreviews', {
    namespaced: false,
    verbs: CREATE,
    storagePrefix: '',
  }),
  row(AUTHORIZATION, 'SelfSubjectRulesReview', 'selfsubjectrulesreviews', {
    namespaced: false,
    verbs: CREATE,
    storagePrefix: '',
  }),
  row(AUTHORIZATION, 'SubjectAccessReview', 'subjectaccessreviews', {
    namespaced: false,
    verbs: CREATE,
    storagePrefix: '',
  }),
  row(CERTIFICATES, 'CertificateSigningRequest', 'certificatesigningrequests', {
    shortNames: ['csr'],
    namespaced: false,
    selectableFields: ['spec.signerName'],
    subresources: [
      { name: 'approval', kind: 'CertificateSigningRequest', verbs: READ_WRITE },
      status('CertificateSigningRequest'),
    ],
  }),
  row(COORDINATION, 'Lease', 'leases'),
  row(DISCOVERY, 'EndpointSlice', 'endpointslices', { hasGeneration: true }),
  row(EVENTS, 'Event', 'events', {
    shortNames: ['ev'],
    storedAs: { group: '', version: 'v1' },
    selectableFields: [
      'reason',
      'regarding.kind',
      'regarding.name',
      'regarding.namespace',
      'regarding.uid',
      'reportingController',
      'type',
    ],
  }),
  row(RBAC, 'ClusterRole', 'clusterroles', { namespaced: false }),
  row(RBAC, 'ClusterRoleBinding', 'clusterrolebindings', { namespaced: false }),
  row(RBAC, 'Role', 'roles'),
  row(RBAC, 'RoleBinding', 'rolebindings'),
  ...TWIN_KINDS,
];

/** Group versions in the order in which discovery prefers them (kube-apiserver's group priorities). */
export const GROUP_ORDER: readonly string[] = [
  '',
  'apps',
  'events.k8s.io',
  'authentication.k8s.io',
  'authorization.k8s.io',
  'certificates.k8s.io',
  'policy',
  'rbac.authorization.k8s.io',
  'storage.k8s.io',
  'coordination.k8s.io',
  'node.k8s.io',
  'discovery.k8s.io',
  'resource.k8s.io',
];
