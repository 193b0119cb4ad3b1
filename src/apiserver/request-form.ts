import type { IncomingMessage } from 'node:http';

/** What a host and port are made of (RFC 3986 section 3.2), IPv6 literals included. */
const HOST = /^[\w.~!$&'()*+,;=:[\]%-]*$/;
const ESCAPE_WRONG = /^[^?]*%(?![\dA-Fa-f]{2})/;

/**
 * What Node's parser lets through and two servers in a row may read in two ways: requests without a version or of another
 * one, several Host headers, codings under the chunks. Gives why it is refused, in the words of net/http's readRequest;
 * null for a request in order.
 */
export function wrongForm(request: Pick<IncomingMessage, 'httpVersion' | 'rawHeaders' | 'url'>): string | null {
  const { httpVersion, rawHeaders, url = '' } = request;
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return 'malformed HTTP version';
  const hosts = valuesOf(rawHeaders, 'host');
  if (hosts.length > 1) return 'too many Host headers';
  if (!hosts.every((host) => HOST.test(host))) return 'malformed Host header';
  const codings = valuesOf(rawHeaders, 'transfer-encoding');
  if (codings.some((coding) => coding.toLowerCase() !== 'chunked')) return 'unsupported transfer encoding';
  const path = pathOf(url);
  if (path === null || ESCAPE_WRONG.test(path)) return 'invalid URI for request';
  return null;
}

/** The target as path and query, whatever form it came in (RFC 9112 section 3.2); null for what names none. */
export function pathOf(target: string): string | null {
  if (target.startsWith('/') || target === '*') return target;
  const match = /^https?:\/\/[^/?#]+([/?].*)?$/i.exec(target);
  if (match === null) return null;
  const [, path = '/'] = match;
  return path.startsWith('?') ? `/${path}` : path;
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name);
}
