import { field, message } from '../../../src/host/protobuf.ts';
import { grpcMethod } from '../../../src/host/grpc/grpc-method.ts';
import { GrpcError } from '../../../src/host/grpc/grpc-error.ts';
import { serveBidi, serveServerStream, serveUnary } from '../../../src/host/grpc/grpc-service.ts';

/** The one message of the test service. */
export interface Note {
  readonly text: string;
  readonly count: number;
}

export const note = message<Note>('Note', { text: field(1, 'string'), count: field(2, 'int64') });
export const echo = grpcMethod('/test.Echo/Echo', note, note);
export const fail = grpcMethod('/test.Echo/Fail', note, note);
export const hang = grpcMethod('/test.Echo/Hang', note, note);
export const count = grpcMethod('/test.Echo/Count', note, note);
export const quarrel = grpcMethod('/test.Echo/Quarrel', note, note);
export const chat = grpcMethod('/test.Echo/Chat', note, note);
export const aborted: string[] = [];

/** A service with every shape of call. */
export const methods = [
  serveUnary(echo, (request) => request),
  serveUnary(fail, () => {
    throw new GrpcError('OUT_OF_RANGE', 'etcdserver: 100 % gone', { details: Buffer.from('why') });
  }),
  serveUnary(hang, async (_request, call) => {
    await new Promise((resolve) => call.signal.addEventListener('abort', resolve));
    aborted.push(call.path);
    return {};
  }),
  serveServerStream(count, async (request, out) => {
    for (let i = 1; i <= request.count; i += 1) await out.send({ text: request.text, count: i });
  }),
  serveBidi(quarrel, async (requests, out) => {
    await out.send({ text: 'hello' });
    for await (const request of requests) throw new GrpcError('ABORTED', request.text);
  }),
  serveBidi(chat, async (requests, out) => {
    for await (const request of requests) await out.send({ text: request.text, count: request.count + 1 });
  }),
];
