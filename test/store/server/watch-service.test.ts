import t from 'tap';
import { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { isEtcdReason } from '../../../src/store/etcd-api/etcd-error.ts';
import { WATCH } from '../../../src/store/etcd-api/watch.ts';
import type { WatchCreateRequest, WatchResponse } from '../../../src/store/etcd-api/watch.ts';
import { startFakeEtcd } from '../../fake/etcd.ts';

const b = (text: string): Buffer => Buffer.from(text);
const NO_BYTES = Buffer.alloc(0);
const EVERYTHING = { key: b('\0'), rangeEnd: b('\0') };

async function setup(t: { teardown(run: () => Promise<void>): void }, progressNotifyMs = 600_000) {
  const fake = await startFakeEtcd({ progressNotifyMs });
  const client = new EtcdClient({ endpoints: [fake.url] });
  const channel = new GrpcChannel({ url: fake.url });
  t.teardown(async () => {
    client.close();
    channel.close();
    await fake.close();
  });
  const call = await channel.bidi(WATCH.watch);
  const answers = call[Symbol.asyncIterator]();
  const create = (fields: Partial<WatchCreateRequest>) =>
    call.send({
      createRequest: {
        key: NO_BYTES,
        rangeEnd: NO_BYTES,
        startRevision: 0,
        progressNotify: false,
        filters: [],
        prevKv: false,
        watchId: 0,
        fragment: false,
        ...fields,
      },
    });
  const next = async (): Promise<WatchResponse> => (await answers.next()).value as WatchResponse;
  return { fake, client, call, create, next };
}

void t.test('a stream carries many watches; a cancelled one is silent', async (t) => {
  const { client, call, create, next } = await setup(t);
  await create({ key: b('a') });
  await create({ key: b('b'), watchId: 42 });
  t.match(await next(), { created: true, watchId: 0 });
  t.match(await next(), { created: true, watchId: 42 });
  await client.put({ key: b('b') });
  t.match(await next(), { watchId: 42, created: false });
  await call.send({ cancelRequest: { watchId: 42 } });
  t.match(await next(), { watchId: 42, canceled: true });
  await client.put({ key: b('b') });
  await client.put({ key: b('a') });
  t.match(await next(), { watchId: 0 });
  await create({ key: b('c'), watchId: 0 });
  t.match(await next(), { created: true, watchId: 1 });
  await create({ key: b('c'), startRevision: -1 });
  t.match(await next(), { created: true, canceled: true, watchId: -1 });
});

void t.test('filters leave out puts or deletions', async (t) => {
  const { client, create, next } = await setup(t);
  await create({ ...EVERYTHING, filters: [0] });
  await next();
  await client.put({ key: b('a') });
  await client.deleteRange({ key: b('a') });
  t.match(await next(), { events: [{ type: 1 }] });
});

void t.test('a large revision comes in fragments when asked for, else whole', async (t) => {
  const { fake, client, create, next } = await setup(t);
  const value = Buffer.alloc(900_000);
  const put = (key: string) => ({
    requestRange: undefined,
    requestDeleteRange: undefined,
    requestTxn: undefined,
    requestPut: { key: b(key), value, lease: 0n, prevKv: false, ignoreValue: false, ignoreLease: false },
  });
  await create({ ...EVERYTHING, fragment: true });
  await next();
  await fake.backend.propose({ txn: { compare: [], success: ['a', 'b', 'c'].map(put), failure: [] } });
  const parts = [await next(), await next(), await next()];
  t.same(
    parts.map(({ fragment, events }) => [fragment, events.length]),
    [
      [true, 1],
      [true, 1],
      [false, 1],
    ],
  );
  const watch = await client.watch({ ...EVERYTHING, startRevision: 2 });
  for await (const { events } of watch) {
    t.equal(events.length, 3);
    break;
  }
});

void t.test(
  'progress is told to silent watches at the interval, and never before events that precede it',
  async (t) => {
    const { client, create, next } = await setup(t, 50);
    await create({ key: b('a'), progressNotify: true });
    await next();
    await client.put({ key: b('other') });
    let answer = await next();
    while (answer.header.revision < 2) answer = await next();
    t.match(answer, { events: [], watchId: 0, header: { revision: 2 } });
  },
);

void t.test('a client that does not read costs no memory: it finds everything when it reads again', async (t) => {
  const { client, create, next } = await setup(t);
  await create({ key: b('k') });
  await next();
  for (let i = 0; i < 60; i += 1) await client.put({ key: b('k'), value: Buffer.alloc(1_000_000, i) });
  const seen: number[] = [];
  while (seen.length < 60) for (const { kv } of (await next()).events) seen.push(kv?.value[0] ?? -1);
  t.same(
    seen,
    Array.from({ length: 60 }, (_, i) => i),
  );
});

void t.test('a watch that asks for a leader ends when it is lost for too long', async (t) => {
  const { fake, client } = await setup(t);
  const watch = await client.watch({ key: b('a') });
  fake.backend.leader = 0n;
  fake.backend.progress();
  const error = await (async () => {
    for await (const update of watch) return update;
    return undefined;
  })().catch((e: unknown) => e);
  t.ok(isEtcdReason(error, 'NoLeader'));
  const refused = await client.watch({ key: b('a') }).catch((e: unknown) => e);
  t.ok(isEtcdReason(refused, 'NoLeader'));
});
