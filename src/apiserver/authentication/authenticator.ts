import type { X509Certificate } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** Who asks (authentication.k8s.io/v1 UserInfo). */
export interface UserInfo {
  readonly name: string;
  /** The empty string where the authenticator knows none. */
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** What an authenticator may look at. */
export interface AuthenticationRequest {
  /** The TLS peer's leaf certificate, if it sent one. */
  readonly peerCertificate: X509Certificate | undefined;
  /** Whether TLS has verified that certificate's chain against the client CA, validity included. */
  readonly isPeerVerified: boolean;
  /** Lower-case names, as Node gives them. HTTP/2 pseudo headers are not to be trusted for identity. */
  readonly headers: IncomingHttpHeaders;
  readonly remoteAddress: string;
  /** Path without the query. Read-only for authenticators; WebSocket bearer tokens are in the headers. */
  readonly path: string;
}

/**
 * One way of telling who asks.
 *
 * `null` says "not my kind of credential": the next authenticator is asked, and after the last one the user is
 * `system:anonymous`. A throw says "my kind, but not valid": remembered, the others are still asked, and when none of
 * them knows the user the answer is 401 (upstream's union authenticator with FailOnError = false).
 */
export interface Authenticator {
  /** @throws StatusError Unauthorized */
  authenticate(request: AuthenticationRequest, signal: AbortSignal): Promise<UserInfo | null>;
}

/** The user when no authenticator claims the request. */
export const ANONYMOUS: UserInfo = {
  name: 'system:anonymous',
  uid: '',
  groups: ['system:unauthenticated'],
  extra: {},
};

/** The API server itself, as it acts through its own registry. */
export const SYSTEM_USER: UserInfo = {
  name: 'system:apiserver',
  uid: '',
  groups: ['system:masters', 'system:authenticated'],
  extra: {},
};
