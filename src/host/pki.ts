import { createHash, createPrivateKey, createPublicKey, generateKeyPair, X509Certificate } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { promisify } from 'node:util';
import type * as CertificateMaker from './certificate-maker.ts';

/** Keys, certificates and signing requests. All keys are EC P-256. */

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

/** DNS names and addresses that a server answers to. */
export type AltNames = readonly string[];

export interface Authority {
  readonly certPem: string;
  readonly keyPem: string;
}

export type ExtendedUsage = 'server' | 'client';

export interface SigningRequest {
  readonly subject: Subject;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

/** A new private key, PKCS#8 PEM. */
export async function createKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

/** A self-signed authority, valid ten years unless told otherwise. */
export async function createAuthority(commonName: string, nowMs: number, days = 3650): Promise<Authority> {
  return (await maker()).createAuthority(commonName, nowMs, days);
}

/** A signing request, PEM, for the key. */
export async function createSigningRequest(keyPem: string, subject: Subject, altNames: AltNames = []): Promise<string> {
  return (await maker()).createSigningRequest(keyPem, subject, altNames);
}

/** What a signing request asks for. @throws Error when it cannot be read, is not signed by its own key, or names two subjects */
export async function readSigningRequest(requestPem: string): Promise<SigningRequest> {
  return (await maker()).readSigningRequest(requestPem);
}

export interface SignOptions {
  readonly authority: Authority;
  readonly usages: readonly ExtendedUsage[];
  readonly nowMs: number;
  /** Cut to the authority's own end. */
  readonly lifetimeMs: number;
}

/** Signs what readSigningRequest reads of a request, no more: subject and names are the caller's to check. A PEM. */
export async function signRequest(requestPem: string, options: SignOptions): Promise<string> {
  return (await maker()).signRequest(requestPem, options);
}

export interface IssueOptions extends SignOptions {
  readonly subject: Subject;
  readonly altNames?: AltNames;
}

/** Makes a key and a certificate for it in one go, where the authority's key is on the same board. */
export async function issue(options: IssueOptions): Promise<{ certPem: string; keyPem: string }> {
  return (await maker()).issue(options);
}

/** Loaded when something is to be made, which most starts of most parts never do. */
async function maker(): Promise<typeof CertificateMaker> {
  return import('./certificate-maker.ts');
}

/** `sha256:<hex>` of the certificate's public key, as kubeadm's discovery hash (RFC 7469 section 2.4). */
export function publicKeyHash(certPem: string | Uint8Array): string {
  const spki = new X509Certificate(certPem).publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

export interface CertificateFacts {
  readonly subject: Subject;
  readonly altNames: AltNames;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What a certificate says. @throws Error when it cannot be read */
export function readCertificate(certPem: string): CertificateFacts {
  const certificate = new X509Certificate(certPem);
  const { CN, O } = certificate.toLegacyObject().subject as unknown as Readonly<Record<string, string | string[]>>;
  return {
    subject: { commonName: [CN ?? ''].flat()[0] ?? '', organizations: [O ?? []].flat() },
    altNames: (certificate.subjectAltName ?? '').split(', ').flatMap(altName),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
  };
}

/** `DNS:web.local` and `IP Address:10.0.0.1` as OpenSSL prints them -> the name alone; an IPv6 address in its short form. */
function altName(text: string): string[] {
  const [, name] = /^(?:DNS|IP Address|URI|email):(.+)$/.exec(text) ?? [];
  if (name === undefined) return [];
  return [isIPv6(name) ? new URL(`http://[${name}]`).hostname.slice(1, -1) : name];
}

/** Whether the certificate is of this key and signed by this authority. Says nothing of its dates. */
export function belongsTogether(certPem: string, keyPem: string, caPem: string): boolean {
  const certificate = new X509Certificate(certPem);
  return (
    certificate.checkPrivateKey(createPrivateKey(keyPem)) && certificate.verify(new X509Certificate(caPem).publicKey)
  );
}

/** The public half of a private key, PEM (SPKI). */
export function publicKeyOf(keyPem: string): string {
  return createPublicKey(keyPem).export({ type: 'spki', format: 'pem' }).toString();
}
