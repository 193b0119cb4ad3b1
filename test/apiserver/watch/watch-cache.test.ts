import t from 'tap';
import { systemClock } from '../../../src/host/clock.ts';
import { silentLog } from '../../../src/host/log.ts';
import { WatchCache } from '../../../src/apiserver/watch/watch-cache.ts';
import { MemoryStorage } from '../memory-storage.ts';

const PREFIX = '/registry/configmaps/';
const text = (name: string, value: string): string =>
  JSON.stringify({ kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'x' }, data: { value } });

interface Running {
  readonly storage: MemoryStorage;
  readonly cache: WatchCache;
  readonly put: (name: string, value: string, expectedRevision?: number) => Promise<number>;
}

function start(t: { teardown(work: () => Promise<void>): void }): Running {
  const storage = new MemoryStorage();
  const cache = new WatchCache({ storage, prefix: PREFIX, clock: systemClock, log: silentLog });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  const put = async (name: string, value: string, expectedRevision = 0): Promise<number> => {
    const result = await storage.put({ key: `${PREFIX}x/${name}`, text: text(name, value), expectedRevision });
    if (!result.ok) throw new Error('lost');
    return result.revision;
  };
  return { storage, cache, put };
}

const never = new AbortController().signal;

void t.test('WatchCache lists below a prefix in key order, as of the revision waited for', async (t) => {
  const { cache, put } = start(t);
  await put('b', '1');
  const revision = await put('a', '1');

  await cache.waitFor(revision, never);

  t.same(
    cache.list(`${PREFIX}x/`).map(({ key }) => key),
    [`${PREFIX}x/a`, `${PREFIX}x/b`],
  );
  t.same(cache.list(`${PREFIX}y/`), []);
});

void t.test('waitFor() asks for progress when nothing below the prefix changes', async (t) => {
  const { cache, storage, put } = start(t);
  await put('a', '1');
  const other = await storage.put({ key: '/registry/pods/x/p', text: '{}', expectedRevision: 0 });

  await cache.waitFor(other.ok ? other.revision : 0, never);

  t.ok(cache.revision >= 3);
});

void t.test('waitFor() rejects when its signal is aborted', async (t) => {
  const { cache } = start(t);
  await t.rejects(cache.waitFor(1000, AbortSignal.timeout(20)));
});

void t.test(
  'the ring has each change with the state before it; a delete carries the last state under its own revision',
  async (t) => {
    const { cache, storage, put } = start(t);
    await cache.waitFor(0, never);
    const created = await put('a', '1');
    const changed = await put('a', '2', created);
    const gone = await storage.delete(`${PREFIX}x/a`, changed);
    await cache.waitFor(gone.ok ? gone.revision : 0, never);

    const events = [0, 1, 2].map((at) => cache.ring.at(at));

    t.same(
      events.map((event) => [event?.type, event?.revision, event?.previous?.revision]),
      [
        ['put', 2, undefined],
        ['put', 3, 2],
        ['delete', 4, 3],
      ],
    );
    t.match(events[2]?.object.parse(), { data: { value: '2' }, metadata: { resourceVersion: '4' } });
  },
);

void t.test(
  'after its revision was compacted the cache lists again, and tells its listeners that a gap is there',
  async (t) => {
    const { cache, storage, put } = start(t);
    await put('a', '1');
    await cache.waitFor(0, never);
    const reset = new Promise<void>((resolve) => {
      cache.listen({ onProgress: () => undefined, onReset: resolve });
    });

    storage.compact(100);
    await put('b', '1');
    storage.compact(0);
    await reset;

    await cache.waitFor(3, never);
    t.equal(cache.size, 2);
  },
);
