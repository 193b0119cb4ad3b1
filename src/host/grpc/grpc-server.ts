import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createSecureServer, createServer } from 'node:http2';
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Session,
  ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { GrpcError } from './grpc-error.ts';
import { commonNameOf, GrpcServerCall } from './grpc-server-call.ts';
import type { ServedMethod } from './grpc-service.ts';

/** Key, certificate and the authorities whose client certificates are accepted, in PEM. */
export interface ServerTls {
  readonly key: string | Buffer;
  readonly cert: string | Buffer;
  readonly clientCa: string | Buffer;
}

/** Whether a client whose certificate was verified may connect, by its subject's common name. */
type AllowClient = (commonName: string) => boolean;

/** How a gRPC server is set up. */
export interface GrpcServerOptions {
  readonly methods: readonly ServedMethod[];
  /** Absent: plain text, for unix sockets and tests. With it every client must show a certificate. */
  readonly tls?: ServerTls;
  /** Absent: every certificate of the authority will do. */
  readonly allowClient?: AllowClient;
  /** Larger requests are refused with RESOURCE_EXHAUSTED; 4 MiB when absent, as in grpc-go. */
  readonly messageBytesMax?: number;
  /** Requests that are no gRPC: HTTP/1.1 and HTTP/2 alike. Absent: 415. */
  readonly onHttp?: (
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ) => void;
  /** Connections that are no HTTP at all. */
  readonly other?: OtherProtocol;
}

/** Another protocol on the same port: with TLS told by its name (ALPN), without by its first bytes. */
export interface OtherProtocol {
  readonly name: string;
  /** What a connection without TLS begins with; it is not given to `onSocket`. */
  readonly preface: Buffer;
  /** Takes over a connection whose client was let in. */
  onSocket(socket: Socket): void;
}

/** Where a server listens: port 0 takes a free one; `path` is a unix socket. */
export type ListenAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/**
 * Serves gRPC over HTTP/2. Listens from `listen` on until `close`, which sends
 * GOAWAY, gives running calls `graceMs` to end and then cuts them off.
 */
export class GrpcServer {
  readonly #server: Http2Server | Http2SecureServer;
  readonly #methods: ReadonlyMap<string, ServedMethod>;
  readonly #messageBytesMax: number;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #calls = new Set<GrpcServerCall>();
  /** Of the other protocol. */
  readonly #sockets = new Set<Socket>();

  constructor(options: GrpcServerOptions) {
    this.#methods = new Map(options.methods.map((method) => [method.path, method]));
    this.#messageBytesMax = options.messageBytesMax ?? 4 * 1024 * 1024;
    const { allowClient, other, tls } = options;
    this.#server = makeServer(tls, other);
    this.#server.on('session', (session) => this.#onSession(session));
    const isAllowed = (socket: TLSSocket): boolean => allowClient?.(commonNameOf(socket) ?? '') ?? true;
    if (tls !== undefined) this.#sortSecure(isAllowed, other);
    else if (other !== undefined) this.#sortPlain(other);
    if (options.onHttp !== undefined) this.#server.on('request', options.onHttp);
    // The compatibility layer takes every HTTP/2 stream as soon as 'request' has a listener: only for what is no gRPC.
    const others = this.#server.listeners('stream') as StreamListener[];
    this.#server.removeAllListeners('stream');
    const onStream: StreamListener = (stream, headers, flags, rawHeaders) => {
      if (headers['content-type']?.startsWith('application/grpc') === true) this.#onCall(stream, headers);
      else if (others.length > 0) others.forEach((listener) => listener(stream, headers, flags, rawHeaders));
      else refuse(stream);
    };
    this.#server.on('stream', onStream);
  }

  /** Settles when the server listens; gives the port (0 for a unix socket). */
  async listen(address: ListenAddress): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(address, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    const bound: AddressInfo | string | null = this.#server.address();
    return bound !== null && typeof bound === 'object' ? bound.port : 0;
  }

  /** Uses renewed keys for the connections to come. */
  renewTls(tls: ServerTls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext(secureContext(tls));
  }

  /** Stops listening and settles when every connection is closed. */
  async close(graceMs: number): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const timer = setTimeout(() => {
      for (const call of this.#calls) call.fail(new GrpcError('UNAVAILABLE', 'transport is closing'));
      setImmediate(() => {
        for (const session of this.#sessions) session.destroy();
        for (const socket of this.#sockets) socket.destroy();
      });
    }, graceMs);
    await closed;
    clearTimeout(timer);
  }

  /** Gives each secured connection to whom it is meant for. */
  #sortSecure(isAllowed: (socket: TLSSocket) => boolean, other: OtherProtocol | undefined): void {
    this.#sortConnections('secureConnection', (socket, toHttp) => {
      if (!(socket instanceof TLSSocket) || !isAllowed(socket)) socket.destroy();
      else if (other !== undefined && socket.alpnProtocol === other.name) this.#onOther(other, socket);
      else toHttp();
    });
  }

  /** As above, for the tests' connections without TLS. */
  #sortPlain(other: OtherProtocol): void {
    this.#sortConnections('connection', (socket, toHttp) => {
      socket.once('error', () => socket.destroy());
      socket.once('readable', () => {
        const first = (socket.read() as Buffer | null) ?? Buffer.alloc(0);
        const { length } = other.preface;
        const isOther = first.subarray(0, length).equals(other.preface);
        const rest = isOther ? first.subarray(length) : first;
        if (rest.length > 0) socket.unshift(rest);
        if (isOther) this.#onOther(other, socket);
        else toHttp();
      });
    });
  }

  #sortConnections(event: string, sort: (socket: Socket, toHttp: () => void) => void): void {
    const listeners = this.#server.listeners(event) as ((this: unknown, socket: Socket) => void)[];
    this.#server.removeAllListeners(event);
    this.#server.on(event, (socket: Socket) =>
      sort(socket, () => {
        for (const listener of listeners) listener.call(this.#server, socket);
      }),
    );
  }

  #onOther(other: OtherProtocol, socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    other.onSocket(socket);
  }

  #onSession(session: ServerHttp2Session): void {
    this.#sessions.add(session);
    session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    session.on('error', () => session.destroy());
    session.once('close', () => this.#sessions.delete(session));
  }

  #onCall(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void {
    const call = new GrpcServerCall(stream, headers);
    this.#calls.add(call);
    stream.once('close', () => this.#calls.delete(call));
    const method = this.#methods.get(call.path);
    if (method === undefined) call.fail(unknownMethod(call.path));
    else method.serve(call, this.#messageBytesMax);
  }
}

type StreamListener = (
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  flags: number,
  rawHeaders: string[],
) => void;

/** Received and unread bytes per connection, and per stream. */
const CONNECTION_WINDOW_BYTES = 16 << 20;
const STREAM_WINDOW_BYTES = 1 << 20;
/** Members and API servers have a few connections each; a TLS connection costs some 80 KB. */
const CONNECTIONS_MAX = 1000;
const HANDSHAKE_MS = 10_000;
const SETTINGS = { initialWindowSize: STREAM_WINDOW_BYTES, maxConcurrentStreams: 10_000 };

function makeServer(tls: ServerTls | undefined, other: OtherProtocol | undefined): Http2Server | Http2SecureServer {
  const known = [...(other === undefined ? [] : [other.name]), 'h2', 'http/1.1'];
  if (tls === undefined) return createServer({ settings: SETTINGS });
  const server = createSecureServer({
    ...secureContext(tls),
    requestCert: true,
    rejectUnauthorized: true,
    allowHTTP1: true,
    ALPNCallback: ({ protocols }) => known.find((name) => protocols.includes(name)),
    settings: SETTINGS,
    handshakeTimeout: HANDSHAKE_MS,
    secureOptions: constants.SSL_OP_NO_TICKET, // a resumed session would carry a certificate past its end
  });
  // Who has no certificate may still connect, and costs memory until the handshake has failed.
  server.maxConnections = CONNECTIONS_MAX;
  return server;
}

function secureContext(tls: ServerTls) {
  return { key: tls.key, cert: tls.cert, ca: tls.clientCa, minVersion: 'TLSv1.2' as const };
}

function refuse(stream: ServerHttp2Stream): void {
  stream.on('error', () => undefined);
  stream.respond({ ':status': 415 }, { endStream: true });
}

/** The texts of grpc-go, which clients show to people. */
function unknownMethod(path: string): GrpcError {
  const [, service = '', method = ''] = path.split('/');
  return new GrpcError('UNIMPLEMENTED', `unknown method ${method} for service ${service}`);
}
