import type { CertificateSigningRequestSpec } from '../api/objects.ts';
import type { ExtendedUsage, SigningRequest } from '../host/pki.ts';

/** What each signer demands of a request (kubernetes.io, "Certificates and Certificate Signing Requests"). Pure. */

export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
export const API_CLIENT = 'kubernetes.io/kube-apiserver-client';

const NODE_PREFIX = 'system:node:';
const NODES_GROUP = 'system:nodes';

type Spec = Pick<CertificateSigningRequestSpec, 'signerName' | 'usages' | 'username' | 'groups'>;

function usagesAre(spec: Spec, ...required: readonly string[]): boolean {
  const usages = new Set<string>(spec.usages ?? []);
  const allowed = new Set([...required, 'key encipherment']);
  return required.every((usage) => usages.has(usage)) && [...usages].every((usage) => allowed.has(usage));
}

function isNodeSubject({ subject }: SigningRequest): boolean {
  const { commonName, organizations = [] } = subject;
  const isNode = commonName.startsWith(NODE_PREFIX) && commonName !== NODE_PREFIX;
  return isNode && organizations.length === 1 && organizations[0] === NODES_GROUP;
}

/** Why a request is not one that its signer signs; undefined when it is. */
export function whyNotSignable(spec: Spec, request: SigningRequest): string | undefined {
  const hasNames = request.dnsNames.length + request.ipAddresses.length > 0;
  const hasOthers = request.emailAddresses.length + request.uris.length > 0;
  switch (spec.signerName) {
    case KUBELET_CLIENT:
      if (!isNodeSubject(request)) return 'subject must be system:node:<name> in group system:nodes';
      if (hasNames || hasOthers) return 'alternative names are not allowed';
      return usagesAre(spec, 'digital signature', 'client auth')
        ? undefined
        : 'usages must be digital signature and client auth';
    case KUBELET_SERVING:
      if (!isNodeSubject(request)) return 'subject must be system:node:<name> in group system:nodes';
      if (!hasNames) return 'DNS or IP alternative names are required';
      if (hasOthers) return 'email and URI alternative names are not allowed';
      return usagesAre(spec, 'digital signature', 'server auth')
        ? undefined
        : 'usages must be digital signature and server auth';
    case API_CLIENT:
      return (spec.usages ?? []).includes('client auth') && !(spec.usages ?? []).includes('server auth')
        ? undefined
        : 'usages must hold client auth and not server auth';
    default:
      return `no signer named ${spec.signerName}`;
  }
}

/** Extended key usages of the certificate that each signer gives. */
export function usagesOf(signerName: string): readonly ExtendedUsage[] {
  return signerName === KUBELET_SERVING ? ['server'] : ['client'];
}

/** What the requester must be allowed to do for its request to be approved without a person (sarapprove.go). */
export function approvalPermission(
  spec: Spec,
  request: SigningRequest,
): { subresource: string; message: string } | undefined {
  if (spec.signerName !== KUBELET_CLIENT) return undefined;
  return spec.username === request.subject.commonName
    ? {
        subresource: 'selfnodeclient',
        message: 'Auto approving self kubelet client certificate after SubjectAccessReview.',
      }
    : { subresource: 'nodeclient', message: 'Auto approving kubelet client certificate after SubjectAccessReview.' };
}

/**
 * Whether a board asks for a serving certificate of its own: it must be that Node itself, and each name one that its
 * Node object has. Upstream leaves this to a person; without it logs and exec only work unverified.
 */
export function isOwnServingRequest(
  spec: Spec,
  request: SigningRequest,
  nodeAddresses: readonly { readonly type: string; readonly address: string }[],
): boolean {
  if (spec.username !== request.subject.commonName || !(spec.groups ?? []).includes(NODES_GROUP)) return false;
  const name = request.subject.commonName.slice(NODE_PREFIX.length);
  const dns = new Set([
    name,
    ...nodeAddresses.filter(({ type }) => type.endsWith('DNS') || type === 'Hostname').map(({ address }) => address),
  ]);
  const ips = new Set(nodeAddresses.filter(({ type }) => type.endsWith('IP')).map(({ address }) => address));
  return request.dnsNames.every((one) => dns.has(one)) && request.ipAddresses.every((one) => ips.has(one));
}
