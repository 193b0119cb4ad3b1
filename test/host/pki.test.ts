import 'reflect-metadata';
import { webcrypto, X509Certificate } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import t from 'tap';
import { userOf } from '../../src/apiserver/authentication/x509-authenticator.ts';
import {
  belongsTogether,
  createAuthority,
  createKey,
  createSigningRequest,
  issue,
  publicKeyHash,
  readCertificate,
  readSigningRequest,
  signRequest,
} from '../../src/host/pki.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const YEAR_MS = 365 * 86_400_000;

void t.test('issue() makes a certificate that the authority vouches for, with its names', async (t) => {
  const authority = await createAuthority('bramble-ca', NOW_MS);
  const { certPem, keyPem } = await issue({
    authority,
    usages: ['server', 'client'],
    nowMs: NOW_MS,
    lifetimeMs: YEAR_MS,
    subject: { commonName: 'system:node:w1', organizations: ['system:nodes'] },
    altNames: ['w1', '10.0.0.1', 'fd00::1'],
  });

  t.ok(belongsTogether(certPem, keyPem, authority.certPem));
  const facts = readCertificate(certPem);
  t.same(facts.subject, { commonName: 'system:node:w1', organizations: ['system:nodes'] });
  t.same(facts.altNames, ['w1', '10.0.0.1', 'fd00::1']);
  t.equal(facts.notBeforeMs, NOW_MS - 5 * 60_000);
  t.equal(facts.notAfterMs, NOW_MS + YEAR_MS);
});

void t.test('belongsTogether() is false for another authority and for another key', async (t) => {
  const [one, other] = [await createAuthority('a', NOW_MS), await createAuthority('a', NOW_MS)];
  const options = { usages: ['client'], nowMs: NOW_MS, lifetimeMs: YEAR_MS, subject: { commonName: 'x' } } as const;
  const { certPem, keyPem } = await issue({ authority: one, ...options });

  t.notOk(belongsTogether(certPem, keyPem, other.certPem));
  t.notOk(belongsTogether(certPem, await createKey(), one.certPem));
  t.not(publicKeyHash(one.certPem), publicKeyHash(other.certPem));
});

void t.test('signRequest() never outlives the authority', async (t) => {
  const authority = await createAuthority('a', NOW_MS, 10);
  const request = await createSigningRequest(await createKey(), { commonName: 'x' }, ['x.local']);
  const certPem = await signRequest(request, { authority, usages: ['server'], nowMs: NOW_MS, lifetimeMs: YEAR_MS });

  t.equal(readCertificate(certPem).notAfterMs, NOW_MS + 10 * 86_400_000);
});

void t.test('readSigningRequest() refuses a request that its key did not sign', async (t) => {
  const request = await createSigningRequest(await createKey(), { commonName: 'x' }, ['x.local', '10.0.0.1']);
  const { dnsNames, ipAddresses } = await readSigningRequest(request);
  t.same([dnsNames, ipAddresses], [['x.local'], ['10.0.0.1']]);

  const lines = request.split('\n');
  const body = Buffer.from(lines.slice(1, -2).join(''), 'base64');
  body[body.length - 1] = (body[body.length - 1] ?? 0) ^ 1;
  const forged = [lines[0], body.toString('base64'), lines.at(-2), ''].join('\n');
  await t.rejects(readSigningRequest(forged));
});

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' };

/** A request as no honest program makes it. */
async function oddRequest(name: x509.JsonNameParams, extensions: x509.Extension[] = []): Promise<string> {
  x509.cryptoProvider.set(webcrypto);
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const options = { name: new x509.Name(name), keys, signingAlgorithm: ALGORITHM, extensions };
  return (await x509.Pkcs10CertificateRequestGenerator.create(options)).toString('pem');
}

// The API server takes the last of two common names, as Go does: the first may be a board's, the last an administrator's.
void t.test(
  'readSigningRequest() and signRequest() refuse two common names, in one part of the name or in two',
  async (t) => {
    const authority = await createAuthority('kubernetes', NOW_MS);
    const [node, other] = ['system:node:w1', 'system:kube-controller-manager'];
    for (const name of [[{ CN: [node] }, { CN: [other] }], [{ CN: [node, other] }]]) {
      const request = await oddRequest([{ O: ['system:nodes'] }, ...name]);
      await t.rejects(readSigningRequest(request), /more than one common name/);
      await t.rejects(signRequest(request, { authority, usages: ['client'], nowMs: NOW_MS, lifetimeMs: YEAR_MS }));
    }
  },
);

void t.test('signRequest() signs what readSigningRequest() reads, whatever else the request holds', async (t) => {
  const authority = await createAuthority('kubernetes', NOW_MS);
  // `#` and the hexadecimal form of the text system:masters, which must not become that text.
  const trap = '#130e73797374656d3a6d617374657273';
  const names = new x509.SubjectAlternativeNameExtension([
    { type: 'dns', value: 'w1' },
    { type: 'dn', value: 'CN=admin' },
  ]);
  const isAuthority = new x509.BasicConstraintsExtension(true, 3, true);
  const request = await oddRequest(
    [{ O: [{ utf8String: trap }] }, { OU: [{ utf8String: 'more' }] }, { CN: [{ utf8String: '"quoted"' }] }],
    [names, isAuthority],
  );
  const { subject } = await readSigningRequest(request);
  t.same(subject, { commonName: '"quoted"', organizations: [trap] });

  const pem = await signRequest(request, { authority, usages: ['client'], nowMs: NOW_MS, lifetimeMs: YEAR_MS });
  const certificate = new X509Certificate(pem);
  t.same(userOf(certificate)?.groups, [trap]);
  t.equal(userOf(certificate)?.name, '"quoted"');
  t.equal(certificate.subjectAltName, 'DNS:w1');
  t.equal(certificate.ca, false);
});
