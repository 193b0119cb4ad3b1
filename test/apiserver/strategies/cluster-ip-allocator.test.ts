import t from 'tap';
import { ClusterIpAllocator } from '../../../src/apiserver/strategies/cluster-ip-allocator.ts';
import { MemoryStorage } from '../memory-storage.ts';

const signal = new AbortController().signal;
const holder = (name: string): { namespace: string; name: string } => ({ namespace: 'a', name });

void t.test('ClusterIpAllocator gives every address of a small range once, then says that it is full', async (t) => {
  const addresses = new ClusterIpAllocator(new MemoryStorage(), '10.0.0.0/28', () => 0);
  const taken = await Promise.all(Array.from({ length: 14 }, (_, i) => addresses.takeAny(holder(`s${i}`), signal)));
  t.equal(new Set(taken).size, 14);
  t.notOk(taken.includes('10.0.0.0'), 'the network');
  t.notOk(taken.includes('10.0.0.15'), 'the broadcast address');
  await t.rejects(addresses.takeAny(holder('more'), signal), 'full');
});

void t.test('ClusterIpAllocator.take() tells its own from others, and release() gives back only its own', async (t) => {
  const addresses = new ClusterIpAllocator(new MemoryStorage(), '10.0.0.0/24', () => 0);
  t.equal(await addresses.take('10.0.0.10', holder('dns'), signal), 'new');
  t.equal(await addresses.take('10.0.0.10', holder('dns'), signal), 'own');
  t.equal(await addresses.take('10.0.0.10', holder('other'), signal), 'taken');
  await addresses.release('10.0.0.10', holder('other'), signal);
  t.equal(await addresses.isFree('10.0.0.10', signal), false);
  await addresses.release('10.0.0.10', holder('dns'), signal);
  t.equal(await addresses.isFree('10.0.0.10', signal), true);
});

void t.test('ClusterIpAllocator.repair() frees old leaks, spares young ones, and takes what is used', async (t) => {
  let nowMs = 0;
  const addresses = new ClusterIpAllocator(new MemoryStorage(), '10.0.0.0/24', () => nowMs);
  await addresses.take('10.0.0.5', holder('leaked'), signal);
  const used = new Map([['10.0.0.6', holder('used')]]);
  t.same(await addresses.repair(used, signal), { freed: 0, taken: 1 });
  nowMs = 61_000;
  t.same(await addresses.repair(used, signal), { freed: 1, taken: 0 });
  t.equal(await addresses.isFree('10.0.0.5', signal), true);
});
