import { readFile } from 'node:fs/promises';
import {
  discoveryDocuments,
  readServiceAccountKeys,
  type ServiceAccountKeys,
} from './authentication/service-account-keys.ts';
import { TokenSigner } from './authentication/token-signer.ts';
import type { ApiServerOptions } from './options.ts';

/** What the server signs tokens with, for whom, and how others can verify them. */
export interface Identity {
  readonly signer: TokenSigner;
  readonly audiences: readonly string[];
  /** OIDC discovery, by path. */
  readonly documents: ReturnType<typeof discoveryDocuments>;
}

/** Reads the service-account keys. @throws Error for a file that is not there or no key */
export async function readIdentity(options: ApiServerOptions, nowMs: () => number): Promise<Identity> {
  const { serviceAccountIssuer: issuer, apiAudiences } = options;
  const keys = await readKeys(options);
  const jwksUri = `${issuer.replace(/\/$/, '')}/openid/v1/jwks`;
  return {
    signer: new TokenSigner(keys, issuer, nowMs),
    audiences: apiAudiences.length > 0 ? apiAudiences : [issuer],
    documents: discoveryDocuments(keys, { issuer, jwksUri }),
  };
}

async function readKeys(options: ApiServerOptions): Promise<ServiceAccountKeys> {
  const signing = await readFile(options.serviceAccountSigningKeyFile, 'utf8');
  const others = await Promise.all(options.serviceAccountKeyFiles.map((file) => readFile(file, 'utf8')));
  return readServiceAccountKeys(signing, others);
}
