import { qualifiedResource } from '../api/kinds/kind.ts';
import { KINDS } from '../api/kinds/rows.ts';
import type * as objects from '../api/objects.ts';
import type { KubeObject } from '../api/objects.ts';
import type { Resource } from './api-client.ts';

/** Where our parts find each kind: a constant per resource with its type, to be given to ApiClient and informers. */

const ROWS = new Map(KINDS.map((kind) => [qualifiedResource(kind), kind]));

/** The place of a built-in kind, from its row. @param name as `pods`, `deployments.apps` */
function builtIn<T extends KubeObject>(name: string): Resource<T> {
  const row = ROWS.get(name);
  if (row === undefined) throw new Error(`no row of api/kinds/rows.ts is called ${name}`);
  const { group, version, kind, plural, namespaced } = row;
  return { group, version, kind, plural, namespaced };
}

export const configMaps = builtIn<objects.ConfigMap>('configmaps');
export const coreEvents = builtIn<objects.CoreEvent>('events');
export const endpoints = builtIn<objects.Endpoints>('endpoints');
export const namespaces = builtIn<objects.Namespace>('namespaces');
export const nodes = builtIn<objects.Node>('nodes');
export const pods = builtIn<objects.Pod>('pods');
export const secrets = builtIn<objects.Secret>('secrets');
export const serviceAccounts = builtIn<objects.ServiceAccount>('serviceaccounts');
export const services = builtIn<objects.Service>('services');

export const deployments = builtIn<objects.Deployment>('deployments.apps');
export const replicaSets = builtIn<objects.ReplicaSet>('replicasets.apps');
export const statefulSets = builtIn<objects.StatefulSet>('statefulsets.apps');

export const tokenReviews = builtIn<objects.TokenReview>('tokenreviews.authentication.k8s.io');
export const subjectAccessReviews = builtIn<objects.SubjectAccessReview>('subjectaccessreviews.authorization.k8s.io');

export const certificateSigningRequests = builtIn<objects.CertificateSigningRequest>(
  'certificatesigningrequests.certificates.k8s.io',
);
export const leases = builtIn<objects.Lease>('leases.coordination.k8s.io');
export const endpointSlices = builtIn<objects.EndpointSlice>('endpointslices.discovery.k8s.io');

/** For `create(podBindings, binding, { subresource: 'binding' })`: binds the pod of the binding's name to a node. */
export const podBindings = builtIn<objects.Binding>('pods');
/** For `create(serviceAccountTokens, request, { subresource: 'token' })`: a bound token of that service account. */
export const serviceAccountTokens = builtIn<objects.TokenRequest>('serviceaccounts');
