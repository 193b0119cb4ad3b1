import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server } from 'node:https';
import type { Duplex } from 'node:stream';
import { badRequest, StatusError } from '../../api/status.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { systemClock } from '../../host/clock.ts';
import { createHttpsServer, STATUS_CODES } from '../../host/http.ts';
import { createLog } from '../../host/log.ts';
import type { Log } from '../../host/log.ts';
import { runTogether } from '../../host/run-together.ts';
import type { KubeletServerOptions } from '../kubelet-options.ts';
import { Authenticator } from './authenticate.ts';
import { Authorizer } from './authorize.ts';
import { failureOf, sendText } from './kubelet-call.ts';
import type { KubeletCall } from './kubelet-call.ts';
import { KubeletMetrics } from './kubelet-metrics.ts';
import type { KubeletView } from './kubelet-server.ts';
import { requestAttributes } from './request-attributes.ts';
import { createRoutes, pageNotFound } from './routes.ts';
import type { Routes } from './routes.ts';
import { waitForServingFiles, watchServingFiles } from './serving-files.ts';
import type { ServingContext } from './serving-files.ts';

const CONNECTIONS_MAX = 1000;
const HANDSHAKE_MS = 10_000;
const HEAD_MS = 10_000;
/** Between two requests of one connection. */
const IDLE_MS = 90_000;
const TCP_KEEPALIVE_MS = 30_000;

/**
 * Serves the kubelet's API (port 10250) until aborted: TLS, client certificates of the cluster's authority or bearer
 * tokens, each request authorized. Waits for its certificate; one that is replaced is used from the next connection on.
 *
 * @throws Error when the address cannot be listened on
 */
export async function runKubeletServer(
  view: KubeletView,
  options: KubeletServerOptions,
  client: ApiClient,
  signal: AbortSignal,
): Promise<void> {
  const [clock, log] = [systemClock, createLog('kubelet-server')];
  const context = await waitForServingFiles(options, { clock, log }, signal);
  if (context === undefined) return;
  const gate = new KubeletGate(view, client, { options, log, signal });
  const server = makeServer(context, gate);
  const onChange = (changed: ServingContext): void => server.setSecureContext(changed);
  await runTogether(
    [
      { run: async (stop) => listen(server, options, stop) },
      { run: async (stop) => watchServingFiles(options, context, { clock, log, onChange }, stop) },
    ],
    signal,
  );
}

function makeServer(context: ServingContext, gate: KubeletGate): Server {
  const server = createHttpsServer({
    ...context,
    requestCert: true,
    rejectUnauthorized: false, // a bearer token does as well: looked at per request
    minVersion: 'TLSv1.2',
    ALPNProtocols: ['http/1.1'],
    secureOptions: constants.SSL_OP_NO_TICKET, // each handshake proves the client anew
    handshakeTimeout: HANDSHAKE_MS,
    headersTimeout: HEAD_MS,
    requestTimeout: HEAD_MS,
    keepAliveTimeout: IDLE_MS,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEPALIVE_MS,
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.on('request', (request, response) => void gate.answer(request, response));
  server.on('upgrade', (request, socket, head) => void gate.upgrade(request, socket, head));
  server.on('clientError', (_error, socket) => socket.destroy());
  return server;
}

/** Listens until aborted, then ends every connection. */
async function listen(server: Server, { address, port }: KubeletServerOptions, signal: AbortSignal): Promise<void> {
  const sockets = new Set<Duplex>();
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    const stop = (): void => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    };
    server.once('error', reject);
    signal.addEventListener('abort', stop, { once: true });
    server.listen(port, address, () => signal.aborted && stop());
  });
}

interface GateOptions {
  readonly options: KubeletServerOptions;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Lets requests in, or not, and hands them on. */
class KubeletGate {
  readonly #view: KubeletView;
  readonly #log: Log;
  readonly #signal: AbortSignal;
  readonly #authenticator: Authenticator;
  readonly #authorizer: Authorizer;
  readonly #metrics: KubeletMetrics;
  readonly #routes: Routes;

  constructor(view: KubeletView, client: ApiClient, { options, log, signal }: GateOptions) {
    this.#view = view;
    this.#log = log;
    this.#signal = signal;
    this.#authenticator = new Authenticator(client, () => systemClock.monotonicMs());
    this.#authorizer = new Authorizer(client, view.nodeName, () => systemClock.monotonicMs());
    this.#metrics = new KubeletMetrics(view);
    this.#routes = createRoutes({ view, options, metrics: this.#metrics });
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    try {
      const { first, call } = await this.#admit(request, gone.signal);
      if (this.#routes.upgrades.has(first)) throw badRequest('Upgrade request required');
      const handler = this.#routes.handlers.get(first);
      if (handler === undefined) throw pageNotFound();
      this.#metrics.count(request.method ?? '', first, first === 'containerLogs');
      await handler(call, response);
    } catch (error) {
      this.#fail(request, response, error);
    }
  }

  async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => gone.abort());
    socket.on('error', () => socket.destroy());
    try {
      const { first, call } = await this.#admit(request, gone.signal);
      const handler = this.#routes.upgrades.get(first);
      if (handler === undefined) throw pageNotFound();
      this.#metrics.count(request.method ?? '', first, true);
      await handler(call, { socket, head });
    } catch (error) {
      const { code, text } = failureOf(error);
      const type = 'Content-Type: text/plain\r\nConnection: close\r\n';
      socket.end(
        `HTTP/1.1 ${code} ${STATUS_CODES[code] ?? ''}\r\n${type}Content-Length: ${Buffer.byteLength(text)}\r\n\r\n${text}`,
      );
    }
  }

  async #admit(request: IncomingMessage, gone: AbortSignal): Promise<{ first: string; call: KubeletCall }> {
    const url = new URL(request.url ?? '/', 'https://kubelet');
    const [first = '', ...path] = url.pathname.split('/').slice(1).map(decode);
    const signal = AbortSignal.any([this.#signal, gone]);
    const caller = await this.#authenticator.authenticate(request, signal).catch((cause: unknown) => {
      this.#log.warn('a token cannot be reviewed', { error: String(cause) });
      return undefined;
    });
    if (caller === undefined) throw new StatusError('Unauthorized', 'Unauthorized');
    await this.#authorizer.authorize(caller, requestAttributes(request.method ?? '', first), signal);
    return { first, call: { view: this.#view, request, path, query: url.searchParams, signal } };
  }

  #fail(request: IncomingMessage, response: ServerResponse, error: unknown): void {
    if (response.headersSent || response.destroyed) {
      // Half an answer must not look like a whole one.
      response.destroy();
      return;
    }
    const { code, text } = failureOf(error);
    // What a Status says is for its client: of `run`, the command and its output.
    const why = error instanceof StatusError ? error.reason : String(error);
    if (code >= 500) this.#log.warn('a request failed', { path: request.url?.split('?')[0], error: why });
    sendText(response, code, text);
  }
}

/** @throws StatusError BadRequest */
function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid URL escape "${segment}"`);
  }
}
