import t from 'tap';
import { isGrpcCode } from '../../../src/host/grpc/grpc-error.ts';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { isEtcdReason } from '../../../src/store/etcd-api/etcd-error.ts';
import { type FakeEtcd, startFakeEtcd } from '../../fake/etcd.ts';
import { until } from '../store-cluster.ts';

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

/** What a member says of itself and refuses when it only learns. */
async function startLearner(): Promise<FakeEtcd> {
  const fake = await startFakeEtcd();
  const { status } = fake.backend;
  Object.defineProperty(fake.backend, 'status', { value: { ...status, isLearner: true }, configurable: true });
  return fake;
}

void t.test(
  'a learner is left for a member that votes, writes and watches too, and gone back to when it votes',
  async (t) => {
    const [learner, voter] = [await startLearner(), await startFakeEtcd()];
    const client = new EtcdClient({ endpoints: [learner.url, voter.url] });
    t.equal((await client.put({ key })).header.revision, 2);
    t.equal((await client.watch({ key })).createdRevision, 2);
    t.equal(voter.backend.state.store.revision, 2);
    t.equal(learner.backend.state.store.revision, 1);

    const { status } = voter.backend;
    Object.defineProperty(learner.backend, 'status', { value: status });
    await until('it is gone back to', async () => (await client.range({ key })).count === 0);
    client.close();
    await Promise.all([learner.close(), voter.close()]);
  },
);

void t.test('without a leader the member in use is kept: whoever is next may be the one that is dead', async (t) => {
  const [first, second] = [await startFakeEtcd(), await startFakeEtcd()];
  const client = new EtcdClient({ endpoints: [first.url, second.url] });
  first.backend.leader = 0n;
  const error = await client.range({ key }).catch((e: unknown) => e);
  t.ok(isEtcdReason(error, 'NoLeader'), String(error));
  client.close();
  await Promise.all([first.close(), second.close()]);
});

void t.test('setFurtherEndpoints() adds members to those given, and takes those away that are gone', async (t) => {
  const [first, second] = [await startFakeEtcd(), await startFakeEtcd()];
  const client = new EtcdClient({ endpoints: [NOBODY] });
  client.setFurtherEndpoints([first.url, NOBODY]);
  t.same(client.endpoints, [NOBODY, first.url]);
  await client.put({ key });
  client.setFurtherEndpoints([second.url]);
  await client.put({ key });
  t.same([first.backend.state.store.revision, second.backend.state.store.revision], [2, 2]);
  client.close();
  await Promise.all([first.close(), second.close()]);
});
