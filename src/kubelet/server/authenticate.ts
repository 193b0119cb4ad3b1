import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { TLSSocket } from 'node:tls';
import type { TokenReview } from '../../api/objects.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { tokenReviews } from '../../client/resources.ts';
import { ExpiringCache } from './expiring-cache.ts';

/** Who asks. */
export interface Caller {
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Upstream's --authentication-token-webhook-cache-ttl. */
const TOKEN_TTL_MS = 120_000;
const TOKEN_FAILED_TTL_MS = 10_000;
const TOKENS_MAX = 1000;
const TOKEN_BYTES_MAX = 32 * 1024;
const REVIEW_TIMEOUT_MS = 10_000;

/** Finds out who asks: by client certificate of the cluster's authority, else by bearer token. Nobody is anonymous. */
export class Authenticator {
  readonly #client: ApiClient;
  readonly #tokens: ExpiringCache<Caller | null>;

  /** @param nowMs monotonic */
  constructor(client: ApiClient, nowMs: () => number) {
    this.#client = client;
    this.#tokens = new ExpiringCache(TOKENS_MAX, nowMs);
  }

  /** Undefined: unknown. @throws StatusError when the API server cannot say whose token it is */
  async authenticate(request: IncomingMessage, signal: AbortSignal): Promise<Caller | undefined> {
    const caller = callerOfCertificate(request);
    if (caller !== undefined) return caller;
    const token = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (token === undefined || token.length > TOKEN_BYTES_MAX) return undefined;
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#tokens.get(key);
    if (known !== undefined) return known ?? undefined;
    const found = await this.#review(token, signal);
    this.#tokens.set(key, found ?? null, found === undefined ? TOKEN_FAILED_TTL_MS : TOKEN_TTL_MS);
    return found;
  }

  async #review(token: string, signal: AbortSignal): Promise<Caller | undefined> {
    const review = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } } as TokenReview;
    const both = AbortSignal.any([signal, AbortSignal.timeout(REVIEW_TIMEOUT_MS)]);
    const { status } = await this.#client.create(tokenReviews, review, { signal: both });
    if (status?.authenticated !== true) return undefined;
    const { username = '', uid = '', groups = [], extra = {} } = status.user ?? {};
    return { username, uid, groups, extra };
  }
}

/** Common name and organizations, as Kubernetes reads certificates. Only one that the handshake has verified counts. */
function callerOfCertificate({ socket }: IncomingMessage): Caller | undefined {
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as Partial<Record<'CN' | 'O', string | string[]>> | undefined;
  const username = listOf(subject?.CN).at(-1) ?? ''; // of two the last, as Go and the API server take it
  return username === '' ? undefined : { username, uid: '', groups: listOf(subject?.O), extra: {} };
}

function listOf(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? [value] : value;
}
