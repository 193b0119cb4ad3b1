import { join } from 'node:path';
import type { ApiClient } from '../client/api-client.ts';
import type { Clock } from '../host/clock.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import { createAuthority, createKey, issue } from '../host/pki.ts';
import { whyRenew } from './board-certificates.ts';
import { type BoardFiles, keyPair } from './board-files.ts';
import { requestCertificate } from './request-certificate.ts';

interface KubeletCertificatesOptions {
  readonly client: ApiClient;
  readonly files: BoardFiles;
  readonly nodeName: string;
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
}

const CHECK_MS = 60_000;
/** A request that failed is made again after this; the Node's addresses may not be known yet. */
const AGAIN_MS = 10_000;
const HOUR_MS = 3_600_000;

interface Wanted {
  readonly name: string;
  readonly signerName: string;
  readonly usage: 'client auth' | 'server auth';
  readonly altNames: readonly string[];
}

/**
 * A serving certificate for the time until the cluster has signed one: nobody trusts it, but the kubelet can listen.
 * Does nothing where there is one already.
 */
export async function ensureServingCertificate(files: BoardFiles, nodeName: string, nowMs: number): Promise<void> {
  const pair = keyPair(files, 'kubelet-server');
  if ((await readFileIfThere(pair.cert)) !== undefined && (await readFileIfThere(pair.key)) !== undefined) return;
  const authority = await createAuthority(`${nodeName}-unsigned`, nowMs, 1);
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  const { certPem, keyPem } = await issue({
    authority,
    subject,
    usages: ['server'],
    altNames: [nodeName],
    nowMs,
    lifetimeMs: HOUR_MS,
  });
  await writeFileAtomic(pair.key, keyPem);
  await writeFileAtomic(pair.cert, certPem, 0o644);
}

/** Keeps the kubelet's two certificates alive: asks for new ones in the last third of their time, with its own identity. */
export async function runKubeletCertificates(options: KubeletCertificatesOptions, signal: AbortSignal): Promise<void> {
  const { nodeName, address, clock, log } = options;
  const wanted: readonly Wanted[] = [
    {
      name: 'kubelet-client',
      signerName: 'kubernetes.io/kube-apiserver-client-kubelet',
      usage: 'client auth',
      altNames: [],
    },
    {
      name: 'kubelet-server',
      signerName: 'kubernetes.io/kubelet-serving',
      usage: 'server auth',
      altNames: [nodeName, address],
    },
  ];
  while (!signal.aborted) {
    let waitMs = CHECK_MS;
    for (const one of wanted) {
      try {
        await renew(options, one, signal);
      } catch (error) {
        if (!signal.aborted) log.warn('could not renew a certificate', { name: one.name, error });
        waitMs = AGAIN_MS;
      }
    }
    await clock.sleepMs(waitMs, signal).catch(() => undefined);
  }
}

async function renew(options: KubeletCertificatesOptions, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const { client, files, nodeName, clock, log } = options;
  const pair = keyPair(files, wanted.name);
  const subject = { commonName: `system:node:${nodeName}`, organizations: ['system:nodes'] };
  const found = {
    certPem: await readFileIfThere(pair.cert),
    keyPem: await readFileIfThere(pair.key),
    caPem: (await readFileIfThere(join(files.pki, 'ca.crt'))) ?? '',
  };
  const why = whyRenew({ subject, altNames: wanted.altNames }, found, clock.nowMs());
  if (why === undefined) return;
  const keyPem = await createKey();
  const certPem = await requestCertificate(
    client,
    {
      keyPem,
      subject,
      signerName: wanted.signerName,
      altNames: wanted.altNames,
      usages: ['digital signature', wanted.usage],
      namePrefix: 'csr-',
    },
    signal,
  );
  await writeFileAtomic(pair.key, keyPem);
  await writeFileAtomic(pair.cert, certPem, 0o644);
  log.info('renewed a certificate', { name: wanted.name, why });
}
