import { StatusError } from '../../api/status.ts';
import type { Authenticator, UserInfo } from './authenticator.ts';
import { ANONYMOUS } from './authenticator.ts';

/**
 * Asks each in turn; who is known is `system:authenticated`, who shows nothing is anonymous.
 * @throws StatusError Unauthorized when a credential was shown and none knows it
 */
export function unionAuthenticator(authenticators: readonly Authenticator[]): Authenticator {
  return {
    async authenticate(request, signal) {
      const failures: unknown[] = [];
      for (const authenticator of authenticators) {
        try {
          const user = await authenticator.authenticate(request, signal);
          if (user !== null) return withAuthenticated(user);
        } catch (error) {
          failures.push(error);
        }
      }
      // A scheme that nobody here knows is no credential.
      if (failures.length === 0) return ANONYMOUS;
      // Why stays here: a stranger learns nothing from the answer.
      throw new StatusError('Unauthorized', 'Unauthorized', { cause: failures[0] });
    },
  };
}

function withAuthenticated(user: UserInfo): UserInfo {
  if (user.name === ANONYMOUS.name || user.groups.includes('system:authenticated')) return user;
  return { ...user, groups: [...user.groups, 'system:authenticated'] };
}
