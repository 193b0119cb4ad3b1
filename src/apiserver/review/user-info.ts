import type { UserInfo as WireUserInfo } from '../../api/objects.ts';
import type { UserInfo } from '../authentication/authenticator.ts';

/** A user as reviews show it: empty fields left out. */
export function userInfoOf({ name, uid, groups, extra }: UserInfo): WireUserInfo {
  const entries = Object.entries(extra).map(([key, values]): [string, string[]] => [key, [...values]]);
  return {
    username: name,
    ...(uid === '' ? {} : { uid }),
    ...(groups.length === 0 ? {} : { groups: [...groups] }),
    ...(entries.length === 0 ? {} : { extra: Object.fromEntries(entries) }),
  };
}
