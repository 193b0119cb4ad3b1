import {
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { KINDS } from '../../src/api/kinds/rows.ts';
import type { KubeObject } from '../../src/api/objects.ts';
import { badRequest, StatusError } from '../../src/api/status.ts';
import type { ApiClient, Patch, Resource } from '../../src/client/api-client.ts';
import { createAuthority, issue } from '../../src/host/pki.ts';

/** What one request to the server looked like. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  /** Common name in the client's certificate. */
  readonly clientName: string;
}

/** Any client's objects served over HTTP/2 and TLS, to test clients by; it authenticates everybody. */
export interface ServedApi {
  readonly url: string;
  readonly seen: SeenRequest[];
  /** Answers instead of the API when it gives true. */
  onRequest: (request: SeenRequest, stream: ServerHttp2Stream) => boolean;
  readonly sessions: Set<ServerHttp2Session>;
  /** Ends the server and its connections at once. */
  close(): Promise<void>;
}

export interface TestPki {
  readonly ca: string;
  readonly issue: (name: string, usage: 'server' | 'client') => Promise<{ certPem: string; keyPem: string }>;
}

/** An authority for one test. */
export async function createTestPki(): Promise<TestPki> {
  const nowMs = Date.now();
  const authority = await createAuthority('test', nowMs);
  return {
    ca: authority.certPem,
    issue: async (name, usage) =>
      issue({
        authority,
        subject: { commonName: name },
        altNames: ['127.0.0.1'],
        usages: [usage],
        nowMs,
        lifetimeMs: 86_400_000,
      }),
  };
}

export async function serveApi(client: ApiClient, pki: TestPki, port = 0): Promise<ServedApi> {
  const { certPem, keyPem } = await pki.issue('server', 'server');
  const server: Http2SecureServer = createSecureServer({
    cert: certPem,
    key: keyPem,
    ca: pki.ca,
    requestCert: true,
    rejectUnauthorized: false,
  });
  const served: ServedApi = {
    url: '',
    seen: [],
    onRequest: () => false,
    sessions: new Set(),
    async close() {
      for (const session of served.sessions) session.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  server.on('session', (session) => {
    served.sessions.add(session);
    session.once('close', () => served.sessions.delete(session));
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const socket = stream.session?.socket as { getPeerCertificate?: () => { subject?: { CN?: string } } } | undefined;
    const request: SeenRequest = {
      method: headers[':method'] ?? '',
      path: headers[':path'] ?? '',
      authorization: headers.authorization ?? '',
      clientName: socket?.getPeerCertificate?.().subject?.CN ?? '',
    };
    served.seen.push(request);
    if (served.onRequest(request, stream)) return;
    void answer(client, request, stream, headers['content-type'] ?? '');
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return Object.assign(served, { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` });
}

async function answer(client: ApiClient, request: SeenRequest, stream: ServerHttp2Stream, type: string): Promise<void> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of stream) chunks.push(chunk as Uint8Array);
    const text = Buffer.concat(chunks).toString('utf8');
    const body: unknown = text === '' ? undefined : JSON.parse(text);
    if (request.path.includes('watch=true')) return await answerWatch(client, request, stream);
    respond(stream, 200, await dispatch(client, request, body, type));
  } catch (error) {
    const status = error instanceof StatusError ? error : new StatusError('InternalError', String(error));
    if (!stream.destroyed && !stream.headersSent) respond(stream, status.code, status);
    else if (!stream.destroyed) stream.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`);
  }
}

export function respond(stream: ServerHttp2Stream, status: number, body: unknown, headers = {}): void {
  stream.respond({ ':status': status, 'content-type': 'application/json', ...headers });
  stream.end(JSON.stringify(body));
}

interface Target {
  readonly resource: Resource<KubeObject>;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string | undefined;
  readonly parameters: URLSearchParams;
}

function targetOf(path: string): Target | undefined {
  const { pathname, searchParams: parameters } = new URL(path, 'https://x');
  const match =
    /^\/(?:api|apis\/([^/]+))\/([^/]+)\/(?:namespaces\/([^/]+)\/(?!finalize|status))?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?$/.exec(
      pathname,
    );
  if (match === null) return undefined;
  const [, group = '', version = '', namespace = '', plural = '', name = '', subresource] = match;
  const kind = KINDS.find((row) => row.group === group && row.plural === plural);
  if (kind === undefined) return undefined;
  const resource = { group, version, plural, kind: kind.kind, namespaced: kind.namespaced };
  return { resource, namespace, name, subresource, parameters };
}

function listOptions({ namespace, parameters }: Target) {
  const limit = parameters.get('limit');
  const next = parameters.get('continue');
  return {
    namespace,
    labelSelector: parameters.get('labelSelector') ?? '',
    fieldSelector: parameters.get('fieldSelector') ?? '',
    ...(limit === null ? {} : { limit: Number(limit) }),
    ...(next === null ? {} : { continue: next }),
  };
}

async function dispatch(client: ApiClient, request: SeenRequest, body: unknown, type: string): Promise<unknown> {
  const target = targetOf(request.path);
  if (target === undefined) return client.request(request.method, request.path, body);
  const { resource, namespace, name, subresource, parameters } = target;
  const options = { dryRun: parameters.has('dryRun'), ...(subresource === undefined ? {} : { subresource }) };
  switch (request.method) {
    case 'GET':
      if (name !== '') return client.get(resource, namespace, name, options);
      return withoutItemTypes(await client.list(resource, listOptions(target)));
    case 'POST':
      return client.create(resource, body as KubeObject, options);
    case 'PUT':
      return client.update(resource, body as KubeObject, options);
    case 'PATCH': {
      const patch: Patch = {
        type: type.includes('json-patch') ? 'json' : type.includes('strategic') ? 'strategic' : 'merge',
        body,
      };
      return client.patch(resource, { namespace, name }, patch, options);
    }
    case 'DELETE':
      await client.delete(resource, { namespace, name }, body as object);
      return { kind: 'Status', apiVersion: 'v1', status: 'Success' };
    default:
      throw badRequest(request.method);
  }
}

/** As real servers do. */
function withoutItemTypes(list: { items: KubeObject[] }): unknown {
  return { ...list, items: list.items.map(({ apiVersion: _apiVersion, kind: _kind, ...rest }) => rest) };
}

async function answerWatch(client: ApiClient, request: SeenRequest, stream: ServerHttp2Stream): Promise<void> {
  const target = targetOf(request.path);
  if (target === undefined) throw badRequest(request.path);
  const stop = new AbortController();
  stream.once('close', () => stop.abort());
  stream.respond({ ':status': 200, 'content-type': 'application/json' });
  const options = {
    ...listOptions(target),
    resourceVersion: target.parameters.get('resourceVersion') ?? '',
    allowWatchBookmarks: target.parameters.has('allowWatchBookmarks'),
    signal: stop.signal,
  };
  for await (const event of client.watch(target.resource, options)) stream.write(`${JSON.stringify(event)}\n`);
  stream.end();
}
