import 'reflect-metadata';
import { createPrivateKey, createPublicKey, randomBytes, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import * as x509 from '@peculiar/x509';
import { type AltNames, type Authority, createKey, type ExtendedUsage, type IssueOptions } from './pki.ts';
import type { SigningRequest, SignOptions, Subject } from './pki.ts';

/**
 * Makes certificates and signing requests. The one file that knows @peculiar/x509, which takes 10 MB: pki.ts loads it when
 * the first is to be made.
 */

x509.cryptoProvider.set(webcrypto);

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Certificates are valid from a little before now: boards without a clock of their own lag (upstream backdates the same). */
const BACKDATE_MS = 5 * 60_000;

/** A self-signed authority, valid ten years unless told otherwise. */
export async function createAuthority(commonName: string, nowMs: number, days: number): Promise<Authority> {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: distinguishedName({ commonName }),
    notBefore: new Date(nowMs - BACKDATE_MS),
    notAfter: new Date(nowMs + days * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys: keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.cRLSign,
        true,
      ),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certPem: pem(certificate.toString('pem')), keyPem: await exportKey(keys.privateKey) };
}

/** A signing request, PEM, for the key. */
export async function createSigningRequest(keyPem: string, subject: Subject, altNames: AltNames = []): Promise<string> {
  const request = await x509.Pkcs10CertificateRequestGenerator.create({
    name: distinguishedName(subject),
    keys: await importPair(keyPem),
    signingAlgorithm: ALGORITHM,
    extensions: altNames.length === 0 ? [] : [altNamesExtension(altNames)],
  });
  return pem(request.toString('pem'));
}

/**
 * What a signing request asks for. @throws Error when it cannot be read, is not signed by its own key, or names two
 * subjects: readers differ in which of two common names they take
 */
export async function readSigningRequest(requestPem: string): Promise<SigningRequest> {
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  if (!(await request.verify())) throw new Error('the request is not signed by its own key');
  const names = namesOf(request)?.names.items ?? [];
  const ofType = (type: string): string[] => names.filter((name) => name.type === type).map((name) => name.value);
  return {
    subject: readName(request.subjectName),
    dnsNames: ofType('dns'),
    ipAddresses: ofType('ip'),
    emailAddresses: ofType('email'),
    uris: ofType('url'),
  };
}

/**
 * Signs what readSigningRequest reads of a request, and nothing else that it may hold: subject and names are the caller's
 * to check. The PEM of the certificate.
 */
export async function signRequest(requestPem: string, options: SignOptions): Promise<string> {
  const { subject, dnsNames, ipAddresses, emailAddresses, uris } = await readSigningRequest(requestPem);
  const request = new x509.Pkcs10CertificateRequest(requestPem);
  const issuer = new x509.X509Certificate(options.authority.certPem);
  const names = [
    ...dnsNames.map((value) => ({ type: 'dns' as const, value })),
    ...ipAddresses.map((value) => ({ type: 'ip' as const, value })),
    ...emailAddresses.map((value) => ({ type: 'email' as const, value })),
    ...uris.map((value) => ({ type: 'url' as const, value })),
  ];
  const end = Math.min(options.nowMs + options.lifetimeMs, issuer.notAfter.getTime());
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: distinguishedName(subject),
    issuer: issuer.subjectName,
    notBefore: new Date(options.nowMs - BACKDATE_MS),
    notAfter: new Date(end),
    signingAlgorithm: ALGORITHM,
    publicKey: await request.publicKey.export(),
    signingKey: await importPrivate(options.authority.keyPem),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature | x509.KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(options.usages.map((usage) => EXTENDED[usage])),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ...(names.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension(names)]),
    ],
  });
  return pem(certificate.toString('pem'));
}

const EXTENDED: Record<ExtendedUsage, string> = {
  server: x509.ExtendedKeyUsage.serverAuth,
  client: x509.ExtendedKeyUsage.clientAuth,
};

/** Makes a key and a certificate for it in one go, where the authority's key is on the same board. */
export async function issue(options: IssueOptions): Promise<{ certPem: string; keyPem: string }> {
  const keyPem = await createKey();
  const request = await createSigningRequest(keyPem, options.subject, options.altNames);
  return { keyPem, certPem: await signRequest(request, options) };
}

/** The subject alternative names. Asked for by number: the library's look-up by class does not find what it has read itself. */
function namesOf(request: x509.Pkcs10CertificateRequest): x509.SubjectAlternativeNameExtension | null {
  return request.getExtension('2.5.29.17') as x509.SubjectAlternativeNameExtension | null;
}

function readName(name: x509.Name): Subject {
  const [commonName = '', second] = name.getField('CN');
  if (second !== undefined) throw new Error('the request has more than one common name');
  return { commonName, organizations: name.getField('O') };
}

/** As UTF-8 whatever they hold: a bare text that begins with `#` or a quote means something else to the library. */
function distinguishedName({ commonName, organizations = [] }: Subject): x509.Name {
  const groups = organizations.map((organization) => ({ O: [{ utf8String: organization }] }));
  return new x509.Name(commonName === '' ? groups : [...groups, { CN: [{ utf8String: commonName }] }]);
}

function altNamesExtension(altNames: AltNames): x509.SubjectAlternativeNameExtension {
  return new x509.SubjectAlternativeNameExtension(
    altNames.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
  );
}

/** 127 random bits: positive, and never the same twice (RFC 5280 section 4.1.2.2). */
function serial(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x01;
  return bytes.toString('hex');
}

function pem(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key));
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
    .export({ type: 'pkcs8', format: 'pem' })
    .toString();
}

async function importPrivate(keyPem: string): Promise<webcrypto.CryptoKey> {
  const der = createPrivateKey(keyPem).export({ type: 'pkcs8', format: 'der' });
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, true, ['sign']);
}

async function importPair(keyPem: string): Promise<webcrypto.CryptoKeyPair> {
  const der = createPublicKey(keyPem).export({ type: 'spki', format: 'der' });
  const publicKey = await webcrypto.subtle.importKey('spki', der, ALGORITHM, true, ['verify']);
  return { privateKey: await importPrivate(keyPem), publicKey: publicKey };
}
