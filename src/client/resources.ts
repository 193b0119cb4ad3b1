import type * as objects from '../api/objects.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from './api-client.ts';

/** Where our parts find each kind: a constant per resource, to be given to ApiClient and informers. */

interface Home {
  readonly group: string;
  readonly version: string;
}

const CORE: Home = { group: '', version: 'v1' };
const APPS: Home = { group: 'apps', version: 'v1' };
const AUTHENTICATION: Home = { group: 'authentication.k8s.io', version: 'v1' };
const AUTHORIZATION: Home = { group: 'authorization.k8s.io', version: 'v1' };
const CERTIFICATES: Home = { group: 'certificates.k8s.io', version: 'v1' };
const COORDINATION: Home = { group: 'coordination.k8s.io', version: 'v1' };
const DISCOVERY: Home = { group: 'discovery.k8s.io', version: 'v1' };

function namespaced<T extends KubeObject>(home: Home, kind: string, plural: string): Resource<T> {
  return { ...home, kind, plural, namespaced: true };
}

function clusterScoped<T extends KubeObject>(home: Home, kind: string, plural: string): Resource<T> {
  return { ...home, kind, plural, namespaced: false };
}

export const configMaps = namespaced<objects.ConfigMap>(CORE, 'ConfigMap', 'configmaps');
export const coreEvents = namespaced<objects.CoreEvent>(CORE, 'Event', 'events');
export const endpoints = namespaced<objects.Endpoints>(CORE, 'Endpoints', 'endpoints');
export const namespaces = clusterScoped<objects.Namespace>(CORE, 'Namespace', 'namespaces');
export const nodes = clusterScoped<objects.Node>(CORE, 'Node', 'nodes');
export const pods = namespaced<objects.Pod>(CORE, 'Pod', 'pods');
export const secrets = namespaced<objects.Secret>(CORE, 'Secret', 'secrets');
export const serviceAccounts = namespaced<objects.ServiceAccount>(CORE, 'ServiceAccount', 'serviceaccounts');
export const services = namespaced<objects.Service>(CORE, 'Service', 'services');

export const deployments = namespaced<objects.Deployment>(APPS, 'Deployment', 'deployments');
export const replicaSets = namespaced<objects.ReplicaSet>(APPS, 'ReplicaSet', 'replicasets');
export const statefulSets = namespaced<objects.StatefulSet>(APPS, 'StatefulSet', 'statefulsets');

export const tokenReviews = clusterScoped<objects.TokenReview>(AUTHENTICATION, 'TokenReview', 'tokenreviews');
export const subjectAccessReviews = clusterScoped<objects.SubjectAccessReview>(
  AUTHORIZATION,
  'SubjectAccessReview',
  'subjectaccessreviews',
);

export const certificateSigningRequests = clusterScoped<objects.CertificateSigningRequest>(
  CERTIFICATES,
  'CertificateSigningRequest',
  'certificatesigningrequests',
);
export const leases = namespaced<objects.Lease>(COORDINATION, 'Lease', 'leases');
export const endpointSlices = namespaced<objects.EndpointSlice>(DISCOVERY, 'EndpointSlice', 'endpointslices');

/** For `create(podBindings, binding, { subresource: 'binding' })`: binds the pod of the binding's name to a node. */
export const podBindings = namespaced<objects.Binding>(CORE, 'Pod', 'pods');
/** For `create(serviceAccountTokens, request, { subresource: 'token' })`: a bound token of that service account. */
export const serviceAccountTokens = namespaced<objects.TokenRequest>(CORE, 'ServiceAccount', 'serviceaccounts');
