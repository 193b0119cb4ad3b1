import type { RegistryAccess } from '../registry/registry-access.ts';
import type { Authenticator } from './authenticator.ts';
import { bearerAuthenticator, type TokenAuthenticator, unionTokenAuthenticator } from './bearer-authenticator.ts';
import { bootstrapTokenAuthenticator } from './bootstrap-token-authenticator.ts';
import { requestHeaderAuthenticator } from './request-header-authenticator.ts';
import { serviceAccountAuthenticator } from './service-account-authenticator.ts';
import type { TokenSigner } from './token-signer.ts';
import { unionAuthenticator } from './union-authenticator.ts';
import { x509Authenticator } from './x509-authenticator.ts';

interface AuthenticatorOptions {
  readonly registry: RegistryAccess;
  readonly signer: TokenSigner;
  /** Audiences of this API server; kube-apiserver's default is the issuer alone. */
  readonly audiences: readonly string[];
  /** The front proxy's authority, where there is one. */
  readonly requestHeader?: { readonly caPem: string; readonly allowedNames: readonly string[] };
  readonly nowMs: () => number;
}

/** All ways of telling who asks, in upstream's order, and the tokens alone for TokenReview. */
export function createAuthenticator(options: AuthenticatorOptions): {
  readonly authenticator: Authenticator;
  readonly tokens: TokenAuthenticator;
} {
  const { registry, signer, audiences, requestHeader, nowMs } = options;
  const tokens = unionTokenAuthenticator([
    serviceAccountAuthenticator({ signer, registry, nowMs }),
    bootstrapTokenAuthenticator(registry, nowMs),
  ]);
  const proxies = requestHeader === undefined ? [] : [requestHeaderAuthenticator({ ...requestHeader, nowMs })];
  const authenticator = unionAuthenticator([...proxies, x509Authenticator(), bearerAuthenticator(tokens, audiences)]);
  return { authenticator, tokens };
}
