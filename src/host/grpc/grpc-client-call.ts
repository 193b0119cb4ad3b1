import { constants } from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { decodeGrpcMessage, grpcCodeOf, GrpcError } from './grpc-error.ts';
import { FrameReader } from './grpc-frame.ts';
import { formatGrpcTimeout } from './grpc-timeout.ts';

/** What a caller may set for one call. */
export interface CallOptions {
  /** Ends the call; it then rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** The call's deadline from now; also sent to the server. Absent: none. */
  readonly timeoutMs?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What becomes of a call, told to its owner: messages, then exactly one end. */
export interface CallListener {
  onMessage(bytes: Buffer): void;
  /** @param error undefined when the status was OK */
  onEnd(error: unknown): void;
}

/** One call on the client: a request stream, frames back, and a status in the trailers. */
export class GrpcClientCall {
  readonly stream: ClientHttp2Stream;
  readonly #options: CallOptions;
  readonly #listener: CallListener;
  readonly #reader: FrameReader;
  #timer: NodeJS.Timeout | undefined;
  #onAbort: (() => void) | undefined;
  #status: IncomingHttpHeaders | undefined;
  #httpStatus = 200;
  #isResponded = false;
  #isEnded = false;

  constructor(
    session: ClientHttp2Session,
    path: string,
    options: CallOptions,
    listener: CallListener,
    messageBytesMax: number,
  ) {
    this.#options = options;
    this.#listener = listener;
    this.#reader = new FrameReader(messageBytesMax);
    this.stream = openStream(session, requestHeaders(path, options));
    this.#listen();
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined)
      this.#timer = setTimeout(
        () => this.cancel(new GrpcError('DEADLINE_EXCEEDED', 'context deadline exceeded')),
        timeoutMs,
      );
    if (signal === undefined) return;
    this.#onAbort = () => this.cancel(signal.reason);
    if (signal.aborted) this.#onAbort();
    else signal.addEventListener('abort', this.#onAbort, { once: true });
  }

  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Ends the call from this side; `reason` is what its owner is told. */
  cancel(reason: unknown): void {
    this.#end(reason);
    this.stream.close(constants.NGHTTP2_CANCEL);
    // Nobody reads any more; unread bytes would hold the connection's window.
    this.stream.resume();
  }

  #listen(): void {
    const { stream } = this;
    stream.on('response', (headers) => {
      this.#isResponded = true;
      this.#httpStatus = headers[':status'] ?? 0;
      if (headers['grpc-status'] !== undefined) this.#status = headers;
    });
    stream.on('trailers', (trailers) => {
      this.#status = trailers;
    });
    stream.on('data', (chunk: Buffer) => {
      if (this.#isEnded) return;
      try {
        this.#reader.push(chunk, (bytes) => this.#listener.onMessage(bytes));
      } catch (error) {
        this.cancel(error);
      }
    });
    stream.on('end', () => {
      if (this.#status !== undefined) this.#end(this.#statusError());
    });
    stream.on('error', () => undefined); // 'close' follows and says what to make of it
    stream.on('close', () => this.#end(this.#status === undefined ? this.#transportError() : this.#statusError()));
  }

  #statusError(): GrpcError | undefined {
    const status = Number(this.#status?.['grpc-status']);
    if (status === 0) return undefined;
    const details = this.#status?.['grpc-status-details-bin'];
    return new GrpcError(
      grpcCodeOf(status),
      decodeGrpcMessage(String(this.#status?.['grpc-message'] ?? '')),
      typeof details === 'string' ? { details: Buffer.from(details, 'base64') } : {},
    );
  }

  /** A call that ended without a status (grpc/grpc doc/http-grpc-status-mapping.md). */
  #transportError(): GrpcError {
    if (this.#isResponded && this.#httpStatus !== 200)
      return new GrpcError(HTTP_CODES[this.#httpStatus] ?? 'UNKNOWN', `unexpected HTTP status ${this.#httpStatus}`);
    const { rstCode } = this.stream;
    if (rstCode === constants.NGHTTP2_REFUSED_STREAM)
      return new GrpcError('UNAVAILABLE', 'the server refused the stream', { isUnsent: true });
    if (rstCode === constants.NGHTTP2_ENHANCE_YOUR_CALM)
      return new GrpcError('RESOURCE_EXHAUSTED', 'the server asks for calm');
    const wasOpened = this.stream.id !== undefined;
    return new GrpcError('UNAVAILABLE', 'error reading from server: connection lost', { isUnsent: !wasOpened });
  }

  #end(error: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    clearTimeout(this.#timer);
    if (this.#onAbort !== undefined) this.#options.signal?.removeEventListener('abort', this.#onAbort);
    this.#listener.onEnd(error);
  }
}

const HTTP_CODES: Record<
  number,
  'INTERNAL' | 'UNAUTHENTICATED' | 'PERMISSION_DENIED' | 'UNIMPLEMENTED' | 'UNAVAILABLE'
> = {
  400: 'INTERNAL',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'UNIMPLEMENTED',
  429: 'UNAVAILABLE',
  502: 'UNAVAILABLE',
  503: 'UNAVAILABLE',
  504: 'UNAVAILABLE',
};

/** @throws GrpcError Unavailable (`isUnsent`) when the session went away meanwhile */
function openStream(session: ClientHttp2Session, headers: Record<string, string>): ClientHttp2Stream {
  try {
    return session.request(headers);
  } catch (cause) {
    throw new GrpcError('UNAVAILABLE', 'connection error: connection lost', { isUnsent: true, cause });
  }
}

function requestHeaders(path: string, { timeoutMs, metadata }: CallOptions): Record<string, string> {
  return {
    ':method': 'POST',
    ':path': path,
    te: 'trailers',
    'content-type': 'application/grpc',
    'user-agent': 'bramble-grpc',
    ...(timeoutMs === undefined ? {} : { 'grpc-timeout': formatGrpcTimeout(timeoutMs) }),
    ...metadata,
  };
}
