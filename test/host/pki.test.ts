import t from 'tap';
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
