import { constants } from 'node:http2';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { TLSSocket } from 'node:tls';
import type { MessageType } from '../protobuf.ts';
import { encodeFrame } from './grpc-frame.ts';
import { encodeGrpcMessage, GRPC_CODES, GrpcError, toGrpcError } from './grpc-error.ts';
import { parseGrpcTimeoutMs } from './grpc-timeout.ts';

/** What a handler knows of the call that it serves. */
export interface ServerCall {
  readonly path: string;
  /** Request metadata; names in lower case. */
  readonly headers: IncomingHttpHeaders;
  /** Aborted when the client has gone, the deadline has passed or the server stops. */
  readonly signal: AbortSignal;
  /** Subject common name of the client's verified certificate, if there is one. */
  readonly peerCommonName: string | undefined;
}

/** The answering half of a streaming call. */
export interface ResponseStream<Res> {
  /** Settles once the client can take more. @throws GrpcError Cancelled when the client has gone */
  send(message: Partial<Res>): Promise<void>;
  /** Bytes handed over and not yet taken by the client. */
  readonly bufferedBytes: number;
}

/** One call on the server: headers once, frames, then trailers. */
export class GrpcServerCall implements ServerCall {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly stream: ServerHttp2Stream;
  #abort: AbortController | undefined;
  #abortReason: GrpcError | undefined;
  #timer: NodeJS.Timeout | undefined;
  #isHeaderSent = false;
  #isFinished = false;

  constructor(stream: ServerHttp2Stream, headers: IncomingHttpHeaders) {
    this.stream = stream;
    this.headers = headers;
    this.path = headers[':path'] ?? '';
    const timeoutMs = parseGrpcTimeoutMs(headers['grpc-timeout']);
    if (timeoutMs !== undefined)
      this.#timer = setTimeout(
        () => this.fail(new GrpcError('DEADLINE_EXCEEDED', 'context deadline exceeded')),
        timeoutMs,
      );
    stream.once('close', () => this.#onClose());
    // Errors of the transport end in 'close'; without a listener they would end the process.
    stream.on('error', () => undefined);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#abortReason !== undefined) this.#abort.abort(this.#abortReason);
    return this.#abort.signal;
  }

  get peerCommonName(): string | undefined {
    const socket = this.stream.session?.socket;
    return socket instanceof TLSSocket ? commonNameOf(socket) : undefined;
  }

  get isFinished(): boolean {
    return this.#isFinished;
  }

  /** Sends one message of a stream. */
  async send<Res>(type: MessageType<Res>, message: Partial<Res>): Promise<void> {
    if (this.#isFinished || this.stream.destroyed) throw new GrpcError('CANCELLED', 'context canceled');
    this.#sendHeader();
    if (this.stream.write(encodeFrame(type, message))) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.stream.off('drain', done);
        this.stream.off('close', done);
        resolve();
      };
      this.stream.once('drain', done);
      this.stream.once('close', done);
    });
    if (this.stream.destroyed) throw new GrpcError('CANCELLED', 'context canceled');
  }

  /** Ends the call with OK; with the one answer of a unary call in `frame`. */
  finish(frame?: Buffer): void {
    if (this.#isFinished) return;
    this.#close();
    if (this.stream.destroyed || this.stream.closed) return;
    this.#sendHeader();
    this.stream.once('wantTrailers', () => {
      this.stream.sendTrailers(OK_TRAILERS);
      this.#closeClientHalf();
    });
    if (frame === undefined) this.stream.end();
    else this.stream.end(frame);
  }

  /** Ends the call with an error. */
  fail(cause: unknown): void {
    if (this.#isFinished) return;
    const error = toGrpcError(cause);
    this.#close();
    this.#abortNow(error);
    if (this.stream.destroyed || this.stream.closed) return;
    const trailers = {
      'grpc-status': String(GRPC_CODES[error.code]),
      'grpc-message': encodeGrpcMessage(error.message),
      ...(error.details === undefined ? {} : { 'grpc-status-details-bin': error.details.toString('base64') }),
    };
    if (this.#isHeaderSent) {
      this.stream.once('wantTrailers', () => {
        this.stream.sendTrailers(trailers);
        this.#closeClientHalf();
      });
      this.stream.end();
    } else {
      this.#isHeaderSent = true;
      this.stream.respond({ ...RESPONSE_HEADERS, ...trailers }, WITHOUT_BODY);
      this.#closeClientHalf();
    }
  }

  #sendHeader(): void {
    if (this.#isHeaderSent) return;
    this.#isHeaderSent = true;
    this.stream.respond(RESPONSE_HEADERS, WITH_TRAILERS);
  }

  /** What the client may still be sending is of no use; its half would stay open. After the trailers have gone out. */
  #closeClientHalf(): void {
    if (!this.stream.readableEnded) setImmediate(() => this.stream.close(constants.NGHTTP2_NO_ERROR));
  }

  #onClose(): void {
    const wasFinished = this.#isFinished;
    this.#close();
    // An error costs a stack trace: not for each call that ended well.
    if (!wasFinished || this.#abort !== undefined) this.#abortNow(new GrpcError('CANCELLED', 'context canceled'));
  }

  #close(): void {
    this.#isFinished = true;
    clearTimeout(this.#timer);
  }

  #abortNow(reason: GrpcError): void {
    this.#abortReason ??= reason;
    this.#abort?.abort(this.#abortReason);
  }
}

const RESPONSE_HEADERS = { ':status': 200, 'content-type': 'application/grpc' } as const;
/** No date: gRPC has no use for it, and it would be 30 bytes of each answer. */
const WITH_TRAILERS = { waitForTrailers: true, sendDate: false } as const;
const WITHOUT_BODY = { endStream: true, sendDate: false } as const;
const OK_TRAILERS = { 'grpc-status': '0' } as const;

/** Subject common name of a verified client certificate; undefined without one. */
export function commonNameOf(socket: TLSSocket): string | undefined {
  if (!socket.authorized) return undefined;
  const name = socket.getPeerCertificate().subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}
