import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders } from 'node:http';
import { StatusError } from '../../api/status.ts';
import type { Authenticator, UserInfo } from './authenticator.ts';

/** A user proven by a token, and the audiences for which the token was meant. */
interface TokenUser {
  readonly user: UserInfo;
  readonly audiences: readonly string[];
}

/** One sort of token. `null`: not my sort; a throw: my sort and not valid. */
export interface TokenAuthenticator {
  /** @param audiences the token must be meant for one of these @throws StatusError Unauthorized */
  authenticateToken(token: string, audiences: readonly string[], signal: AbortSignal): Promise<TokenUser | null>;
}

const WEBSOCKET_PREFIX = 'base64url.bearer.authorization.k8s.io.';
/** Longer ones are refused unread: an honest token has a few hundred bytes. */
const TOKEN_CHARACTERS_MAX = 16_384;

/** Bearer tokens in the Authorization header, or in a WebSocket's protocols, where a browser cannot set headers. */
export function bearerAuthenticator(tokens: TokenAuthenticator, audiences: readonly string[]): Authenticator {
  return {
    async authenticate({ headers }, signal) {
      const token = bearerOf(headers);
      if (token === null) return null;
      const found =
        token.length > TOKEN_CHARACTERS_MAX ? null : await tokens.authenticateToken(token, audiences, signal);
      if (found === null) throw new StatusError('Unauthorized', 'invalid bearer token');
      return found.user;
    },
  };
}

/** Asks each in turn; an error is kept while another may still know the token. */
export function unionTokenAuthenticator(authenticators: readonly TokenAuthenticator[]): TokenAuthenticator {
  return {
    async authenticateToken(token, audiences, signal) {
      let failure: unknown;
      for (const authenticator of authenticators) {
        try {
          const found = await authenticator.authenticateToken(token, audiences, signal);
          if (found !== null) return found;
        } catch (error) {
          failure = error;
        }
      }
      if (failure !== undefined) throw failure;
      return null;
    },
  };
}

function bearerOf(headers: IncomingHttpHeaders): string | null {
  const [scheme = '', token = ''] = (headers.authorization ?? '').trim().split(/ +/);
  if (scheme.toLowerCase() === 'bearer') return token === '' ? null : token;
  const protocols = headers['sec-websocket-protocol']?.split(',').map((one) => one.trim()) ?? [];
  const encoded = protocols.find((one) => one.startsWith(WEBSOCKET_PREFIX))?.slice(WEBSOCKET_PREFIX.length);
  return encoded === undefined ? null : Buffer.from(encoded, 'base64url').toString('utf8');
}
