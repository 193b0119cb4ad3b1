import type {
  CertificateSigningRequest,
  CertificateSigningRequestCondition,
  SubjectAccessReview,
} from '../api/objects.ts';
import { ignoring, isReason } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import { certificateSigningRequests, leases, nodes, subjectAccessReviews } from '../client/resources.ts';
import { type Authority, readSigningRequest, type SigningRequest, signRequest } from '../host/pki.ts';
import { BoardSilence } from './board-silence.ts';
import {
  API_CLIENT,
  approvalPermission,
  isOwnServingRequest,
  KUBELET_CLIENT,
  KUBELET_SERVING,
  takenNames,
  usagesOf,
  whyNameIsTaken,
  whyNotSignable,
} from './certificate-rules.ts';
import { type ControllerContext, type CreateController, queuedController, queueEach } from './controller.ts';

const OUR_SIGNERS = new Set([KUBELET_CLIENT, KUBELET_SERVING, API_CLIENT]);
const YEAR_MS = 365 * 86_400_000;
const HOUR_MS = 3_600_000;
/** How long requests are kept, by how they ended (upstream's CSR cleaner). */
const KEEP_MS = { pending: 24 * HOUR_MS, denied: HOUR_MS, failed: HOUR_MS, approved: HOUR_MS } as const;

/** A request that cannot be approved yet is looked at again: a Node says its addresses later, or a dead one is noticed. */
const AGAIN_MS = 5_000;

/**
 * Approves boards' requests, signs what is approved, and clears away what is done.
 *
 * @param apiNames names and addresses of the API as a whole, under which no board may serve
 */
export function createCertificateController(
  authority: Authority,
  apiNames: ReadonlySet<string> = new Set(),
): CreateController {
  return (context) => {
    const informer = context.informers.of(certificateSigningRequests);
    const nodeInformer = context.informers.of(nodes);
    const silence = new BoardSilence(context.clock);
    return queuedController({
      name: 'certificates',
      context,
      needs: [informer, nodeInformer],
      connect: (queue) => queueEach(informer, queue),
      reconcile: async (name, signal, queue) => {
        const csr = informer.lister.get('', name);
        if (csr === undefined) return;
        const leftMs = untilStaleMs(csr, context.clock.nowMs());
        if (leftMs <= 0) return remove(context, csr, signal);
        queue.addAfter(name, leftMs);
        if (csr.status?.certificate !== undefined || hasCondition(csr, 'Denied') || hasCondition(csr, 'Failed')) return;
        if (!OUR_SIGNERS.has(csr.spec?.signerName ?? '')) return;
        if (!hasCondition(csr, 'Approved')) {
          if (!(await approve(context, csr, { apiNames, silence }, signal)) && csr.spec?.signerName !== API_CLIENT)
            queue.addAfter(name, AGAIN_MS);
          return;
        }
        await sign(context, authority, csr, signal);
      },
    });
  };
}

function hasCondition(csr: CertificateSigningRequest, type: string): boolean {
  return csr.status?.conditions?.some((condition) => condition.type === type && condition.status !== 'False') ?? false;
}

/** Undefined where the request cannot be read. */
async function parse(csr: CertificateSigningRequest): Promise<SigningRequest | undefined> {
  try {
    return await readSigningRequest(Buffer.from(csr.spec?.request ?? '', 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}

/** Whether it was approved. What is not for us to approve is left to people. */
async function approve(
  context: ControllerContext,
  csr: CertificateSigningRequest,
  { apiNames, silence }: { readonly apiNames: ReadonlySet<string>; readonly silence: BoardSilence },
  signal: AbortSignal,
): Promise<boolean> {
  const request = await parse(csr);
  if (csr.spec === undefined || request === undefined || whyNotSignable(csr.spec, request) !== undefined) return false;
  const { lister } = context.informers.of(nodes);
  const nodeName = request.subject.commonName.replace(/^system:node:/, '');
  const node = lister.get('', nodeName);
  const permission = approvalPermission(csr.spec, request);
  if (permission !== undefined) {
    if (!(await isAllowed(context, csr, permission.subresource, signal))) return false;
    // Only a token speaks for this board; one that runs asks with its own certificate.
    const needsName = permission.subresource === 'nodeclient';
    const isSilent = needsName && node !== undefined && (await saysNothing(context, silence, nodeName, signal));
    const taken = needsName ? whyNameIsTaken(nodeName, node, apiNames, isSilent) : undefined;
    if (taken !== undefined) {
      sayOnce(context, csr, { node: nodeName, why: taken });
      return false;
    }
    await addCondition(context, csr, approved(permission.message), 'approval', signal);
    silence.forget(nodeName);
    return true;
  }
  if (csr.spec.signerName !== KUBELET_SERVING) return false;
  const taken = takenNames(nodeName, lister.list(), apiNames);
  if (!isOwnServingRequest(csr.spec, request, node?.status?.addresses ?? [], taken)) return false;
  await addCondition(
    context,
    csr,
    approved('Auto approving serving certificate of a board for its own addresses.'),
    'approval',
    signal,
  );
  return true;
}

/** A board that was off past its certificate's end asks before anybody has noticed that it was off. */
async function saysNothing(
  { client }: ControllerContext,
  silence: BoardSilence,
  board: string,
  signal: AbortSignal,
): Promise<boolean> {
  const lease = await client.get(leases, 'kube-node-lease', board, { signal }).catch((error: unknown) => {
    if (isReason(error, 'NotFound')) return undefined;
    throw error;
  });
  return silence.isSilent(board, lease?.spec?.renewTime);
}

/** Not at each look, and not again by the next leader. */
function sayOnce(
  { log, clock }: ControllerContext,
  { metadata, spec }: CertificateSigningRequest,
  fields: Readonly<Record<string, string>>,
): void {
  const ageMs = clock.nowMs() - Date.parse(metadata?.creationTimestamp ?? '');
  if (ageMs < AGAIN_MS)
    log.warn('a certificate request waits for a person', { request: metadata?.name, by: spec?.username, ...fields });
}

function approved(message: string): Omit<CertificateSigningRequestCondition, 'lastUpdateTime'> {
  return { type: 'Approved', status: 'True', reason: 'AutoApproved', message };
}

async function isAllowed(
  { client }: ControllerContext,
  { spec }: CertificateSigningRequest,
  subresource: string,
  signal: AbortSignal,
): Promise<boolean> {
  const review = {
    apiVersion: 'authorization.k8s.io/v1',
    kind: 'SubjectAccessReview',
    spec: {
      user: spec?.username ?? '',
      uid: spec?.uid ?? '',
      groups: [...(spec?.groups ?? [])],
      extra: spec?.extra ?? {},
      resourceAttributes: {
        group: 'certificates.k8s.io',
        resource: 'certificatesigningrequests',
        verb: 'create',
        version: '*',
        subresource,
      },
    },
  } as SubjectAccessReview;
  const { status } = await client.create(subjectAccessReviews, review, { signal });
  return status?.allowed === true;
}

async function addCondition(
  { client, clock }: ControllerContext,
  csr: CertificateSigningRequest,
  condition: Omit<CertificateSigningRequestCondition, 'lastUpdateTime'>,
  subresource: 'approval' | 'status',
  signal: AbortSignal,
): Promise<void> {
  const now = rfc3339(clock.nowMs());
  const conditions = [
    ...(csr.status?.conditions ?? []),
    { ...condition, lastUpdateTime: now, lastTransitionTime: now },
  ];
  const update = { ...csr, status: { ...csr.status, conditions } } as CertificateSigningRequest;
  await client.update(certificateSigningRequests, withType(update), { subresource, signal });
}

function withType(csr: CertificateSigningRequest): CertificateSigningRequest {
  return { ...csr, apiVersion: 'certificates.k8s.io/v1', kind: 'CertificateSigningRequest' };
}

async function sign(
  context: ControllerContext,
  authority: Authority,
  csr: CertificateSigningRequest,
  signal: AbortSignal,
): Promise<void> {
  const request = await parse(csr);
  const why =
    request === undefined || csr.spec === undefined ? 'the request cannot be read' : whyNotSignable(csr.spec, request);
  if (why !== undefined) {
    await addCondition(
      context,
      csr,
      { type: 'Failed', status: 'True', reason: 'SignerValidationFailure', message: why },
      'status',
      signal,
    );
    return;
  }
  const asked = csr.spec?.expirationSeconds;
  const pem = await signRequest(Buffer.from(csr.spec?.request ?? '', 'base64').toString('utf8'), {
    authority,
    usages: usagesOf(csr.spec?.signerName ?? ''),
    nowMs: context.clock.nowMs(),
    lifetimeMs: asked === undefined ? YEAR_MS : Math.min(YEAR_MS, Math.max(600, asked) * 1000),
  });
  const update = {
    ...csr,
    status: { ...csr.status, certificate: Buffer.from(pem).toString('base64') },
  } as CertificateSigningRequest;
  await context.client.update(certificateSigningRequests, withType(update), { subresource: 'status', signal });
}

/** Until the request may be cleared away. */
function untilStaleMs(csr: CertificateSigningRequest, nowMs: number): number {
  const ended = (['Denied', 'Failed', 'Approved'] as const).find((type) => hasCondition(csr, type));
  const condition = csr.status?.conditions?.find(({ type }) => type === ended);
  const sinceMs = Date.parse(condition?.lastUpdateTime ?? csr.metadata?.creationTimestamp ?? '');
  const keepMs =
    ended === undefined
      ? KEEP_MS.pending
      : KEEP_MS[ended === 'Denied' ? 'denied' : ended === 'Failed' ? 'failed' : 'approved'];
  return Number.isNaN(sinceMs) ? keepMs : sinceMs + keepMs - nowMs;
}

async function remove(
  { client }: ControllerContext,
  { metadata: { name = '', uid = '' } = {} }: CertificateSigningRequest,
  signal: AbortSignal,
): Promise<void> {
  await client
    .delete(certificateSigningRequests, { namespace: '', name }, { preconditions: { uid }, signal })
    .catch(ignoring('NotFound', 'Conflict'));
}
