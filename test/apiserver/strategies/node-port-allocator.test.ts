import t from 'tap';
import { NodePortAllocator } from '../../../src/apiserver/strategies/node-port-allocator.ts';
import { MemoryStorage } from '../memory-storage.ts';

const signal = new AbortController().signal;
const RANGE = { first: 30_000, last: 30_199 };

void t.test('NodePortAllocator of three servers gives each port once, up to the last one', async (t) => {
  const storage = new MemoryStorage();
  const servers = [0, 1, 2].map(() => new NodePortAllocator(storage, RANGE));
  const takes = servers.flatMap((server) => Array.from({ length: 60 }, () => server.take([], 1, signal)));
  const ports = (await Promise.all(takes)).flat();
  t.equal(new Set(ports).size, 180);
  const [server] = servers;
  if (server === undefined) throw new Error('no server');
  const rest = await server.take([], 20, signal);
  t.equal(new Set([...ports, ...('taken' in rest ? [] : rest)]).size, 200, 'the lower part of the range too');
  await t.rejects(server.take([], 1, signal), 'full');
  await server.release([30_007], signal);
  t.same(await server.take([], 1, signal), [30_007]);
});

void t.test('NodePortAllocator.take() takes all or nothing', async (t) => {
  const server = new NodePortAllocator(new MemoryStorage(), RANGE);
  t.same(await server.take([30_001], 0, signal), []);
  t.same(await server.take([30_002, 30_001], 1, signal), { taken: 30_001 });
  t.same(await server.take([30_002], 0, signal), [], 'was not taken');
});

void t.test('NodePortAllocator.repair() frees what two rounds saw unused, and takes what is used', async (t) => {
  const server = new NodePortAllocator(new MemoryStorage(), RANGE);
  await server.take([30_001, 30_002], 0, signal);
  const used = new Set([30_002, 30_003]);
  const suspects = await server.repair(used, new Set(), signal);
  t.same([...suspects], [30_001], 'its Service may be about to be written');
  t.same(await server.take([30_003], 0, signal), { taken: 30_003 });
  await server.repair(used, suspects, signal);
  t.same(await server.take([30_001], 0, signal), [], 'free now');
});
