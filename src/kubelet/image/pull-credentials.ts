import type { Secret } from '../../api/objects.ts';
import type { PullAuth } from '../../host/cri/cri.ts';
import { splitImageName } from '../../api/image-name.ts';

interface DockerEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
}

/**
 * The credentials to try for an image, the most specific first (upstream credentialprovider). Secrets that cannot be
 * read are passed over: others may serve.
 */
export function pullCredentials(image: string, secrets: readonly Secret[]): readonly PullAuth[] {
  const { registry, repository } = splitImageName(image);
  const matches: { length: number; auth: PullAuth }[] = [];
  for (const [key, entry] of secrets.flatMap(entriesOf)) {
    const { host, path } = splitKey(key);
    if (!matchesHost(host, registry) || !`${repository}/`.startsWith(path === '' ? '' : `${path}/`)) continue;
    matches.push({ length: key.length, auth: toAuth(entry, registry) });
  }
  return matches.toSorted((a, b) => b.length - a.length).map(({ auth }) => auth);
}

function entriesOf(secret: Secret): readonly [string, DockerEntry][] {
  const current = secret.data?.['.dockerconfigjson'];
  const old = secret.data?.['.dockercfg'];
  try {
    if (secret.type === 'kubernetes.io/dockerconfigjson' && current !== undefined) {
      const parsed = JSON.parse(decode(current)) as { auths?: Record<string, DockerEntry> };
      return Object.entries(parsed.auths ?? {});
    }
    if (secret.type === 'kubernetes.io/dockercfg' && old !== undefined)
      return Object.entries(JSON.parse(decode(old)) as Record<string, DockerEntry>);
  } catch {
    return []; // not JSON: as if it were not there
  }
  return [];
}

/** `https://index.docker.io/v1/` is Docker Hub; `host/path` limits to a path. */
function splitKey(key: string): { host: string; path: string } {
  const bare = key.replace(/^https?:\/\//, '').replace(/\/$/, '');
  const slash = bare.indexOf('/');
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = slash < 0 ? '' : bare.slice(slash + 1);
  if (host === 'index.docker.io') return { host: 'docker.io', path: path.replace(/^v[12]$/, '') };
  return { host, path: path.replace(/^v[12]$/, '') };
}

/** Parts between dots match, `*` in a part any text (upstream URLsMatch). */
function matchesHost(pattern: string, host: string): boolean {
  const [wanted, given] = [pattern.split('.'), host.split('.')];
  if (wanted.length !== given.length) return false;
  return wanted.every((part, index) => matchesPart(part, given[index] ?? ''));
}

/** Piece by piece, each at its first place: as a pattern, a Secret with a dozen `*` would keep the board busy for hours. */
function matchesPart(pattern: string, text: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === text;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = text.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function toAuth(entry: DockerEntry, registry: string): PullAuth {
  const [user = '', ...rest] = entry.auth === undefined ? [] : decode(entry.auth).split(':');
  const username = entry.username ?? user;
  const password = entry.password ?? rest.join(':');
  return {
    serverAddress: registry,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(entry.identitytoken === undefined ? {} : { identityToken: entry.identitytoken }),
  };
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
