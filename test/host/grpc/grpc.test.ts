import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';
import { isGrpcCode } from '../../../src/host/grpc/grpc-error.ts';
import type { GrpcError } from '../../../src/host/grpc/grpc-error.ts';
import { GrpcServer } from '../../../src/host/grpc/grpc-server.ts';
import { aborted, chat, count, echo, fail, hang, methods, quarrel } from './echo.ts';
import type { Note } from './echo.ts';

async function open(t: { teardown(run: () => Promise<void>): void }, url?: string): Promise<GrpcChannel> {
  const server = new GrpcServer({ methods, messageBytesMax: 100_000 });
  const path = url?.replace('unix://', '');
  const port = await server.listen(path === undefined ? { host: '127.0.0.1', port: 0 } : { path });
  const channel = new GrpcChannel({ url: url ?? `http://127.0.0.1:${port}` });
  t.teardown(async () => {
    channel.close();
    await server.close(0);
  });
  return channel;
}

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined).catch((e: unknown) => e);

void t.test('a channel makes unary calls over TCP and over a unix socket', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'grpc-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  for (const url of [undefined, `unix://${directory}/s.sock`]) {
    const channel = await open(t, url);
    t.same(await channel.unary(echo, { text: 'hä', count: 2 ** 40 }), { text: 'hä', count: 2 ** 40 });
  }
});

void t.test('an error keeps its code, text and details', async (t) => {
  const channel = await open(t);
  const error = await caught(channel.unary(fail, {}));
  t.ok(isGrpcCode(error, 'OUT_OF_RANGE'));
  t.equal((error as GrpcError).message, 'etcdserver: 100 % gone');
  t.equal((error as GrpcError).details?.toString(), 'why');
  t.ok(isGrpcCode(await caught(channel.unary({ ...echo, path: '/test.Echo/None' }, {})), 'UNIMPLEMENTED'));
});

void t.test('a message over the limit is refused with RESOURCE_EXHAUSTED, and the connection goes on', async (t) => {
  const channel = await open(t);
  t.ok(isGrpcCode(await caught(channel.unary(echo, { text: 'x'.repeat(200_000) })), 'RESOURCE_EXHAUSTED'));
  t.match(await channel.unary(echo, { count: 1 }), { count: 1 });
});

void t.test('a deadline and an AbortSignal end the call on both sides', async (t) => {
  const channel = await open(t);
  aborted.length = 0;
  t.ok(isGrpcCode(await caught(channel.unary(hang, {}, { timeoutMs: 50 })), 'DEADLINE_EXCEEDED'));
  const stop = new AbortController();
  const call = caught(channel.unary(hang, {}, { signal: stop.signal }));
  setTimeout(() => stop.abort(), 30);
  t.equal(await call, stop.signal.reason);
  while (aborted.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  t.same(aborted, [hang.path, hang.path]);
});

void t.test('a server stream of more than the windows arrives whole, in order, by backpressure', async (t) => {
  const channel = await open(t);
  let last = 0;
  const text = 'x'.repeat(20_000);
  for await (const item of channel.serverStream(count, { text, count: 500 })) {
    if (item.count !== last + 1) t.fail(`${item.count} after ${last}`);
    last = item.count;
    if (last === 10) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.equal(last, 500);
});

void t.test('a bidirectional call answers while it is open and ends after end()', async (t) => {
  const channel = await open(t);
  const call = await channel.bidi<Note, Note>(chat);
  const answers = call[Symbol.asyncIterator]();
  for (let i = 0; i < 3; i += 1) {
    await call.send({ text: 'a', count: i });
    t.equal((await answers.next()).value?.count, i + 1);
  }
  call.end();
  t.equal((await answers.next()).done, true);
});

void t.test('a call that fails in the midst of both streams keeps its status', async (t) => {
  const channel = await open(t);
  for (let i = 0; i < 50; i += 1) {
    const call = await channel.bidi<Note, Note>(quarrel);
    const answers = call[Symbol.asyncIterator]();
    t.match(await answers.next(), { value: { text: 'hello' } });
    await call.send({ text: 'no' });
    const error = await caught(answers.next());
    t.ok(isGrpcCode(error, 'ABORTED') && error.message === 'no', String(error));
  }
});

void t.test(
  'a channel connects again after its server came back; before, it says Unavailable and unsent',
  async (t) => {
    const first = new GrpcServer({ methods });
    const port = await first.listen({ host: '127.0.0.1', port: 0 });
    const channel = new GrpcChannel({ url: `http://127.0.0.1:${port}` });
    t.match(await channel.unary(echo, { count: 1 }), { count: 1 });
    const hung = caught(channel.unary(hang, {}));
    await first.close(0);
    t.ok(isGrpcCode(await hung, 'UNAVAILABLE'), 'a running call is told');
    const error = await caught(channel.unary(echo, {}));
    t.ok(isGrpcCode(error, 'UNAVAILABLE') && error.isUnsent);
    const second = new GrpcServer({ methods });
    await second.listen({ host: '127.0.0.1', port });
    t.match(await channel.unary(echo, { count: 2 }), { count: 2 });
    channel.close();
    await second.close(0);
  },
);
