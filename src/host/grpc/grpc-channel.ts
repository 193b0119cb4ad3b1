import type { ClientHttp2Session } from 'node:http2';
import { GrpcClientCall } from './grpc-client-call.ts';
import type { CallOptions } from './grpc-client-call.ts';
import { openConnection } from './grpc-connection.ts';
import type { GrpcTarget } from './grpc-connection.ts';
import { GrpcError } from './grpc-error.ts';
import { encodeFrame } from './grpc-frame.ts';
import type { GrpcMethod } from './grpc-method.ts';
import { MessageQueue } from './message-queue.ts';

/** A call with streams both ways; iterate it for the answers. */
export interface BidiCall<Req, Res> extends AsyncIterable<Res> {
  /** Settles once the server can take more. @throws GrpcError when the call has ended */
  send(message: Partial<Req>): Promise<void>;
  /** Says that no more requests come; answers may still. */
  end(): void;
  /** Ends the call; an iteration under way rejects with `reason`. */
  cancel(reason: unknown): void;
}

/** Settings of a channel beyond its target. */
export interface ChannelOptions extends GrpcTarget {
  /** Larger answers end the call with RESOURCE_EXHAUSTED; 256 MiB when absent. */
  readonly messageBytesMax?: number;
}

/**
 * Calls to one server over one HTTP/2 connection, made at the first call and
 * again after it was lost. `close()` gives it back.
 */
export class GrpcChannel {
  readonly #options: ChannelOptions;
  readonly #messageBytesMax: number;
  #session: ClientHttp2Session | undefined;
  #opening: Promise<ClientHttp2Session> | undefined;
  #isClosed = false;

  constructor(options: ChannelOptions) {
    this.#options = options;
    this.#messageBytesMax = options.messageBytesMax ?? 256 << 20;
  }

  get url(): string {
    return this.#options.url;
  }

  /** One request, one answer. @throws GrpcError */
  async unary<Req, Res>(method: GrpcMethod<Req, Res>, request: Partial<Req>, options: CallOptions = {}): Promise<Res> {
    const frame = encodeFrame(method.request, request);
    const session = await this.#connected(options);
    return new Promise<Res>((resolve, reject) => {
      let answer: Buffer | undefined;
      const listener = {
        onMessage: (bytes: Buffer): void => {
          answer = bytes;
        },
        onEnd: (error: unknown): void => {
          if (error !== undefined) return reject(error);
          if (answer === undefined) return reject(new GrpcError('INTERNAL', 'OK without an answer'));
          try {
            resolve(method.response.decode(answer));
          } catch (cause) {
            reject(new GrpcError('INTERNAL', `the answer to ${method.path} cannot be decoded`, { cause }));
          }
        },
      };
      const call = new GrpcClientCall(session, method.path, options, listener, this.#messageBytesMax);
      if (!call.isEnded) call.stream.end(frame);
    });
  }

  /** One request, a stream of answers. Leaving the loop cancels the call. @throws GrpcError */
  async *serverStream<Req, Res>(
    method: GrpcMethod<Req, Res>,
    request: Partial<Req>,
    options: CallOptions = {},
  ): AsyncGenerator<Res, void> {
    const call = await this.bidi(method, options);
    await call.send(request).catch(() => undefined); // how the call ended is told by the iteration
    call.end();
    yield* call;
  }

  /** Streams both ways; settles when the connection stands. @throws GrpcError Unavailable */
  async bidi<Req, Res>(method: GrpcMethod<Req, Res>, options: CallOptions = {}): Promise<BidiCall<Req, Res>> {
    const session = await this.#connected(options);
    let queue: MessageQueue<Res> | undefined;
    let early: { error: unknown } | undefined;
    const listener = {
      onMessage: (bytes: Buffer): void => queue?.push(method.response.decode(bytes)),
      onEnd: (error: unknown): void => {
        early = { error };
        queue?.end(error);
      },
    };
    const call = new GrpcClientCall(session, method.path, options, listener, this.#messageBytesMax);
    const cancel = (reason: unknown): void => call.cancel(reason);
    const answers = new MessageQueue<Res>(call.stream, () => cancel(new GrpcError('CANCELLED', 'the reader left')));
    queue = answers;
    if (early !== undefined) answers.end(early.error);
    return {
      send: (message) => sendOn(call, encodeFrame(method.request, message)),
      end: () => void call.stream.end(),
      cancel,
      [Symbol.asyncIterator]: () => answers,
    };
  }

  /** Ends the connection and every call on it. */
  close(): void {
    this.#isClosed = true;
    this.#session?.destroy();
    this.#session = undefined;
  }

  async #connected({ signal, timeoutMs }: CallOptions): Promise<ClientHttp2Session> {
    signal?.throwIfAborted();
    if (this.#isClosed) throw new GrpcError('UNAVAILABLE', 'the channel is closed', { isUnsent: true });
    if (this.#session !== undefined && !this.#session.closed && !this.#session.destroyed) return this.#session;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return waitFor(this.#opening, signal, timeoutMs);
  }

  async #open(): Promise<ClientHttp2Session> {
    const session = await openConnection(this.#options);
    if (this.#isClosed) {
      session.destroy();
      throw new GrpcError('UNAVAILABLE', 'the channel is closed', { isUnsent: true });
    }
    this.#session = session;
    const forget = (): void => {
      if (this.#session === session) this.#session = undefined;
    };
    session.once('goaway', forget);
    session.once('close', forget);
    return session;
  }
}

/** The promise, or the signal's reason or the deadline, whichever is first. */
async function waitFor<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  timeoutMs: number | undefined,
): Promise<T> {
  if (signal === undefined && timeoutMs === undefined) return promise;
  let stop: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    const onAbort = (): void => reject(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    const timer = setTimeout(
      () => reject(new GrpcError('DEADLINE_EXCEEDED', 'context deadline exceeded', { isUnsent: true })),
      timeoutMs ?? 2 ** 31 - 1,
    );
    stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    };
  });
  return Promise.race([promise, ended]).finally(stop);
}

async function sendOn(call: GrpcClientCall, frame: Buffer): Promise<void> {
  const { stream } = call;
  if (call.isEnded || stream.destroyed || stream.writableEnded) throw gone();
  if (stream.write(frame)) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('drain', done);
      stream.off('close', done);
      resolve();
    };
    stream.once('drain', done);
    stream.once('close', done);
  });
  if (stream.destroyed) throw gone();
}

function gone(): GrpcError {
  return new GrpcError('UNAVAILABLE', 'the call has ended');
}
