import type { IncomingHttpHeaders } from 'node:http';
import { badRequest } from '../../api/status.ts';
import type { AuthorizationAttributes, Authorizer } from '../authorization/authorizer.ts';
import { forbiddenRequest } from '../authorization/forbidden-text.ts';
import type { UserInfo } from './authenticator.ts';
import { extraKey } from './extra-key.ts';

const EXTRA_PREFIX = 'impersonate-extra-';
const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/;

interface Wanted {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/**
 * The user whom an Impersonate-User header names, when the real one may impersonate it (apiserver endpoints/filters
 * impersonation.go); null when there is no such header.
 * @throws StatusError Forbidden; BadRequest when groups come without a user
 */
export async function impersonate(
  user: UserInfo,
  headers: IncomingHttpHeaders,
  authorizer: Authorizer,
  signal: AbortSignal,
): Promise<UserInfo | null> {
  const wanted = readHeaders(headers);
  if (wanted === null) return null;
  for (const attributes of attributesOf(user, wanted)) {
    const { result, reason } = await authorizer.authorize(attributes, signal);
    if (result !== 'allow') throw forbiddenRequest(attributes, reason);
  }
  return { name: wanted.name, uid: wanted.uid, groups: groupsOf(wanted), extra: wanted.extra };
}

function readHeaders(headers: IncomingHttpHeaders): Wanted | null {
  const name = all(headers['impersonate-user'])[0] ?? '';
  const uid = all(headers['impersonate-uid'])[0] ?? '';
  const groups = all(headers['impersonate-group']);
  const extra = Object.entries(headers).flatMap(([key, value]): [string, string[]][] =>
    key.startsWith(EXTRA_PREFIX) ? [[extraKey(key.slice(EXTRA_PREFIX.length)), all(value)]] : [],
  );
  if (name !== '') return { name, uid, groups, extra: Object.fromEntries(extra) };
  if (uid !== '' || groups.length > 0 || extra.length > 0)
    throw badRequest(
      `requested ${JSON.stringify({ groups, uid, extra: Object.fromEntries(extra) })} without impersonating a user name`,
    );
  return null;
}

function* attributesOf(user: UserInfo, wanted: Wanted): Generator<AuthorizationAttributes> {
  const base = {
    user,
    verb: 'impersonate',
    isResourceRequest: true,
    group: '',
    version: 'v1',
    subresource: '',
    namespace: '',
    path: '',
  };
  const [, namespace, account] = SERVICE_ACCOUNT.exec(wanted.name) ?? [];
  if (namespace !== undefined && account !== undefined)
    yield { ...base, resource: 'serviceaccounts', namespace, name: account };
  else yield { ...base, resource: 'users', name: wanted.name };
  for (const group of wanted.groups) yield { ...base, resource: 'groups', name: group };
  const own = { ...base, group: 'authentication.k8s.io' };
  if (wanted.uid !== '') yield { ...own, resource: 'uids', name: wanted.uid };
  for (const [key, values] of Object.entries(wanted.extra)) {
    for (const value of values) yield { ...own, resource: 'userextras', subresource: key, name: value };
  }
}

function groupsOf({ name, groups }: Wanted): readonly string[] {
  const [, namespace] = SERVICE_ACCOUNT.exec(name) ?? [];
  const own =
    namespace !== undefined && groups.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : groups;
  const rest = name === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  return own.includes(rest) ? own : [...own, rest];
}

function all(value: string | readonly string[] | undefined): string[] {
  if (value === undefined) return [];
  return typeof value === 'string' ? value.split(', ').filter((part) => part !== '') : [...value];
}
