import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { TokenAuthenticator } from './bearer-authenticator.ts';

/** A token that the cache does not know costs a read of the store at most this often. */
const STORE_READ_MS = 50;
const SHAPE = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;
const EXTRA_GROUP = /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/;

/** Tokens of boards that are about to join: Secrets in kube-system (plugin/pkg/auth/authenticator/token/bootstrap). */
export function bootstrapTokenAuthenticator(registry: RegistryAccess, nowMs: () => number): TokenAuthenticator {
  const findSecret = finder(registry, nowMs);
  return {
    async authenticateToken(token, audiences) {
      const [, id, secret] = SHAPE.exec(token) ?? [];
      if (id === undefined || secret === undefined) return null;
      const found = await findSecret(`bootstrap-token-${id}`);
      const groups = found === null ? null : groupsOf(found, { id, secret, nowMs: nowMs() });
      if (groups === null) return null;
      return { user: { name: `system:bootstrap:${id}`, uid: '', groups, extra: {} }, audiences };
    },
  };
}

/**
 * From the cache, and where it is not there from the store, since a token may be newer than the cache; not more often
 * than every so often, since anybody may ask about tokens that never were.
 */
function finder(registry: RegistryAccess, nowMs: () => number): (name: string) => Promise<Secret | null> {
  let nextReadMs = 0;
  const read = async (name: string, freshness: 'cache' | 'latest'): Promise<Secret | null> => {
    try {
      return await registry.get<Secret>('secrets', 'kube-system', name, { freshness });
    } catch (error) {
      if (isReason(error, 'NotFound')) return null;
      throw error;
    }
  };
  return async (name) => {
    const cached = await read(name, 'cache');
    if (cached !== null || nowMs() < nextReadMs) return cached;
    nextReadMs = nowMs() + STORE_READ_MS;
    return read(name, 'latest');
  };
}

/** The groups that the Secret gives to who knows it, or null when it gives none: wrong secret, expired, for other use. */
function groupsOf(
  stored: Secret,
  given: { readonly id: string; readonly secret: string; readonly nowMs: number },
): readonly string[] | null {
  const field = (name: string): string => Buffer.from(stored.data?.[name] ?? '', 'base64').toString('utf8');
  if (stored.type !== 'bootstrap.kubernetes.io/token' || stored.metadata?.deletionTimestamp !== undefined) return null;
  if (field('token-id') !== given.id || !isSame(field('token-secret'), given.secret)) return null;
  const expiration = field('expiration');
  if (expiration !== '' && !(Date.parse(expiration) > given.nowMs)) return null;
  if (field('usage-bootstrap-authentication') !== 'true') return null;
  const extra = field('auth-extra-groups')
    .split(',')
    .filter((group) => group !== '');
  if (!extra.every((group) => EXTRA_GROUP.test(group))) return null;
  return [...new Set(['system:bootstrappers', ...extra])];
}

/** Takes as long for a near miss as for a far one; hashes make the lengths equal. */
function isSame(a: string, b: string): boolean {
  const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(a), hash(b)) && a !== '';
}
