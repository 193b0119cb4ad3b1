import { createHash } from 'node:crypto';
import { SignJWT } from 'jose/jwt/sign';
import { jwtVerify } from 'jose/jwt/verify';
import { errorText } from '../../api/error-text.ts';
import { StatusError } from '../../api/status.ts';
import type { ServiceAccountKeys } from './service-account-keys.ts';
import { readClaims, type TokenClaims } from './token-claims.ts';

/** Verified tokens kept, so that a client's next request costs a hash and not a signature. */
const VERIFIED_MAX = 4096;
/** Clocks of boards differ a little. */
const CLOCK_LEEWAY_SECONDS = 10;

/** Signs service-account tokens and verifies their signatures. The one file that knows jose. */
export class TokenSigner {
  readonly #keys: ServiceAccountKeys;
  readonly #issuer: string;
  readonly #nowMs: () => number;
  /** By hash of the token, oldest first. */
  readonly #verified = new Map<string, TokenClaims>();

  constructor(keys: ServiceAccountKeys, issuer: string, nowMs: () => number) {
    this.#keys = keys;
    this.#issuer = issuer;
    this.#nowMs = nowMs;
  }

  get issuer(): string {
    return this.#issuer;
  }

  sign(claims: TokenClaims): Promise<string> {
    const { key, id, algorithm } = this.#keys.signing;
    return new SignJWT({ ...claims, aud: [...claims.aud] }).setProtectedHeader({ alg: algorithm, kid: id }).sign(key);
  }

  /**
   * The claims of a token that one of our keys signed and whose time has come and not passed; null for a token that
   * is not one of this issuer's. @throws StatusError Unauthorized
   */
  async verify(token: string): Promise<TokenClaims | null> {
    if (!this.#isOurs(token)) return null;
    const hash = createHash('sha256').update(token).digest('base64');
    const nowSeconds = this.#nowMs() / 1000;
    const known = this.#verified.get(hash);
    if (known !== undefined) {
      if (known.exp + CLOCK_LEEWAY_SECONDS > nowSeconds) return known;
      this.#verified.delete(hash);
      throw new StatusError('Unauthorized', 'service account token has expired');
    }
    const claims = await this.#check(token);
    if (this.#verified.size >= VERIFIED_MAX) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(hash, claims);
    return claims;
  }

  async #check(token: string): Promise<TokenClaims> {
    try {
      const { payload } = await jwtVerify(
        token,
        ({ kid, alg }) => {
          const found = this.#keys.verification.get(kid ?? '') ?? this.#only(alg);
          // Never the algorithm that the token asks for: that of the key (RFC 8725 section 3.1).
          if (found === undefined || found.algorithm !== alg) throw new Error('no key verifies this token');
          return found.key;
        },
        {
          issuer: this.#issuer,
          algorithms: ['ES256', 'RS256'],
          clockTolerance: CLOCK_LEEWAY_SECONDS,
          currentDate: new Date(this.#nowMs()),
        },
      );
      const claims = readClaims(payload);
      if (claims === null) throw new Error('claims are missing');
      return claims;
    } catch (error) {
      throw new StatusError('Unauthorized', `service account token is not valid: ${errorText(error)}`, {
        cause: error,
      });
    }
  }

  /** The one key there is, for tokens without a key id. */
  #only(algorithm: string): ReturnType<ServiceAccountKeys['verification']['get']> {
    const fitting = [...this.#keys.verification.values()].filter((one) => one.algorithm === algorithm);
    return fitting.length === 1 ? fitting[0] : undefined;
  }

  /** Whether an unverified look inside names our issuer: other issuers' tokens are for other authenticators. */
  #isOurs(token: string): boolean {
    const parts = token.split('.');
    if (parts.length !== 3) return false;
    try {
      const payload: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
      return typeof payload === 'object' && payload !== null && 'iss' in payload && payload.iss === this.#issuer;
    } catch {
      return false;
    }
  }
}
