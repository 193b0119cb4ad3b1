import type { X509Certificate } from 'node:crypto';
import { constants as cryptoConstants } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { ServerResponse } from '../host/http.ts';
import type { Log } from '../host/log.ts';
import { StatusError } from '../api/status.ts';
import { Connections } from './connections.ts';
import { Exchange, type HttpRequest, type HttpResponse } from './exchange.ts';
import type { Peer, Pipeline } from './pipeline.ts';
import { wrongForm } from './request-form.ts';
import { SERVER_LIMITS, type ServerLimits } from './server-limits.ts';
import type { ServingTls } from './serving-tls.ts';

export interface ServerOptions {
  readonly tls: ServingTls;
  readonly bindAddress: string;
  readonly port: number;
  readonly pipeline: Pipeline;
  readonly log: Log;
  /** In the place of SERVER_LIMITS. */
  readonly limits?: Partial<ServerLimits>;
  /** Called with the port in use once connections are taken. */
  readonly onListening?: (port: number) => void;
}

/** HTTP/2 connections without a stream, and HTTP/1.1 connections between requests, end after these. */
const SESSION_IDLE_MS = 180_000;
const KEEP_ALIVE_MS = 60_000;
const STREAMS_MAX = 250;
/** Sockets beside each connection that is held with TLS done: those in the middle of a handshake. */
const SOCKETS_SHARE = 2;
const HEADER_BYTES_MAX = 64 * 1024;
/** Requests under way get so long at the end; watches and streams end at once. */
const SHUTDOWN_MS = 5000;

interface TlsPeer {
  readonly certificate: X509Certificate | undefined;
  readonly isAuthorized: boolean;
}

/** Serves HTTPS (HTTP/2, HTTP/1.1 and its upgrades) until `signal` is aborted; settles when every connection is closed. */
export async function runServer(options: ServerOptions, signal: AbortSignal): Promise<void> {
  await new ApiListener(options).run(signal);
}

interface Upgrade {
  readonly socket: Socket;
  readonly head: Buffer;
}

class ApiListener {
  readonly #options: ServerOptions;
  readonly #server: Http2SecureServer;
  readonly #connections: Connections;
  /** What is below TLS: a client that goes in the middle of a handshake can leave one that nothing else would ever end. */
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #peers = new WeakMap<object, TlsPeer>();
  // Node shows only a proxy of an HTTP/2 session's socket; the session is made while its socket's event is handled.
  readonly #socketOfSession = new WeakMap<object, TLSSocket>();
  #newestSocket: TLSSocket | undefined;
  readonly #refused = new WeakSet<Socket>();
  /** Aborted when streams have to end, and when everything has. */
  readonly #drain = new AbortController();
  readonly #stop = new AbortController();
  #underWay = 0;

  constructor(options: ServerOptions) {
    this.#options = options;
    const limits = { ...SERVER_LIMITS, ...options.limits };
    this.#connections = new Connections(limits.connectionsMax);
    this.#server = createServer(options.tls, limits);
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    this.#server.prependListener('secureConnection', (socket: TLSSocket) => this.#onConnection(socket));
    this.#server.on('session', (session) => this.#onSession(session));
    this.#server.on('request', (request, response) => void this.#serve(request, response));
    this.#server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) =>
      this.#onUpgrade(request, { socket, head }),
    );
    // A client's failures are its own; the connection is closed by Node.
    this.#server.on('sessionError', () => undefined);
    this.#server.on('tlsClientError', () => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { tls, log, bindAddress, onListening } = this.#options;
    const stopReloading = tls.onChange((context) => this.#server.setSecureContext(context));
    try {
      await listen(this.#server, this.#options);
      const address = this.#server.address();
      const port = typeof address === 'object' && address !== null ? address.port : this.#options.port;
      log.info('serving', { address: bindAddress, port });
      onListening?.(port);
      await aborted(signal);
    } finally {
      stopReloading();
      await this.#close();
    }
  }

  async #close(): Promise<void> {
    this.#drain.abort(shuttingDown());
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const untilMs = performance.now() + SHUTDOWN_MS;
    while (this.#underWay > 0 && performance.now() < untilMs) await new Promise((resolve) => setTimeout(resolve, 20));
    this.#stop.abort(shuttingDown());
    for (const session of this.#sessions) session.destroy();
    this.#connections.destroy();
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #onConnection(socket: TLSSocket): void {
    this.#newestSocket = socket;
    this.#connections.add(socket);
    this.#peers.set(socket, { certificate: socket.getPeerX509Certificate(), isAuthorized: socket.authorized });
    socket.on('error', () => undefined); // as above
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    if (this.#newestSocket !== undefined) this.#socketOfSession.set(session, this.#newestSocket);
    session.once('close', () => this.#sessions.delete(session));
    session.on('error', () => session.destroy());
    session.setTimeout(SESSION_IDLE_MS, () => session.close());
  }

  #onUpgrade(request: IncomingMessage, upgrade: Upgrade): void {
    const { socket } = upgrade;
    // An answer to it that is none of the new protocol goes out as plain HTTP.
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once('finish', () => {
      if (!socket.destroyed) socket.end();
    });
    void this.#serve(request, response, upgrade);
  }

  async #serve(request: HttpRequest, response: HttpResponse, upgrade?: Upgrade): Promise<void> {
    const socket = this.#socketOf(request);
    if (this.#isRefused(request, response, socket)) return;
    const done = this.#connections.use(socket);
    this.#underWay += 1;
    const exchange = new Exchange(request, response, this.#stop.signal, this.#drain.signal);
    const transport =
      upgrade === undefined
        ? undefined
        : ({ type: 'upgrade', request: request as IncomingMessage, ...upgrade } as const);
    await this.#options.pipeline.handle(exchange, peerOf(this.#peers.get(socket), socket), transport);
    if (upgrade !== undefined && !response.headersSent) upgrade.socket.destroySoon();
    this.#underWay -= 1;
    done();
  }

  /** HTTP/2 frames its requests, and nghttp2 refuses what is malformed there. */
  #isRefused(request: HttpRequest, response: HttpResponse, socket: Socket): boolean {
    if ('stream' in request) return false;
    // What came in behind a refused request is none: nobody knows where it begins.
    if (this.#refused.has(socket)) return true;
    const why = wrongForm(request);
    if (why === null) return false;
    this.#refused.add(socket);
    const text = `400 Bad Request: ${why}`;
    response.statusCode = 400;
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.setHeader('connection', 'close');
    response.end(text);
    return true;
  }

  #socketOf(request: HttpRequest): Socket {
    const session = 'stream' in request ? request.stream.session : undefined;
    return (session === undefined ? undefined : this.#socketOfSession.get(session)) ?? request.socket;
  }
}

function shuttingDown(): StatusError {
  return new StatusError('ServiceUnavailable', 'the server is shutting down', { details: { retryAfterSeconds: 1 } });
}

function createServer(tls: ServingTls, limits: ServerLimits): Http2SecureServer {
  const { headersTimeoutMs, checkMs, requestTimeoutMs, connectionsMax } = limits;
  const server = createSecureServer({
    ...tls.current(),
    allowHTTP1: true,
    requestCert: true,
    // Who has no certificate, or a wrong one, may have a token; what the certificate is worth the authenticators say.
    rejectUnauthorized: false,
    minVersion: 'TLSv1.2',
    // Resumed sessions would carry certificates past their end.
    secureOptions: cryptoConstants.SSL_OP_NO_TICKET,
    handshakeTimeout: headersTimeoutMs,
    maxHeaderListPairs: 256,
    settings: { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX },
    http1Options: { keepAliveTimeout: KEEP_ALIVE_MS, connectionsCheckingInterval: checkMs },
    connectionsCheckingInterval: checkMs,
  } as Parameters<typeof createSecureServer>[0]);
  // Of the HTTP/1.1 half, which Node's types do not show here.
  Object.assign(server, {
    headersTimeout: headersTimeoutMs,
    requestTimeout: requestTimeoutMs,
    keepAliveTimeout: KEEP_ALIVE_MS,
    maxHeaderSize: HEADER_BYTES_MAX,
  });
  server.maxConnections = connectionsMax * SOCKETS_SHARE;
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
