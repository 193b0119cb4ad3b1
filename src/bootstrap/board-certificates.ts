import { addressAt } from '../api/ipv4.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import {
  belongsTogether,
  issue,
  readCertificate,
  type Authority,
  type ExtendedUsage,
  type Subject,
} from '../host/pki.ts';
import type { ControlKeys } from './authorities.ts';
import type { BoardConfig } from './board-config.ts';
import { type BoardFiles, keyPair } from './board-files.ts';

/** A certificate that a control board makes for itself, since it holds the authorities' keys. */
export interface LocalCertificate {
  /** File name below the pki folder, without its ending. */
  readonly name: string;
  readonly authority: 'cluster' | 'store' | 'frontProxy';
  readonly subject: Subject;
  readonly usages: readonly ExtendedUsage[];
  readonly altNames: readonly string[];
  /** Whether the authority's certificate follows in the same file: a board that joins knows its cluster by it. */
  readonly isChain?: boolean;
}

const LIFETIME_MS = 365 * 86_400_000;

const EXPIRED = 'it has expired';

const STORE_CLIENT = 'kube-apiserver-etcd-client';

/**
 * Whose certificates of the store's authority open which of its ports, by common name. Members show theirs, which carry
 * their boards' names, to members only; clients may not pass for a member, nor a member for a client.
 */
export const STORE_ACCESS = {
  allowClient: (commonName: string): boolean => commonName === STORE_CLIENT,
  allowPeer: (commonName: string): boolean => commonName !== '' && commonName !== STORE_CLIENT,
} as const;

/** First address of the service range: that of the Service `kubernetes`. */
export function firstServiceAddress(serviceCidr: string): string {
  return addressAt(serviceCidr, 1);
}

/** What the API's certificates on all control boards are good for: names and addresses that are no single board's. */
export function sharedApiNames(config: BoardConfig): readonly string[] {
  return [
    'kubernetes',
    'kubernetes.default',
    'kubernetes.default.svc',
    `kubernetes.default.svc.${config.clusterDomain}`,
    firstServiceAddress(config.serviceCidr),
    ...(config.apiAddress === undefined ? [] : [config.apiAddress]),
    ...config.apiNames,
  ];
}

/** Every certificate that a control board holds (subjects as kubeadm gives them). */
export function localCertificates(config: BoardConfig, address: string): readonly LocalCertificate[] {
  const storeNames = [config.name, `${config.name}.local`, 'localhost', '127.0.0.1', address];
  const apiNames = [...sharedApiNames(config), ...storeNames];
  const client = (name: string, commonName: string, ...organizations: string[]): LocalCertificate => ({
    name,
    authority: 'cluster',
    subject: { commonName, organizations },
    usages: ['client'],
    altNames: [],
  });
  const server = (name: string, authority: 'cluster' | 'store', altNames: readonly string[]): LocalCertificate => ({
    name,
    authority,
    subject: { commonName: authority === 'store' ? config.name : 'kube-apiserver' },
    usages: ['server'],
    altNames: [...new Set(altNames)],
  });
  return [
    server('store-server', 'store', storeNames),
    { ...server('store-peer', 'store', storeNames), usages: ['server', 'client'] },
    { ...client('store-client', STORE_CLIENT), authority: 'store' },
    { ...server('apiserver', 'cluster', apiNames), isChain: true },
    // No administrator: the API server's policy binds this user to system:kubelet-api-admin.
    client('apiserver-kubelet-client', 'kube-apiserver-kubelet-client'),
    { ...client('front-proxy-client', 'front-proxy-client'), authority: 'frontProxy' },
    client('controller-manager', 'system:kube-controller-manager'),
    client('scheduler', 'system:kube-scheduler'),
    client('floating-address', 'system:bramble:control', 'system:bramble:control-boards'),
    client('admin', 'kubernetes-admin', 'system:masters'),
    client('kubelet-client', `system:node:${config.name}`, 'system:nodes'),
  ];
}

/**
 * Why a certificate must be made anew, or undefined while it serves: gone, of another key or authority, in its last
 * third, or for other names than now wanted. One that is not valid yet serves: it was signed by the cluster's clock, and a
 * new one would begin no sooner.
 */
export function whyRenew(
  wanted: Pick<LocalCertificate, 'subject' | 'altNames'>,
  found: { certPem: string | undefined; keyPem: string | undefined; caPem: string },
  nowMs: number,
): string | undefined {
  const { certPem, keyPem, caPem } = found;
  if (certPem === undefined || keyPem === undefined) return 'it is missing';
  try {
    if (!belongsTogether(certPem, keyPem, caPem)) return 'it is of another key or authority';
    const { notBeforeMs, notAfterMs, altNames, subject } = readCertificate(firstOf(certPem));
    if (nowMs > notAfterMs) return EXPIRED;
    if (nowMs > notAfterMs - (notAfterMs - notBeforeMs) / 3) return 'it is in its last third';
    if (!isSameSubject(subject, wanted.subject)) return 'its subject has changed';
    if (wanted.altNames.some((name) => !altNames.includes(name))) return 'its names have changed';
  } catch {
    return 'it cannot be read';
  }
  return undefined;
}

function isSameSubject(one: Subject, other: Subject): boolean {
  const organizations = ({ organizations: names = [] }: Subject): string => [...names].sort().join('\n');
  return one.commonName === other.commonName && organizations(one) === organizations(other);
}

/** What this board has made while its clock was ahead, maybe by years, would be good for nothing until then. */
function whyNotYet(certPem: string | undefined, nowMs: number): string | undefined {
  const isOfThePast = certPem === undefined || readCertificate(firstOf(certPem)).notBeforeMs <= nowMs;
  return isOfThePast ? undefined : 'it was made while the clock was ahead';
}

/** The leaf of a chain. */
function firstOf(pem: string): string {
  const end = '-----END CERTIFICATE-----';
  return pem.slice(0, pem.indexOf(end) + end.length);
}

/** A certificate of a control board that must be made anew. */
export interface DueCertificate {
  readonly certificate: LocalCertificate;
  readonly why: string;
  /** Whether the board's clock says so, which may be wrong. */
  readonly isByDate: boolean;
}

/** What is missing or due of what is wanted, and why. */
export async function dueCertificates(
  files: BoardFiles,
  keys: ControlKeys,
  wanted: readonly LocalCertificate[],
  nowMs: number,
): Promise<readonly DueCertificate[]> {
  const due: DueCertificate[] = [];
  for (const certificate of wanted) {
    const pair = keyPair(files, certificate.name);
    const [certPem, keyPem] = [await readFileIfThere(pair.cert), await readFileIfThere(pair.key)];
    const caPem = keys[certificate.authority].certPem;
    const why = whyRenew(certificate, { certPem, keyPem, caPem }, nowMs);
    const byDate = why === undefined ? whyNotYet(certPem, nowMs) : why === EXPIRED ? why : undefined;
    if (why !== undefined || byDate !== undefined)
      due.push({ certificate, why: why ?? byDate ?? '', isByDate: byDate !== undefined });
  }
  return due;
}

/** Makes what is missing or due. Gives what was made and why; the files of the rest are not touched. */
export async function renewLocalCertificates(
  files: BoardFiles,
  keys: ControlKeys,
  wanted: readonly LocalCertificate[],
  nowMs: number,
): Promise<readonly DueCertificate[]> {
  const due = await dueCertificates(files, keys, wanted, nowMs);
  for (const { certificate } of due) {
    const authority: Authority = keys[certificate.authority];
    const pair = keyPair(files, certificate.name);
    const { subject, usages, altNames } = certificate;
    const fresh = await issue({ authority, subject, usages, altNames, nowMs, lifetimeMs: LIFETIME_MS });
    // Key first: a plug pulled in between leaves a pair that does not match, which the next start mends.
    await writeFileAtomic(pair.key, fresh.keyPem);
    const chain = certificate.isChain === true ? fresh.certPem + authority.certPem : fresh.certPem;
    await writeFileAtomic(pair.cert, chain, 0o644);
  }
  return due;
}
