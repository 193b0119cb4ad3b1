import t from 'tap';
import { isGrpcCode } from '../../../src/host/grpc/grpc-error.ts';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { startFakeEtcd } from '../../fake/etcd.ts';

const key = Buffer.from('k');
/** Nobody listens on port 1. */
const NOBODY = 'http://127.0.0.1:1';

void t.test('calls move on to the next endpoint when one cannot be reached, and stay there', async (t) => {
  const fake = await startFakeEtcd();
  const client = new EtcdClient({ endpoints: [NOBODY, fake.url] });
  t.equal((await client.put({ key })).header.revision, 2, 'a write that was certainly not sent');
  t.equal((await client.range({ key })).count, 1);
  t.equal((await client.watch({ key })).createdRevision, 2);
  client.close();
  await fake.close();
});

void t.test('calls fail with Unavailable when nobody can be reached', async (t) => {
  const client = new EtcdClient({ endpoints: [NOBODY, NOBODY] });
  const error = await client.put({ key }).catch((e: unknown) => e);
  t.ok(isGrpcCode(error, 'UNAVAILABLE') && error.isUnsent);
  client.close();
});

void t.test('a write is not sent again when its member went away with it; a read is', async (t) => {
  const [first, second] = [await startFakeEtcd(), await startFakeEtcd()];
  const client = new EtcdClient({ endpoints: [first.url, second.url] });
  await client.put({ key });
  first.backend.propose = () => new Promise(() => undefined);
  first.backend.readBarrier = () => new Promise(() => undefined);
  const write = client.put({ key }).catch((e: unknown) => e);
  const read = client.range({ key });
  await new Promise((resolve) => setTimeout(resolve, 50));
  await first.close();
  const error = await write;
  t.ok(isGrpcCode(error, 'UNAVAILABLE') && !error.isUnsent, String(error));
  t.equal((await read).count, 0, 'answered by the second');
  t.equal(second.backend.state.store.revision, 1);
  client.close();
  await second.close();
});

void t.test('status() asks any member by its URL; an AbortSignal ends a call with its reason', async (t) => {
  const fake = await startFakeEtcd();
  const client = new EtcdClient({ endpoints: [NOBODY] });
  t.match(await client.status(fake.url), { version: '3.6.5' });
  const stop = new AbortController();
  stop.abort();
  t.equal(await client.range({ key }, { signal: stop.signal }).catch((e: unknown) => e), stop.signal.reason);
  client.close();
  await fake.close();
});
