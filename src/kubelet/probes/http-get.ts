import type { IncomingMessage } from 'node:http';
import { httpRequest, httpsRequest } from '../../host/http.ts';
import { errorText } from '../../api/error-text.ts';
import type { Container, HTTPGetAction } from '../../api/objects.ts';

/** Of a body no more is read than this (upstream's maxRespBodyLength). */
const BODY_BYTES_MAX = 10 * 1024;
/** As Go's http.Client. */
const REDIRECTS_MAX = 10;

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
  /** A redirect to another host was not followed: that other host is not what was asked about. */
  readonly isRedirectedAway: boolean;
}

export interface HttpTarget {
  /** The pod's address. */
  readonly host: string;
  readonly port: number;
  readonly action: HTTPGetAction;
  readonly userAgent: string;
  readonly timeoutMs: number;
}

/** The address of an httpGet: `http://10.244.0.7:8080/healthz?x=y`. */
export function httpUrl({ host, port, action }: Pick<HttpTarget, 'host' | 'port' | 'action'>): URL {
  const scheme = (action.scheme ?? 'HTTP').toLowerCase();
  const name = action.host === undefined || action.host === '' ? host : action.host;
  const url = new URL(`${scheme}://${name.includes(':') ? `[${name}]` : name}:${port}`);
  const path = action.path ?? '/';
  const query = path.indexOf('?');
  url.pathname = query < 0 ? path : path.slice(0, query);
  if (query >= 0) url.search = path.slice(query);
  return url;
}

/** Number of a port given by number or by name. @throws Error when the container has none of that name */
export function portNumber(port: number | string, container: Container): number {
  const number = typeof port === 'number' ? port : /^\d+$/.test(port) ? Number(port) : undefined;
  const found = number ?? container.ports?.find(({ name }) => name === port)?.containerPort;
  if (found === undefined)
    throw new Error(`couldn't find port: ${JSON.stringify(port)} in container ${container.name}`);
  if (found < 1 || found > 65_535) throw new Error(`invalid port number: ${found}`);
  return found;
}

/** Asks once, following redirects on the same host. Certificates are not verified, as upstream. @throws Error */
export async function httpGet(target: HttpTarget, signal: AbortSignal): Promise<HttpAnswer> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(target.timeoutMs)]);
  let url = httpUrl(target);
  try {
    for (let redirects = 0; ; redirects += 1) {
      const answer = await ask(url, target, limit);
      const { statusCode = 0, headers } = answer;
      const body = await readBody(answer);
      if (statusCode < 300 || statusCode >= 400 || headers.location === undefined)
        return { status: statusCode, body, isRedirectedAway: false };
      const next = new URL(headers.location, url);
      if (next.hostname !== url.hostname) return { status: statusCode, body, isRedirectedAway: true };
      if (redirects >= REDIRECTS_MAX) throw new Error('stopped after 10 redirects');
      url = next;
    }
  } catch (error) {
    throw new Error(`Get "${url.href}": ${describe(error, url, limit, signal)}`, { cause: error });
  }
}

/** In Go's words, as people search for them. */
function describe(error: unknown, url: URL, limit: AbortSignal, signal: AbortSignal): string {
  if (limit.aborted && !signal.aborted)
    return 'context deadline exceeded (Client.Timeout exceeded while awaiting headers)';
  return dialError(error, `${url.hostname}:${url.port}`);
}

/** A failed connection in Go's words: `dial tcp 10.0.0.1:80: connect: connection refused`. */
export function dialError(error: unknown, address: string): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const text: Record<string, string> = {
    ECONNREFUSED: `dial tcp ${address}: connect: connection refused`,
    EHOSTUNREACH: `dial tcp ${address}: connect: no route to host`,
    ENETUNREACH: `dial tcp ${address}: connect: network is unreachable`,
    ETIMEDOUT: `dial tcp ${address}: i/o timeout`,
    ECONNRESET: 'read: connection reset by peer',
  };
  if (typeof code === 'string' && text[code] !== undefined) return text[code];
  return errorText(error);
}

async function ask(url: URL, { action, userAgent }: HttpTarget, signal: AbortSignal): Promise<IncomingMessage> {
  const headers: Record<string, string | string[]> = { 'user-agent': userAgent, accept: '*/*', connection: 'close' };
  for (const { name, value } of action.httpHeaders ?? []) {
    const before = headers[name.toLowerCase()];
    const isOurs = name.toLowerCase() === 'user-agent' || name.toLowerCase() === 'accept';
    headers[name.toLowerCase()] = before === undefined || isOurs ? value : [before, value].flat();
  }
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const options = { headers, signal, agent: false, rejectUnauthorized: false } as const;
  const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
  request.once('response', resolve);
  request.once('error', reject);
  // A container that switches protocols ends the exchange without either.
  request.once('close', () => reject(new Error('EOF')));
  request.end();
  return promise;
}

async function readBody(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= BODY_BYTES_MAX) break; // leaving the loop destroys the stream
  }
  return Buffer.concat(chunks).subarray(0, BODY_BYTES_MAX).toString('utf8');
}
