import type { X509Certificate } from 'node:crypto';
import { constants as cryptoConstants } from 'node:crypto';
import { ServerResponse, type IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { Log } from '../host/log.ts';
import { StatusError } from '../api/status.ts';
import { Connections } from './connections.ts';
import { Exchange, type HttpRequest, type HttpResponse } from './exchange.ts';
import type { Peer, Pipeline } from './pipeline.ts';
import type { ServingTls } from './serving-tls.ts';

export interface ServerOptions {
  readonly tls: ServingTls;
  readonly bindAddress: string;
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly log: Log;
  /** Called with the port in use once connections are taken. */
  readonly onListening?: (port: number) => void;
}

const HEADERS_TIMEOUT_MS = 10_000;
const REQUEST_TIMEOUT_MS = 90_000;
/** HTTP/2 connections without a stream, and HTTP/1.1 connections between requests, end after these. */
const SESSION_IDLE_MS = 180_000;
const KEEP_ALIVE_MS = 60_000;
const STREAMS_MAX = 250;
const HEADER_BYTES_MAX = 64 * 1024;
/** Requests under way get so long at the end; watches and streams end at once. */
const SHUTDOWN_MS = 5000;

interface TlsPeer {
  readonly certificate: X509Certificate | undefined;
  readonly isAuthorized: boolean;
}

/** Serves HTTPS (HTTP/2, HTTP/1.1 and its upgrades) until `signal` is aborted; settles when every connection is closed. */
export async function runServer(options: ServerOptions, signal: AbortSignal): Promise<void> {
  const { tls, log } = options;
  const stop = new AbortController();
  const connections = new Connections();
  const server = createServer(tls);
  const peers = new WeakMap<object, TlsPeer>();
  const sessions = new Set<ServerHttp2Session>();
  let underWay = 0;
  // Node shows only a proxy of an HTTP/2 session's socket; the session is made while its socket's event is handled.
  const bySession = new WeakMap<object, TLSSocket>();
  let newest: TLSSocket | undefined;
  const socketOf = (request: HttpRequest): Socket => {
    const session = 'stream' in request ? request.stream.session : undefined;
    return (session === undefined ? undefined : bySession.get(session)) ?? request.socket;
  };

  const serve = async (
    request: HttpRequest,
    response: HttpResponse,
    upgrade?: { socket: Socket; head: Buffer },
  ): Promise<void> => {
    const socket = socketOf(request);
    const done = connections.use(socket);
    underWay += 1;
    const exchange = new Exchange(request, response, stop.signal);
    const transport =
      upgrade === undefined
        ? undefined
        : ({ type: 'upgrade', request: request as IncomingMessage, ...upgrade } as const);
    await options.pipeline.handle(exchange, peerOf(peers.get(socket), socket), transport);
    if (upgrade !== undefined && !response.headersSent) upgrade.socket.destroySoon();
    underWay -= 1;
    done();
  };

  server.prependListener('secureConnection', (socket: TLSSocket) => {
    newest = socket;
    connections.add(socket);
    peers.set(socket, { certificate: socket.getPeerX509Certificate(), isAuthorized: socket.authorized });
    socket.on('error', () => undefined); // the client's doing; the connection is closed by Node
  });
  server.on('session', (session) => {
    sessions.add(session);
    if (newest !== undefined) bySession.set(session, newest);
    session.once('close', () => sessions.delete(session));
    session.on('error', () => session.destroy());
    session.setTimeout(SESSION_IDLE_MS, () => session.close());
  });
  server.on('request', (request, response) => void serve(request, response));
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    // An answer to it that is none of the new protocol goes out as plain HTTP.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      if (!socket.destroyed) socket.end();
    });
    void serve(request, response, { socket, head });
  });
  server.on('sessionError', () => undefined);
  server.on('tlsClientError', () => undefined);

  const stopReloading = tls.onChange((context) => server.setSecureContext(context));
  try {
    await listen(server, options);
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : options.port;
    log.info('serving', { address: options.bindAddress, port });
    options.onListening?.(port);
    await aborted(signal);
  } finally {
    stopReloading();
    stop.abort(
      new StatusError('ServiceUnavailable', 'the server is shutting down', { details: { retryAfterSeconds: 1 } }),
    );
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.close();
    const untilMs = performance.now() + SHUTDOWN_MS;
    const isBusy = (): boolean => underWay > 0 && performance.now() < untilMs;
    while (isBusy()) await new Promise((resolve) => setTimeout(resolve, 20));
    for (const session of sessions) session.destroy();
    connections.destroy();
    await closed;
  }
}

function createServer(tls: ServingTls): Http2SecureServer {
  const server = createSecureServer({
    ...tls.current(),
    allowHTTP1: true,
    requestCert: true,
    // Who has no certificate, or a wrong one, may have a token; what the certificate is worth the authenticators say.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // Resumed sessions would carry certificates past their end.
    secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
    handshakeTimeout: HEADERS_TIMEOUT_MS,
    maxHeaderListPairs: 256,
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
    http1Options: { keepAliveTimeout: KEEP_ALIVE_MS },
  } as Parameters<typeof createSecureServer>[0]);
  // Of the HTTP/1.1 half, which Node's types do not show here.
  Object.assign(server, {
    headersTimeout: HEADERS_TIMEOUT_MS,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  });
  return server;
}

function peerOf(peer: TlsPeer | undefined, socket: Socket): Peer {
  const certificate = peer?.certificate;
  // A connection may outlive its certificate.
  const isCurrent = certificate !== undefined && Date.parse(certificate.validTo) > Date.now();
  return { certificate, isVerified: peer?.isAuthorized === true && isCurrent, address: socket.remoteAddress ?? '' };
}

async function listen(server: Http2SecureServer, { bindAddress, port }: ServerOptions): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, bindAddress, () => {
      server.removeListener('error', reject);
      resolve();
    });
  });
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
