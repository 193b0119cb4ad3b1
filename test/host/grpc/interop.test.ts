import { Client, Metadata, Server, ServerCredentials, credentials, status } from '@grpc/grpc-js';
import type { ServiceError } from '@grpc/grpc-js';
import t from 'tap';
import { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';
import type { GrpcError } from '../../../src/host/grpc/grpc-error.ts';
import { GrpcServer } from '../../../src/host/grpc/grpc-server.ts';
import { chat, count, echo, fail, hang, methods, note } from './echo.ts';
import type { Note } from './echo.ts';

const encode = (value: Note): Buffer => note.encode(value);
const decode = (bytes: Buffer): Note => note.decode(bytes);

void t.test('grpc-js as client of our server: unary, errors, deadline, streams', async (t) => {
  const server = new GrpcServer({ methods });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  const unary = (path: string, request: Note, deadline?: number): Promise<Note> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest(
        path,
        encode,
        decode,
        request,
        new Metadata(),
        { ...(deadline && { deadline }) },
        (e, r) => (e === null && r !== undefined ? resolve(r) : reject(e)),
      ),
    );
  t.same(await unary(echo.path, { text: 'a', count: 5 }), { text: 'a', count: 5 });
  const error = (await unary(fail.path, { text: '', count: 0 }).catch((e: unknown) => e)) as ServiceError;
  t.equal(error.code, status.OUT_OF_RANGE);
  t.equal(error.details, 'etcdserver: 100 % gone');
  const late = (await unary(hang.path, { text: '', count: 0 }, Date.now() + 100).catch(
    (e: unknown) => e,
  )) as ServiceError;
  t.equal(late.code, status.DEADLINE_EXCEEDED);
  const seen: number[] = [];
  for await (const item of client.makeServerStreamRequest(count.path, encode, decode, { text: 'x', count: 5 }))
    seen.push((item as Note).count);
  t.same(seen, [1, 2, 3, 4, 5]);
  const call = client.makeBidiStreamRequest(chat.path, encode, decode);
  call.write({ text: 'q', count: 41 });
  call.end();
  for await (const item of call) t.match(item, { count: 42 });
  client.close();
  await server.close(0);
});

void t.test('our channel as client of a grpc-js server: unary, errors, streams', async (t) => {
  const server = new Server();
  const base = {
    requestSerialize: encode,
    requestDeserialize: decode,
    responseSerialize: encode,
    responseDeserialize: decode,
  };
  server.addService(
    {
      Echo: { ...base, path: echo.path, requestStream: false, responseStream: false },
      Fail: { ...base, path: fail.path, requestStream: false, responseStream: false },
      Count: { ...base, path: count.path, requestStream: false, responseStream: true },
      Chat: { ...base, path: chat.path, requestStream: true, responseStream: true },
    },
    {
      Echo: (call: { request: Note }, done: (e: null, r: Note) => void) => done(null, call.request),
      Fail: (_call: unknown, done: (e: object) => void) => done({ code: status.NOT_FOUND, details: 'nö' }),
      Count: (call: { request: Note; write(r: Note): void; end(): void }) => {
        for (let i = 1; i <= call.request.count; i += 1) call.write({ text: '', count: i });
        call.end();
      },
      Chat: (call: { on(e: string, f: (r: Note) => void): void; write(r: Note): void; end(): void }) => {
        call.on('data', (request) => call.write({ ...request, count: request.count + 1 }));
        call.on('end', () => call.end());
      },
    },
  );
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (e, p) =>
      e === null ? resolve(p) : reject(e),
    ),
  );
  const channel = new GrpcChannel({ url: `http://127.0.0.1:${port}` });
  t.same(await channel.unary(echo, { text: 'b', count: 6 }), { text: 'b', count: 6 });
  const error = (await channel.unary(fail, {}).catch((e: unknown) => e)) as GrpcError;
  t.same([error.code, error.message], ['NOT_FOUND', 'nö']);
  const seen: number[] = [];
  for await (const item of channel.serverStream(count, { count: 3 })) seen.push(item.count);
  t.same(seen, [1, 2, 3]);
  const call = await channel.bidi<Note, Note>(chat);
  await call.send({ count: 1 });
  call.end();
  for await (const item of call) t.equal(item.count, 2);
  channel.close();
  server.forceShutdown();
});
