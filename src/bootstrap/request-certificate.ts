import { setTimeout as sleep } from 'node:timers/promises';
import type { CertificateSigningRequest, CertificateSigningRequestSpec } from '../api/objects.ts';
import { StatusError } from '../api/status.ts';
import type { ApiClient } from '../client/api-client.ts';
import { certificateSigningRequests } from '../client/resources.ts';
import { createSigningRequest, type Subject } from '../host/pki.ts';

type Usage = NonNullable<CertificateSigningRequestSpec['usages']>[number];

interface CertificateRequest {
  readonly keyPem: string;
  readonly signerName: string;
  readonly subject: Subject;
  readonly altNames?: readonly string[];
  readonly usages: readonly Usage[];
  /** Start of the object's name, as upstream's `csr-` and `node-csr-`. */
  readonly namePrefix: string;
  /** Told the request's name, once, when it has had no answer for a while. */
  readonly onLate?: (name: string) => void;
}

const POLL_MS = 500;
const LATE_MS = 10_000;
/** As long as upstream's kubelet waits before it asks anew. */
const WAIT_MS = 15 * 60_000;

/**
 * Asks the cluster to sign a certificate and waits for it (KEP-1513). Polls rather than watches: a board that joins may
 * create and get its own request, and nothing else.
 * @throws StatusError Forbidden when the request is denied, Timeout when nobody answers it in 15 minutes
 */
export async function requestCertificate(
  client: ApiClient,
  request: CertificateRequest,
  signal: AbortSignal,
): Promise<string> {
  const { keyPem, subject, altNames, signerName, usages, namePrefix } = request;
  const pem = await createSigningRequest(keyPem, subject, altNames);
  const created = await client.create<CertificateSigningRequest>(
    certificateSigningRequests,
    {
      apiVersion: 'certificates.k8s.io/v1',
      kind: 'CertificateSigningRequest',
      metadata: { generateName: namePrefix },
      spec: { request: Buffer.from(pem).toString('base64'), signerName, usages: [...usages] },
    },
    { signal },
  );
  const name = created.metadata?.name ?? '';
  const startMs = performance.now();
  const deadlineMs = startMs + WAIT_MS;
  let isLate = false;
  while (performance.now() < deadlineMs) {
    const { status } = await client.get(certificateSigningRequests, '', name, { signal });
    const refused = status?.conditions?.find(({ type }) => type === 'Denied' || type === 'Failed');
    if (refused !== undefined)
      throw new StatusError(
        'Forbidden',
        `certificate request ${name} was ${refused.type.toLowerCase()}: ${refused.message ?? ''}`,
      );
    if (status?.certificate !== undefined) return Buffer.from(status.certificate, 'base64').toString('utf8');
    if (!isLate && performance.now() - startMs > LATE_MS) request.onLate?.(name);
    isLate = performance.now() - startMs > LATE_MS;
    await sleep(POLL_MS, undefined, { signal });
  }
  throw new StatusError('Timeout', `nobody signed certificate request ${name} in ${WAIT_MS / 60_000} minutes`);
}
