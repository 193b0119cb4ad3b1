import { createHmac, generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import t from 'tap';
import { isReason } from '../../../src/api/status.ts';
import {
  discoveryDocuments,
  readServiceAccountKeys,
} from '../../../src/apiserver/authentication/service-account-keys.ts';
import type { TokenClaims } from '../../../src/apiserver/authentication/token-claims.ts';
import { TokenSigner } from '../../../src/apiserver/authentication/token-signer.ts';
import { createKey, publicKeyOf } from '../../../src/host/pki.ts';

const ISSUER = 'https://kubernetes.default.svc.cluster.local';
const NOW_MS = Date.UTC(2026, 0, 1);
const IAT = NOW_MS / 1000;

function claims(changes: Partial<TokenClaims> = {}): TokenClaims {
  return {
    iss: ISSUER,
    sub: 'system:serviceaccount:a:robot',
    aud: [ISSUER],
    exp: IAT + 600,
    iat: IAT,
    nbf: IAT,
    jti: 'x',
    'kubernetes.io': { namespace: 'a', serviceaccount: { name: 'robot', uid: 'u' } },
    ...changes,
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

void t.test('TokenSigner verifies what it signed, as long as it is valid', async (t) => {
  let nowMs = NOW_MS;
  const signer = new TokenSigner(readServiceAccountKeys(await createKey(), []), ISSUER, () => nowMs);
  const token = await signer.sign(claims());
  t.match(await signer.verify(token), { sub: 'system:serviceaccount:a:robot', aud: [ISSUER] });
  nowMs += 620_000;
  await t.rejects(signer.verify(token), 'from its cache too');
  await t.rejects(
    signer.verify(await signer.sign(claims({ iat: IAT + 9000, nbf: IAT + 9000, exp: IAT + 9999 }))),
    'not yet',
  );
});

void t.test('TokenSigner refuses tokens of other keys, algorithms and shapes', async (t) => {
  const keyPem = await createKey();
  const keys = readServiceAccountKeys(keyPem, []);
  const signer = new TokenSigner(keys, ISSUER, () => NOW_MS);
  const [kid] = keys.verification.keys();
  const stranger = new TokenSigner(readServiceAccountKeys(await createKey(), []), ISSUER, () => NOW_MS);
  const unsigned = `${encode({ alg: 'none', kid })}.${encode(claims())}.`;
  const body = `${encode({ alg: 'HS256', kid })}.${encode(claims())}`;
  const hmac = `${body}.${createHmac('sha256', publicKeyOf(keyPem)).update(body).digest('base64url')}`;
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  const borrowed = await new SignJWT({ ...claims(), aud: [ISSUER] })
    .setProtectedHeader({ alg: 'RS256', kid: kid ?? '' })
    .sign(rsa);
  const hollow = await signer.sign({ ...claims(), sub: 'system:serviceaccount:a:other' });
  for (const [what, token] of Object.entries({
    stranger: await stranger.sign(claims()),
    unsigned,
    hmac,
    borrowed,
    hollow,
  })) {
    const error = await signer.verify(token).catch((reason: unknown) => reason);
    t.ok(isReason(error, 'Unauthorized'), what);
  }
  for (const token of [
    '',
    'a',
    'a.b.c',
    'abcdef.0123456789abcdef',
    `${encode({})}.${encode({ iss: 'https://elsewhere' })}.x`,
  ])
    t.equal(await signer.verify(token), null, `"${token}" is for another authenticator`);
});

void t.test('keys may be rotated, and are published', async (t) => {
  const [old, current] = [await createKey(), await createKey()];
  const before = new TokenSigner(readServiceAccountKeys(old, []), ISSUER, () => NOW_MS);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
    .publicKey.export({ type: 'spki', format: 'pem' })
    .toString();
  const keys = readServiceAccountKeys(current, [publicKeyOf(old) + rsa]);
  const signer = new TokenSigner(keys, ISSUER, () => NOW_MS);
  t.ok(await signer.verify(await before.sign(claims())), 'the old key still counts');
  const documents = discoveryDocuments(keys, { issuer: ISSUER, jwksUri: `${ISSUER}/openid/v1/jwks` });
  t.match(JSON.parse(documents.get('/.well-known/openid-configuration')?.body ?? ''), {
    issuer: ISSUER,
    id_token_signing_alg_values_supported: ['ES256', 'RS256'],
  });
  const { keys: published } = JSON.parse(documents.get('/openid/v1/jwks')?.body ?? '') as {
    keys: { kid: string; d?: string }[];
  };
  t.equal(published.length, 3);
  t.ok(
    published.every(({ d }) => d === undefined),
    'no private part',
  );
});
