import { encodeFrame, FrameReader } from './grpc-frame.ts';
import { GrpcError } from './grpc-error.ts';
import type { GrpcMethod } from './grpc-method.ts';
import type { GrpcServerCall, ResponseStream, ServerCall } from './grpc-server-call.ts';
import { MessageQueue } from './message-queue.ts';

/** One served method: its path and how a call of it is carried out. */
export interface ServedMethod {
  readonly path: string;
  /** Reads the request from the call's stream and finishes or fails the call. */
  serve(call: GrpcServerCall, messageBytesMax: number): void;
}

/** Serves a unary method. The handler may answer at once or later; what it throws becomes the call's status. */
export function serveUnary<Req, Res>(
  method: GrpcMethod<Req, Res>,
  handle: (request: Req, call: ServerCall) => Partial<Res> | Promise<Partial<Res>>,
): ServedMethod {
  return {
    path: method.path,
    serve: (call, messageBytesMax) =>
      readOne(call, messageBytesMax, (bytes) => {
        const answer = handle(method.request.decode(bytes), call);
        if (answer instanceof Promise)
          answer.then(
            (response) => call.finish(encodeFrame(method.response, response)),
            (error: unknown) => call.fail(error),
          );
        else call.finish(encodeFrame(method.response, answer));
      }),
  };
}

/** Serves a method that answers one request with a stream; the call ends when the handler settles. */
export function serveServerStream<Req, Res>(
  method: GrpcMethod<Req, Res>,
  handle: (request: Req, responses: ResponseStream<Res>, call: ServerCall) => Promise<void>,
): ServedMethod {
  return {
    path: method.path,
    serve: (call, messageBytesMax) =>
      readOne(call, messageBytesMax, (bytes) =>
        settle(call, handle(method.request.decode(bytes), responsesOf(method, call), call)),
      ),
  };
}

/** Serves a method with streams both ways; the call ends when the handler settles. */
export function serveBidi<Req, Res>(
  method: GrpcMethod<Req, Res>,
  handle: (requests: AsyncIterable<Req>, responses: ResponseStream<Res>, call: ServerCall) => Promise<void>,
): ServedMethod {
  return {
    path: method.path,
    serve: (call, messageBytesMax) => {
      const requests = new MessageQueue<Req>(call.stream, () => call.stream.resume());
      const reader = new FrameReader(messageBytesMax);
      call.stream.on('data', (chunk: Buffer) => {
        try {
          reader.push(chunk, (bytes) => requests.push(method.request.decode(bytes)));
        } catch (error) {
          call.fail(error);
          requests.end(error);
        }
      });
      call.stream.on('end', () => requests.end());
      call.stream.on('close', () => requests.end());
      settle(call, handle(requests, responsesOf(method, call), call));
    },
  };
}

function settle(call: GrpcServerCall, work: Promise<void>): void {
  work.then(
    () => call.finish(),
    (error: unknown) => call.fail(error),
  );
}

function responsesOf<Req, Res>(method: GrpcMethod<Req, Res>, call: GrpcServerCall): ResponseStream<Res> {
  return {
    send: (message) => call.send(method.response, message),
    get bufferedBytes() {
      return call.stream.writableLength;
    },
  };
}

function readOne(call: GrpcServerCall, messageBytesMax: number, onRequest: (bytes: Buffer) => void): void {
  const reader = new FrameReader(messageBytesMax);
  let request: Buffer | undefined;
  call.stream.on('data', (chunk: Buffer) => {
    try {
      reader.push(chunk, (bytes) => {
        if (request !== undefined) throw new GrpcError('INTERNAL', 'grpc: more than one request message');
        request = bytes;
      });
    } catch (error) {
      call.fail(error);
    }
  });
  call.stream.on('end', () => {
    if (call.isFinished) return;
    try {
      if (request === undefined) throw new GrpcError('INTERNAL', 'grpc: the request has no message');
      onRequest(request);
    } catch (error) {
      call.fail(error);
    }
  });
}
