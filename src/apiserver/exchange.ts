import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import { StatusError } from '../api/status.ts';
import { ANONYMOUS, type UserInfo } from './authentication/authenticator.ts';
import { pathOf } from './request-form.ts';

const gzip = promisify(gzipCallback);

/** Bodies up to here are read; upstream's limit for resource requests. */
const BODY_BYTES_MAX = 3 * 1024 * 1024;
/** Answers below this are sent as they are: upstream's threshold. */
const GZIP_BYTES_MIN = 128 * 1024;
/** How long the rest of a body is still taken after the answer (net/http's rstAvoidanceDelay). */
const DISCARD_MS = 500;
/** Headers may carry so much of warnings (apimachinery's limit for all Warning headers of an answer). */
const WARNINGS_LENGTH_MAX = 4096;

export type HttpRequest = IncomingMessage | Http2ServerRequest;
export type HttpResponse = ServerResponse | Http2ServerResponse;

/** One request and its answer, over HTTP/1.1 or HTTP/2 alike. */
export class Exchange {
  readonly request: HttpRequest;
  readonly response: HttpResponse;
  readonly method: string;
  /** Without the query, as it was sent. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Aborted when the client is gone, its time is over, or the server ends. */
  readonly signal: AbortSignal;
  /** Aborted when the server is about to end: what lasts has to end now. */
  readonly drain: AbortSignal;
  user: UserInfo = ANONYMOUS;
  readonly #warnings = new Set<string>();
  readonly #abort: AbortController;

  /**
   * @param stop ends whatever is still being done
   * @param drain the server is about to end: streams have to go, requests under way may finish
   */
  constructor(request: HttpRequest, response: HttpResponse, stop: AbortSignal, drain: AbortSignal) {
    this.request = request;
    this.response = response;
    this.method = request.method ?? 'GET';
    const url = pathOf(request.url ?? '/') ?? '/';
    const mark = url.indexOf('?');
    this.path = mark < 0 ? url : url.slice(0, mark);
    this.query = new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1));
    this.drain = drain;
    this.#abort = new AbortController();
    this.signal = this.#abort.signal;
    const onStop = (): void => this.abort(stop.reason);
    if (stop.aborted) onStop();
    stop.addEventListener('abort', onStop);
    response.once('close', () => {
      stop.removeEventListener('abort', onStop);
      this.abort(new Error('the client is gone'));
    });
  }

  get headers(): IncomingHttpHeaders {
    return this.request.headers;
  }

  /** Ends what is being done for this request. */
  abort(reason: unknown): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason);
  }

  /** Adds a `Warning: 299` header (RFC 7234 section 5.5); said once each. */
  warn(text: string): void {
    this.#warnings.add(text);
  }

  /** The whole body. @throws StatusError RequestEntityTooLarge */
  async readBody(bytesMax = BODY_BYTES_MAX): Promise<Buffer> {
    const tooLarge = (): StatusError =>
      new StatusError('RequestEntityTooLarge', `Request entity too large: limit is ${bytesMax}`);
    if (Number(this.headers['content-length'] ?? 0) > bytesMax) throw tooLarge();
    const chunks: Buffer[] = [];
    let length = 0;
    // Leaving the loop may not end the connection: the client has to hear why.
    const body = this.request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
    for await (const chunk of body) {
      length += chunk.length;
      if (length > bytesMax) throw tooLarge();
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }

  /** Sends the whole answer, compressed when it is big and the client takes it. Nothing is sent to a client that is gone. */
  async send(
    code: number,
    contentType: string,
    body: string | Buffer,
    headers: OutgoingHttpHeaders = {},
  ): Promise<void> {
    let bytes = typeof body === 'string' ? Buffer.from(body) : body;
    const all: OutgoingHttpHeaders = { 'cache-control': 'no-cache, private', 'content-type': contentType, ...headers };
    if (
      all['content-encoding'] === undefined &&
      bytes.length > GZIP_BYTES_MIN &&
      /\bgzip\b/.test(this.headers['accept-encoding']?.toString() ?? '')
    ) {
      bytes = await gzip(bytes, { level: 1 });
      all['content-encoding'] = 'gzip';
      all['vary'] = 'Accept-Encoding';
    }
    all['content-length'] = bytes.length;
    this.writeHead(code, all);
    const { response } = this;
    if (this.method !== 'HEAD') (response as ServerResponse).write(bytes);
    if (this.request.httpVersionMajor === 1 && !this.request.complete) await this.#discardRest();
    response.end();
  }

  /** A connection closed over bytes that nobody read is reset, and the answer lost with it: Go's server waits so, too. */
  async #discardRest(): Promise<void> {
    const { request } = this;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, DISCARD_MS);
      for (const event of ['end', 'error', 'close'] as const) request.once(event, resolve);
      request.once('close', () => clearTimeout(timer));
      request.resume();
    });
  }

  /** Sends the head with the warnings so far; for answers that stream. */
  writeHead(code: number, headers: OutgoingHttpHeaders): void {
    const { response } = this;
    if (response.headersSent || response.destroyed) return;
    const warnings = this.#warningHeaders();
    // Of a body that was not read to its end nobody knows where the next request would begin.
    if (this.request.httpVersionMajor === 1 && !this.request.complete) response.setHeader('connection', 'close');
    if (warnings.length > 0) response.setHeader('warning', warnings);
    for (const [name, value] of Object.entries(headers)) if (value !== undefined) response.setHeader(name, value);
    response.statusCode = code;
  }

  /** Sends the head now, before there is anything of the body. */
  flushHead(): void {
    // Both have it, but the types of HTTP/2's compatibility API do not say so.
    (this.response as ServerResponse).flushHeaders();
  }

  /** A part of a streamed body; false when the client has to catch up first. */
  write(bytes: Buffer): boolean {
    return (this.response as ServerResponse).write(bytes);
  }

  #warningHeaders(): string[] {
    let length = 0;
    const found: string[] = [];
    for (const text of this.#warnings) {
      const header = `299 - ${JSON.stringify(text.replaceAll(/[^\x20-\x7e]/g, ' '))}`;
      length += header.length;
      if (length > WARNINGS_LENGTH_MAX) break;
      found.push(header);
    }
    return found;
  }
}
