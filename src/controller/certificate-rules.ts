import type { CertificateSigningRequestSpec, Node } from '../api/objects.ts';
import type { ExtendedUsage, SigningRequest } from '../host/pki.ts';

/** What each signer demands of a request (kubernetes.io, "Certificates and Certificate Signing Requests"). Pure. */

/** Signs boards' client certificates, `system:node:<name>`. */
export const KUBELET_CLIENT = 'kubernetes.io/kube-apiserver-client-kubelet';
/** Signs what kubelets serve with. */
export const KUBELET_SERVING = 'kubernetes.io/kubelet-serving';
/** Signs people's client certificates; approved by people. */
export const API_CLIENT = 'kubernetes.io/kube-apiserver-client';

const NODE_PREFIX = 'system:node:';
const NODES_GROUP = 'system:nodes';

type Spec = Pick<CertificateSigningRequestSpec, 'signerName' | 'usages' | 'username' | 'groups'>;

function usagesAre(spec: Spec, ...required: readonly string[]): boolean {
  const usages = new Set<string>(spec.usages ?? []);
  const allowed = new Set([...required, 'key encipherment']);
  return required.every((usage) => usages.has(usage)) && [...usages].every((usage) => allowed.has(usage));
}

/** What is wrong with names that are not a board's own (pkg/apis/certificates/helpers.go, whose texts these are). */
function whyNotBoard({ subject }: SigningRequest): string | undefined {
  const { commonName, organizations = [] } = subject;
  if (organizations.length !== 1 || organizations[0] !== NODES_GROUP) return 'subject organization is not system:nodes';
  if (!commonName.startsWith(NODE_PREFIX) || commonName === NODE_PREFIX)
    return "subject common name does not begin with 'system:node:'";
  return undefined;
}

/** Why a request is not one that its signer signs; undefined when it is. */
export function whyNotSignable(spec: Spec, request: SigningRequest): string | undefined {
  switch (spec.signerName) {
    case KUBELET_CLIENT:
      if (request.dnsNames.length > 0) return 'DNS subjectAltNames are not allowed';
      if (request.ipAddresses.length > 0) return 'IP subjectAltNames are not allowed';
      return whyNotBoard(request) ?? whyNotOtherNames(request) ?? whyNotUsages(spec, 'client auth');
    case KUBELET_SERVING:
      if (request.dnsNames.length + request.ipAddresses.length === 0) return 'DNS or IP subjectAltName is required';
      return whyNotBoard(request) ?? whyNotOtherNames(request) ?? whyNotUsages(spec, 'server auth');
    case API_CLIENT: {
      const other = (spec.usages ?? []).find((usage) => !CLIENT_USAGES.has(usage));
      if (other !== undefined) return `invalid usage for client certificate: ${other}`;
      return (spec.usages ?? []).includes('client auth')
        ? undefined
        : 'missing required usage for client certificate: client auth';
    }
    default:
      return `no signer named ${spec.signerName}`;
  }
}

const CLIENT_USAGES = new Set<string>(['client auth', 'digital signature', 'key encipherment']);

function whyNotOtherNames({ emailAddresses, uris }: SigningRequest): string | undefined {
  if (emailAddresses.length > 0) return 'Email subjectAltNames are not allowed';
  return uris.length > 0 ? 'URI subjectAltNames are not allowed' : undefined;
}

function whyNotUsages(spec: Spec, purpose: string): string | undefined {
  return usagesAre(spec, 'digital signature', purpose)
    ? undefined
    : `usages did not match [${['digital signature', 'key encipherment', purpose].toSorted().join(' ')}]`;
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

const CONTROL_ROLE = 'node-role.kubernetes.io/control-plane';

function isControl({ metadata }: Node): boolean {
  return metadata?.labels?.[CONTROL_ROLE] !== undefined;
}

function isReady({ status }: Node): boolean {
  return status?.conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
}

/**
 * Why a board that has only a token does not get the identity of this name; undefined when it may. A token says nothing
 * of names, so that whoever has one could become any Node (upstream leaves it at that). Here a Node that runs, or that is
 * a control board, is nobody else's; one that is down may be a board with a new card.
 *
 * @param isSilent whether the board of this name says nothing, whatever its Node still says of it
 */
export function whyNameIsTaken(
  name: string,
  node: Node | undefined,
  apiNames: ReadonlySet<string>,
  isSilent: boolean,
): string | undefined {
  if (apiNames.has(name) || isOfApi(name)) return 'the name is one of the API itself';
  if (node === undefined) return undefined;
  if (isControl(node)) return 'a control board has the name';
  return isReady(node) && !isSilent ? 'a board that runs has the name' : undefined;
}

/**
 * Names and addresses under which a Node may not serve: those of the other boards, and of the API as a whole where it is no
 * control board.
 */
export function takenNames(name: string, nodes: readonly Node[], apiNames: ReadonlySet<string>): ReadonlySet<string> {
  const isOfControl = nodes.some((node) => node.metadata?.name === name && isControl(node));
  const taken = new Set(isOfControl ? [] : apiNames);
  for (const node of nodes) {
    const other = node.metadata?.name ?? '';
    // The network gives the address of a board that is gone to the next one.
    if (other === name || !(isControl(node) || isReady(node))) continue;
    for (const one of [other, `${other}.local`]) taken.add(one);
    for (const { address } of node.status?.addresses ?? []) taken.add(address);
  }
  return taken;
}

/**
 * Whether a board asks for a serving certificate of its own: it must be that Node itself, and each name one that its
 * Node object has and nobody else. A Node writes its own addresses, so that it could name any. Upstream leaves this to a
 * person; without it logs and exec only work unverified.
 */
export function isOwnServingRequest(
  spec: Spec,
  request: SigningRequest,
  nodeAddresses: readonly { readonly type: string; readonly address: string }[],
  taken: ReadonlySet<string>,
): boolean {
  if (spec.username !== request.subject.commonName || !(spec.groups ?? []).includes(NODES_GROUP)) return false;
  const name = request.subject.commonName.slice(NODE_PREFIX.length);
  const dns = new Set([
    name,
    ...nodeAddresses.filter(({ type }) => type.endsWith('DNS') || type === 'Hostname').map(({ address }) => address),
  ]);
  const ips = new Set(nodeAddresses.filter(({ type }) => type.endsWith('IP')).map(({ address }) => address));
  if ([...request.dnsNames, ...request.ipAddresses].some((one) => taken.has(one) || isOfApi(one))) return false;
  return request.dnsNames.every((one) => dns.has(one)) && request.ipAddresses.every((one) => ips.has(one));
}

/** What pods know the API by, and what means the asker's own machine, in every cluster. */
function isOfApi(name: string): boolean {
  return /^(?:kubernetes|localhost)(?:\.|$)|^127\.|^::1$|[*]/i.test(name);
}
