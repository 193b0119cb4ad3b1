import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** The signing key of service-account tokens, and all keys whose signatures are believed. */
export interface ServiceAccountKeys {
  readonly signing: { readonly key: KeyObject; readonly id: string; readonly algorithm: TokenAlgorithm };
  /** By key id; several while keys are rotated. */
  readonly verification: ReadonlyMap<string, { readonly key: KeyObject; readonly algorithm: TokenAlgorithm }>;
}

type TokenAlgorithm = 'ES256' | 'RS256';

/**
 * Reads the keys. The signing key's public half is always among the verification keys.
 * @param publicPems PEM blocks of public keys, private keys or certificates; a file may hold several
 * @throws Error for a key that is neither EC P-256 nor RSA
 */
export function readServiceAccountKeys(signingPem: string, publicPems: readonly string[]): ServiceAccountKeys {
  const key = createPrivateKey(signingPem);
  const own = createPublicKey(key);
  const publicKeys = [own, ...publicPems.flatMap(splitPem).map((pem) => createPublicKey(pem))];
  const verification = new Map(publicKeys.map((one) => [keyId(one), { key: one, algorithm: algorithmOf(one) }]));
  return { signing: { key, id: keyId(own), algorithm: algorithmOf(own) }, verification };
}

/** As kube-apiserver names keys, so that either server's tokens name the other's key: hash of the SPKI. */
function keyId(key: KeyObject): string {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest('base64url');
}

function algorithmOf(key: KeyObject): TokenAlgorithm {
  if (key.asymmetricKeyType === 'rsa') return 'RS256';
  if (key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return 'ES256';
  throw new Error(`a service-account key must be RSA or EC P-256: got ${key.asymmetricKeyType}`);
}

function splitPem(text: string): string[] {
  return text.match(/-----BEGIN [^-]+-----[\s\S]+?-----END [^-]+-----/g) ?? [];
}

/** The two documents of OIDC discovery, by path (KEP-1393). */
export function discoveryDocuments(
  keys: ServiceAccountKeys,
  { issuer, jwksUri }: { readonly issuer: string; readonly jwksUri: string },
): ReadonlyMap<string, { readonly contentType: string; readonly body: string }> {
  const all = [...keys.verification];
  const configuration = {
    issuer,
    jwks_uri: jwksUri,
    response_types_supported: ['id_token'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: [...new Set(all.map(([, { algorithm }]) => algorithm))].sort(),
  };
  const jwks = {
    keys: all.map(([kid, { key, algorithm }]) => ({
      use: 'sig',
      ...key.export({ format: 'jwk' }),
      kid,
      alg: algorithm,
    })),
  };
  return new Map([
    ['/.well-known/openid-configuration', { contentType: 'application/json', body: JSON.stringify(configuration) }],
    ['/openid/v1/jwks', { contentType: 'application/jwk-set+json', body: JSON.stringify(jwks) }],
  ]);
}
