import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { ClientIdentity } from './credentials.ts';
import { checkApiServer } from './server-identity.ts';

/** How long a server may be silent. */
export interface ConnectionLimits {
  /** For TCP and TLS together. */
  readonly connectTimeoutMs: number;
  /** While requests are open and nothing has come in for so long, the server is asked for a sign of life. */
  readonly pingEveryMs: number;
  /** Without that sign for so long, the connection is dead. Both together bound how late a pulled plug is noticed. */
  readonly pingTimeoutMs: number;
}

/** A request as it is sent. */
export interface HttpRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** The head of an answer; its body comes as it is read. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | number | undefined>>;
  /** To be read to its end or destroyed. */
  readonly body: AsyncIterable<Uint8Array> & { destroy(): unknown };
  /** Whether the body, read to its end, was all that the server meant to send: a reset looks like an end. */
  readonly isWhole: () => boolean;
}

/** A request that got no answer. `isUnprocessed`: the server has certainly not acted on it. */
export class RequestLostError extends Error {
  override readonly name = 'RequestLostError';
  readonly isUnprocessed: boolean;

  constructor(message: string, isUnprocessed: boolean, options?: ErrorOptions) {
    super(message, options);
    this.isUnprocessed = isUnprocessed;
  }
}

/** Bytes that the server may send ahead of the reader, per stream. Bounds the memory of a slow reader. */
const WINDOW_BYTES = 256 * 1024;
/** The same for the connection as a whole. */
const CONNECTION_WINDOW_BYTES = 1024 * 1024;
/** No plug is pulled between this process and the board's own server: it is asked so many times as seldom. */
const LOOPBACK_FACTOR = 5;
/** How long the open requests may go on after the server's GOAWAY. */
const DRAIN_MAX_MS = 10_000;

/** One HTTP/2 connection to one API server. */
export class Http2Connection {
  readonly server: string;
  /** Settles when the connection has ended, for whatever reason. */
  readonly ended: Promise<void>;
  readonly #session: ClientHttp2Session;
  readonly #socket: TLSSocket;
  readonly #limits: ConnectionLimits;
  #isRetired = false;
  #openStreams = 0;
  /** Since when no request is open. */
  #quietSinceMs = performance.now();
  /** Streams above this were not processed, says the server's GOAWAY. */
  #lastStreamId = Infinity;
  #pingTimer: NodeJS.Timeout | undefined;
  #deadTimer: NodeJS.Timeout | undefined;
  #drainTimer: NodeJS.Timeout | undefined;
  #error: Error | undefined;

  private constructor(server: string, socket: TLSSocket, limits: ConnectionLimits) {
    this.server = server;
    this.#socket = socket;
    this.#limits = limits;
    this.#session = connectHttp2(server, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW_BYTES },
    });
    this.#session.once('connect', () => {
      if (!this.#session.destroyed) this.#session.setLocalWindowSize(CONNECTION_WINDOW_BYTES);
    });
    this.#session.on('error', (error) => (this.#error ??= error));
    this.#session.on('goaway', (_code, lastStreamId) => {
      this.#isRetired = true;
      this.#lastStreamId = lastStreamId;
      // Node pings no session that is closing, so nobody would notice a plug that is pulled now.
      this.#drainTimer = setTimeout(() => this.destroy(), DRAIN_MAX_MS).unref();
    });
    const ended = Promise.withResolvers<void>();
    this.ended = ended.promise;
    this.#session.on('close', () => {
      clearInterval(this.#pingTimer);
      clearTimeout(this.#deadTimer);
      clearTimeout(this.#drainTimer);
      ended.resolve();
    });
    this.#session.unref();
  }

  /** Settles when TLS stands. @throws Error saying why not */
  static async open(server: string, identity: ClientIdentity, limits: ConnectionLimits): Promise<Http2Connection> {
    const { hostname, port } = new URL(server);
    const { ca, cert, key, serverName, insecureSkipVerify = false } = identity;
    const socket = connectTls({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: port === '' ? 443 : Number(port),
      ALPNProtocols: ['h2'],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: !insecureSkipVerify,
      checkServerIdentity: checkApiServer,
      ...(ca === undefined ? {} : { ca }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
      ...(serverName === undefined ? {} : { servername: serverName }),
    });
    socket.setNoDelay(true);
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        socket.destroy(new Error(`no connection within ${limits.connectTimeoutMs} ms`));
      }, limits.connectTimeoutMs);
      socket.once('secureConnect', () => {
        clearTimeout(timer);
        socket.off('error', reject);
        resolve();
      });
      socket.once('error', (error) => {
        clearTimeout(timer);
        reject(error);
      });
      socket.once('close', () => reject(new Error('the server closed the connection')));
    });
    if (socket.alpnProtocol !== 'h2') {
      socket.destroy();
      throw new Error('the server does not speak HTTP/2');
    }
    return new Http2Connection(server, socket, limits);
  }

  /** Whether new requests may be sent. */
  get isUsable(): boolean {
    return !this.#isRetired && !this.#session.closed && !this.#session.destroyed;
  }

  /** Whether the server said goodbye. */
  get isGoingAway(): boolean {
    return this.#lastStreamId !== Infinity;
  }

  /** Why the connection ended, if it broke. */
  get fault(): Error | undefined {
    return this.#error;
  }

  /** How long no request was open, and so nobody has asked the server for a sign of life. */
  get quietMs(): number {
    return this.#openStreams > 0 ? 0 : performance.now() - this.#quietSinceMs;
  }

  /** Asks the server for a sign of life; without one in time the connection is ended. */
  async probe(limitMs = this.#limits.connectTimeoutMs): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => {
        this.destroy(new Error('no sign of life from an idle connection'));
        resolve();
      }, limitMs);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.isUsable || !this.#session.ping(done)) done();
    });
  }

  /** Takes no new requests; closes when the open ones have ended. */
  retire(): void {
    this.#isRetired = true;
    if (this.#openStreams === 0 && !this.#session.destroyed) this.#session.close();
  }

  /** Ends the connection and all its requests. */
  destroy(error?: Error): void {
    this.#isRetired = true;
    this.#error ??= error;
    this.#session.destroy(error);
    this.#socket.destroy();
  }

  /** Settles when the head of the answer is in. @throws RequestLostError, or the signal's reason */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer> {
    signal.throwIfAborted();
    if (!this.isUsable) throw new RequestLostError(`the connection to ${this.server} is closed`, true);
    const { method, path, headers, body } = request;
    const stream = this.#session.request(
      { ':method': method, ':path': path, ...headers },
      { endStream: body === undefined },
    );
    this.#opened();
    const onAbort = (): void => stream.close(constants.NGHTTP2_CANCEL);
    signal.addEventListener('abort', onAbort, { once: true });
    stream.once('close', () => {
      signal.removeEventListener('abort', onAbort);
      this.#closed();
    });
    if (body !== undefined) stream.end(body);
    return new Promise<HttpAnswer>((resolve, reject) => {
      stream.once('response', (answer) => {
        const isWhole = (): boolean => stream.rstCode === constants.NGHTTP2_NO_ERROR && !stream.aborted;
        resolve({ status: answer[':status'] ?? 0, headers: answer, body: stream, isWhole });
      });
      stream.on('error', (error) => reject(this.#lost(stream, error)));
      stream.once('close', () => reject(signal.aborted ? (signal.reason as Error) : this.#lost(stream)));
    });
  }

  #lost(stream: ClientHttp2Stream, error?: Error): RequestLostError {
    const isUnprocessed =
      stream.id === undefined || stream.id > this.#lastStreamId || stream.rstCode === constants.NGHTTP2_REFUSED_STREAM;
    const cause = this.#error ?? error;
    const why = cause === undefined ? 'the server ended the request' : cause.message;
    return new RequestLostError(`no answer from ${this.server}: ${why}`, isUnprocessed, { cause });
  }

  #opened(): void {
    this.#openStreams += 1;
    if (this.#openStreams > 1) return;
    this.#session.ref();
    this.#watchOver();
  }

  #closed(): void {
    this.#openStreams -= 1;
    if (this.#openStreams > 0) return;
    this.#quietSinceMs = performance.now();
    clearInterval(this.#pingTimer);
    if (this.#session.destroyed) return;
    this.#session.unref();
    if (this.#isRetired) this.#session.close();
  }

  /** Pings while nothing comes in, and ends the connection when the answer stays out. */
  #watchOver(): void {
    const { pingTimeoutMs } = this.#limits;
    const pingEveryMs = this.#limits.pingEveryMs * (this.#socket.remoteAddress === '127.0.0.1' ? LOOPBACK_FACTOR : 1);
    let bytesSeen = this.#socket.bytesRead;
    let isAsked = false;
    clearInterval(this.#pingTimer);
    this.#pingTimer = setInterval(() => {
      const bytes = this.#socket.bytesRead;
      const isQuiet = bytes === bytesSeen;
      bytesSeen = bytes;
      if (!isQuiet || isAsked || this.#session.closed || this.#session.destroyed) return;
      isAsked = true;
      this.#deadTimer = setTimeout(() => {
        this.destroy(new Error(`no sign of life within ${pingTimeoutMs} ms`));
      }, pingTimeoutMs);
      const accepted = this.#session.ping((error) => {
        clearTimeout(this.#deadTimer);
        isAsked = false;
        if (error !== null && !this.#session.closed && !this.#session.destroyed) this.destroy(error);
      });
      if (!accepted) clearTimeout(this.#deadTimer);
    }, pingEveryMs);
    this.#pingTimer.unref();
  }
}
