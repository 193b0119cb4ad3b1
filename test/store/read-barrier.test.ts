import t from 'tap';
import { isEtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import { ReadBarrier } from '../../src/store/read-barrier.ts';

function setup() {
  const requests: Uint8Array[] = [];
  return { requests, barrier: new ReadBarrier((context) => requests.push(context)) };
}

void t.test('reads that come while a round is under way share the next one, never that one', async (t) => {
  const { requests, barrier } = setup();
  const done: string[] = [];
  void barrier.wait(0).then(() => done.push('first'));
  void barrier.wait(0).then(() => done.push('second'));
  void barrier.wait(0).then(() => done.push('third'));
  t.equal(requests.length, 1);
  barrier.confirmed(requests[0] ?? Buffer.alloc(0), 5, 1);
  t.equal(requests.length, 2);
  barrier.applied(5);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(done, ['first']);
  barrier.confirmed(requests[1] ?? Buffer.alloc(0), 6, 2);
  barrier.applied(5);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(done, ['first'], 'the index is not applied yet');
  barrier.applied(6);
  await new Promise((resolve) => setImmediate(resolve));
  t.same(done, ['first', 'second', 'third']);
});

void t.test('tick() asks again after a lost answer, ignores the old one, and gives up in the end', async (t) => {
  const { requests, barrier } = setup();
  const read = barrier.wait(0).catch((error: unknown) => error);
  barrier.tick(600);
  t.equal(requests.length, 2);
  barrier.confirmed(requests[0] ?? Buffer.alloc(0), 5, 601);
  barrier.applied(5);
  barrier.tick(8000);
  t.ok(isEtcdReason(await read, 'Timeout'));
});

void t.test('tick() gives up a read whose index is never applied', async (t) => {
  const { requests, barrier } = setup();
  const read = barrier.wait(0).catch((error: unknown) => error);
  barrier.confirmed(requests[0] ?? Buffer.alloc(0), 5, 1);
  barrier.tick(8000);
  t.ok(isEtcdReason(await read, 'Timeout'));
});
