import { isIP } from 'node:net';
import { readFile, stat } from 'node:fs/promises';
import type { Resolver } from './upstream.ts';

/** resolv.conf(5) knows three; more help nobody. */
const RESOLVERS_MAX = 3;

/** The resolvers of a resolv.conf, without those at `own` addresses: a question must not come back to us. */
export function parseResolvers(text: string, own: ReadonlySet<string>): Resolver[] {
  return text
    .split('\n')
    .flatMap((line) => /^\s*nameserver\s+([^\s#;]+)/.exec(line)?.[1] ?? [])
    .map((address) => address.replace(/%.*$/, ''))
    .filter((address) => isIP(address) !== 0 && !own.has(address))
    .slice(0, RESOLVERS_MAX)
    .map((host) => ({ host, port: 53 }));
}

/** Gives the resolvers of the file as it is now: read again only when it was written. */
export function createResolvConf(path: string, own: () => ReadonlySet<string>): () => Promise<readonly Resolver[]> {
  let version = '';
  let text = '';
  return async () => {
    try {
      const { mtimeMs, ino, size } = await stat(path);
      const now = `${mtimeMs} ${ino} ${size}`;
      if (now !== version) text = await readFile(path, 'utf8');
      version = now;
    } catch {
      version = ''; // without the file, those it had are the best guess
    }
    return parseResolvers(text, own());
  };
}
