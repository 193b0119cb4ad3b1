import { errorText } from '../api/error-text.ts';
import { reasonOfCode, StatusError } from '../api/status.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import { Credentials, type ClientConfig } from './credentials.ts';
import {
  Http2Connection,
  RequestLostError,
  type ConnectionLimits,
  type HttpAnswer,
  type HttpRequest,
} from './http2-connection.ts';
import { ServerPool } from './server-pool.ts';

/** Which servers, as whom, and within which limits. */
export interface TransportOptions {
  readonly config: ClientConfig;
  /** For the User-Agent: `bramble-kubelet`. */
  readonly userAgent: string;
  /** The API servers as they are now; asked when none answers, and every REFRESH_MS while in use. */
  readonly refreshServers?: () => Promise<readonly string[]>;
  /** One of them that is nearer than all others, a board's own: gone back to when it is ready again. */
  readonly nearest?: string;
  readonly limits?: Partial<ConnectionLimits>;
  /** Unary requests; watches have none. */
  readonly requestTimeoutMs?: number;
  readonly clock?: Clock;
  readonly log?: Log;
}

/** A request, to whichever server. */
export interface TransportRequest {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

/** A whole answer. */
export interface UnaryAnswer {
  readonly status: number;
  readonly text: string;
}

const DEFAULT_LIMITS: ConnectionLimits = { connectTimeoutMs: 1000, pingEveryMs: 1000, pingTimeoutMs: 1900 };
const REQUEST_TIMEOUT_MS = 30_000;
const REFRESH_MS = 30_000;
/** How long the nearest server may take to say that it is ready. */
const READY_MS = 2_000;
/** A connection unused for so long is tried out before it is used again. */
const PROBE_AFTER_MS = 5000;
/** Answers and servers tried per request, before the caller decides. */
const TRIES_MAX = 8;
/** A Retry-After longer than this is the caller's to wait. */
const RETRY_AFTER_MAX_MS = 10_000;
/** A unary answer at most; lists are paged. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;

/**
 * Requests to whichever API server answers. A server that does not is left at once for the next. A request is sent again
 * only where that is safe: if it only reads, if the server has certainly not acted on it, or if the server itself said so
 * (429 and 503 with Retry-After, 401 after the credentials' renewal).
 */
export class Transport {
  readonly #options: TransportOptions;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #credentials: Credentials;
  readonly #pool: ServerPool;
  readonly #limits: ConnectionLimits;
  readonly #closing = new AbortController();
  #connection: Http2Connection | undefined;
  #generation = 0;
  #connecting: Promise<Http2Connection> | undefined;
  #refreshedMs: number;
  #isReturning = false;

  constructor(options: TransportOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#log = options.log ?? createLog('client');
    this.#credentials = new Credentials(options.config, this.#clock, this.#log);
    this.#pool = new ServerPool(options.config.servers);
    this.#limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.#refreshedMs = this.#clock.monotonicMs();
  }

  /** The server in use, for logs and status pages. */
  get server(): string | undefined {
    return this.#connection?.server;
  }

  /** Sends a request and reads the whole answer. @throws StatusError ServiceUnavailable, Timeout */
  async unary(request: TransportRequest): Promise<UnaryAnswer> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), this.#options.requestTimeoutMs ?? REQUEST_TIMEOUT_MS);
    const signal = request.signal === undefined ? late.signal : AbortSignal.any([late.signal, request.signal]);
    try {
      return await this.#send(request, signal, async (answer) => ({
        status: answer.status,
        text: await readAll(answer, ANSWER_BYTES_MAX),
      }));
    } catch (error) {
      request.signal?.throwIfAborted();
      if (late.signal.aborted)
        throw new StatusError('Timeout', `no answer in time to ${request.method} ${request.path}`, { cause: error });
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sends a request and gives the answer as it comes, until the signal is aborted. @throws StatusError */
  async stream(request: TransportRequest & { readonly signal: AbortSignal }): Promise<HttpAnswer> {
    return this.#send(request, request.signal, async (answer) => answer);
  }

  /** Ends the connection and all requests. */
  close(): void {
    this.#closing.abort();
    this.#connection?.destroy();
  }

  async #send<T>(
    request: TransportRequest,
    signal: AbortSignal,
    finish: (answer: HttpAnswer) => Promise<T>,
  ): Promise<T> {
    const isRead = request.method === 'GET';
    for (let tries = 1; ; tries += 1) {
      const connection = await this.#connected(signal);
      try {
        const answer = await connection.request(await this.#withHeaders(request), signal);
        const delayMs = this.#retryDelayMs(answer, connection, isRead, tries);
        if (delayMs === undefined) return await finish(answer);
        answer.body.destroy();
        await this.#clock.sleepMs(delayMs, signal);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof StatusError) throw error;
        if (!connection.isUsable) this.#left(connection, !connection.isGoingAway);
        const isSafe = isRead || (error instanceof RequestLostError && error.isUnprocessed);
        if (isSafe && tries < TRIES_MAX) continue;
        const outcome = isSafe ? '' : '; it may have taken effect';
        const message = `${request.method} ${request.path}: ${errorText(error)}${outcome}`;
        throw new StatusError(isSafe ? 'ServiceUnavailable' : 'Timeout', message, { cause: error });
      }
    }
  }

  /** How long to wait before sending a request again that was answered; undefined: the answer is final. */
  #retryDelayMs(answer: HttpAnswer, connection: Http2Connection, isRead: boolean, tries: number): number | undefined {
    if (tries >= TRIES_MAX) return undefined;
    if (answer.status === 401 && tries === 1) {
      this.#credentials.expire();
      return 0;
    }
    if (answer.status !== 429 && answer.status !== 503) return undefined;
    const seconds = Number(answer.headers['retry-after']);
    if (Number.isFinite(seconds) && seconds >= 0) {
      const delayMs = Math.max(seconds * 1000, 100);
      return delayMs <= RETRY_AFTER_MAX_MS ? delayMs : undefined;
    }
    // A server that cannot serve (its store is away, it is starting) is left for one that can.
    if (answer.status !== 503 || !isRead || tries > this.#pool.order(0).length) return undefined;
    this.#left(connection, true);
    connection.retire();
    return 0;
  }

  async #withHeaders({ method, path, body, contentType }: TransportRequest): Promise<HttpRequest> {
    const { token } = await this.#credentials.current();
    const headers: Record<string, string> = { 'user-agent': this.#options.userAgent, accept: 'application/json' };
    if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
    if (body === undefined) return { method, path, headers };
    return { method, path, body, headers: { ...headers, 'content-type': contentType ?? 'application/json' } };
  }

  /** Forgets the connection in use. A server that was at fault is passed over for a while. */
  #left(connection: Http2Connection, isFault: boolean): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if (!isFault || this.#closing.signal.aborted) return;
    this.#pool.failed(connection.server, this.#clock.monotonicMs());
    this.#log.info('lost an API server', { server: connection.server, fault: connection.fault?.message });
  }

  /** The connection in use, or a new one. @throws StatusError ServiceUnavailable when no server answers */
  async #connected(signal: AbortSignal): Promise<Http2Connection> {
    this.#closing.signal.throwIfAborted();
    await this.#credentials.current();
    if (this.#generation !== this.#credentials.generation) {
      this.#connection?.retire();
      this.#connection = undefined;
    }
    this.#refreshNowAndThen();
    const connection = this.#connection;
    if (connection?.isUsable === true) {
      // A server may have gone while nobody was talking to it: better to find out before a write is on its way.
      if (connection.quietMs > PROBE_AFTER_MS) await connection.probe();
      if (connection.isUsable) return connection;
    }
    this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined));
    return untilAborted(this.#connecting, signal);
  }

  async #connect(): Promise<Http2Connection> {
    const failures: string[] = [];
    const tried = new Set<string>();
    const identity = await this.#credentials.current();
    const { generation } = this.#credentials;
    for (const refresh of [false, true]) {
      if (refresh) await this.#refresh();
      for (const server of this.#pool.order(this.#clock.monotonicMs())) {
        if (tried.has(server)) continue;
        tried.add(server);
        try {
          const connection = await Http2Connection.open(server, identity, this.#limits);
          if (this.#closing.signal.aborted) connection.destroy();
          this.#closing.signal.throwIfAborted();
          this.#use(connection, generation);
          return connection;
        } catch (error) {
          this.#closing.signal.throwIfAborted();
          this.#pool.failed(server, this.#clock.monotonicMs());
          failures.push(`${server}: ${errorText(error)}`);
        }
      }
    }
    throw new StatusError('ServiceUnavailable', `no API server answers: ${failures.join('; ')}`);
  }

  #refreshNowAndThen(): void {
    if (this.#clock.monotonicMs() - this.#refreshedMs < REFRESH_MS) return;
    this.#refreshedMs = this.#clock.monotonicMs();
    void this.#refresh();
    void this.#returnToNearest();
  }

  /** Moves new requests to the nearest server if that is ready; open ones, and watches, end where they are. */
  async #returnToNearest(): Promise<void> {
    const { nearest } = this.#options;
    const left = this.#connection;
    if (nearest === undefined || left === undefined || left.server === nearest || this.#isReturning) return;
    this.#isReturning = true;
    try {
      const identity = await this.#credentials.current();
      const { generation } = this.#credentials;
      const connection = await Http2Connection.open(nearest, identity, this.#limits);
      const isStillWanted = (await isReady(connection)) && this.#connection === left && !this.#closing.signal.aborted;
      if (!isStillWanted) return connection.destroy();
      this.#use(connection, generation);
      left.retire();
      this.#log.info('back at the nearest API server', { server: nearest });
    } catch (error) {
      this.#log.debug('the nearest API server is not there yet', { error });
    } finally {
      this.#isReturning = false;
    }
  }

  #use(connection: Http2Connection, generation: number): void {
    this.#pool.worked(connection.server);
    this.#generation = generation;
    this.#connection = connection;
    void connection.ended.then(() => this.#left(connection, connection.fault !== undefined));
  }

  async #refresh(): Promise<void> {
    const { refreshServers } = this.#options;
    if (refreshServers === undefined) return;
    this.#refreshedMs = this.#clock.monotonicMs();
    try {
      this.#pool.update(await refreshServers());
    } catch (error) {
      this.#log.debug('cannot tell which API servers there are', { error });
    }
  }
}

/** Whether the server says that it can serve; one that is starting takes connections before. */
async function isReady(connection: Http2Connection): Promise<boolean> {
  try {
    const request = { method: 'GET', path: '/readyz', headers: {} };
    const answer = await connection.request(request, AbortSignal.timeout(READY_MS));
    answer.body.destroy();
    return answer.status === 200;
  } catch {
    return false;
  }
}

async function readAll(answer: HttpAnswer, bytesMax: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > bytesMax)
      throw new StatusError(reasonOfCode(413), `the answer is larger than ${bytesMax} bytes: ask for pages`);
  }
  if (!answer.isWhole()) throw new RequestLostError('the answer was cut off', false);
  return Buffer.concat(chunks).toString('utf8');
}

async function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
