import type { UserInfo } from '../authentication/authenticator.ts';

const PREFIX = 'system:node:';

/** The name of the node that this user is, or null when it is none (pkg/auth/nodeidentifier). */
export function nodeNameOf(user: UserInfo): string | null {
  if (!user.name.startsWith(PREFIX) || !user.groups.includes('system:nodes')) return null;
  return user.name.slice(PREFIX.length);
}
