import type { TokenRequest } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { Clock } from '../host/clock.ts';
import type { ApiClient } from './api-client.ts';
import { type ClientConfig, identity } from './credentials.ts';
import { serviceAccounts, serviceAccountTokens } from './resources.ts';

/** What the token is asked for, and when the next one is. */
const TOKEN_SECONDS = 3600;
const RENEW_MS = (TOKEN_SECONDS * 1000) / 2;

interface ServiceAccountClient {
  /** Whose servers and authority these are, too. */
  readonly config: ClientConfig;
  /** May create service accounts and tokens of them. */
  readonly client: ApiClient;
  readonly clock: Clock;
}

/**
 * A configuration for acting as a service account, which is created where it is missing: as kube-controller-manager does
 * with --use-service-account-credentials. Tokens are renewed at half of their life, and when one is refused.
 */
export function serviceAccountConfig(
  { config, client, clock }: ServiceAccountClient,
  namespace: string,
  name: string,
): ClientConfig {
  return {
    servers: config.servers,
    files: config.files,
    stamp: () => String(Math.floor(clock.monotonicMs() / RENEW_MS)),
    load: async () => {
      const { ca, serverName } = await config.load();
      return identity({ ca, serverName, token: await tokenOf(client, namespace, name) });
    },
  };
}

async function tokenOf(client: ApiClient, namespace: string, name: string): Promise<string | undefined> {
  const request: TokenRequest = {
    apiVersion: 'authentication.k8s.io/v1',
    kind: 'TokenRequest',
    metadata: { namespace, name },
    spec: { audiences: [], expirationSeconds: TOKEN_SECONDS },
  };
  const ask = async (): Promise<TokenRequest> => client.create(serviceAccountTokens, request, { subresource: 'token' });
  const answer = await ask().catch(async (error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
    const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { namespace, name } } as const;
    await client.create(serviceAccounts, account).catch((failure: unknown) => {
      if (!isReason(failure, 'AlreadyExists')) throw failure; // another controller of the same name was faster
    });
    return ask();
  });
  return answer.status?.token;
}
