import t from 'tap';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import { systemClock } from '../../../src/host/clock.ts';
import { silentLog } from '../../../src/host/log.ts';
import { JSON_FORMAT } from '../../../src/apiserver/negotiation/response-format.ts';
import { ObjectEncoder } from '../../../src/apiserver/negotiation/object-encoder.ts';
import { KindView } from '../../../src/apiserver/registry/kind-view.ts';
import { ObjectFilter } from '../../../src/apiserver/watch/object-filter.ts';
import { WatchCache } from '../../../src/apiserver/watch/watch-cache.ts';
import { WatchStream, type WatchStreamOptions } from '../../../src/apiserver/watch/watch-stream.ts';
import { MemoryStorage } from '../memory-storage.ts';

const row = KINDS.find(({ kind }) => kind === 'ConfigMap');
if (row === undefined) throw new Error('no ConfigMap row');
const view = new KindView(row, {});
let serial = 0;
const never = new AbortController().signal;

/** A client that takes everything at once, or nothing. */
class Sink {
  readonly lines: string[] = [];
  isStuck = false;
  #onLine: (() => void) | undefined;

  write(bytes: Buffer): boolean {
    this.lines.push(
      ...bytes
        .toString()
        .split('\n')
        .filter((line) => line !== ''),
    );
    this.#onLine?.();
    return !this.isStuck;
  }

  async drained(signal: AbortSignal): Promise<void> {
    await new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  }

  async count(wanted: number): Promise<void> {
    while (this.lines.length < wanted) await new Promise<void>((resolve) => (this.#onLine = resolve));
  }
}

async function open(t: { teardown(work: () => Promise<void>): void }): Promise<{
  storage: MemoryStorage;
  cache: WatchCache;
  readonly put: (name: string, size?: number) => Promise<void>;
  readonly options: (sink: Sink, more?: Partial<WatchStreamOptions>) => WatchStreamOptions;
}> {
  const storage = new MemoryStorage();
  const cache = new WatchCache({ storage, prefix: view.prefix, clock: systemClock, log: silentLog });
  const stop = new AbortController();
  const running = cache.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
  });
  await cache.waitFor(0, never);
  return {
    storage,
    cache,
    put: async (name, size = 1) => {
      const key = view.key('x', name);
      const { item } = await storage.get(key);
      const data = { value: `${(serial += 1)}${'x'.repeat(size)}` };
      const object = { kind: 'ConfigMap', apiVersion: 'v1', metadata: { name, namespace: 'x' }, data };
      await storage.put({ key, text: JSON.stringify(object), expectedRevision: item?.revision ?? 0 });
    },
    options: (sink, more = {}) => ({
      cache,
      filter: new ObjectFilter(view, { namespace: '', name: '', labels: [], fields: [] }),
      encoder: new ObjectEncoder({ view, format: JSON_FORMAT, includeObject: '', nowMs: () => 0 }),
      sink,
      initial: { objects: [], revision: cache.revision },
      hasInitialEnd: false,
      hasBookmarks: false,
      timeoutMs: 60_000,
      ...more,
    }),
  };
}

function types(sink: Sink): string[] {
  return sink.lines.map((line) => (JSON.parse(line) as { type: string }).type);
}

void t.test(
  'WatchStream tells the present objects, ends them with a bookmark, then goes on with changes',
  async (t) => {
    const { cache, put, options } = await open(t);
    await put('a');
    await cache.waitFor(2, never);
    const sink = new Sink();
    const stop = new AbortController();
    const initial = { objects: cache.list(view.prefix), revision: cache.revision };
    const running = new WatchStream(options(sink, { initial, hasInitialEnd: true })).run(stop.signal);

    await put('b');
    await put('a');
    await sink.count(4);
    stop.abort();
    await running;

    t.same(types(sink), ['ADDED', 'BOOKMARK', 'ADDED', 'MODIFIED']);
    t.match(JSON.parse(sink.lines[1] ?? ''), {
      object: { metadata: { resourceVersion: '2', annotations: { 'k8s.io/initial-events-end': 'true' } } },
    });
  },
);

void t.test('WatchStream ends at its time, with a bookmark for those who want one', async (t) => {
  const { options } = await open(t);
  const sink = new Sink();
  await new WatchStream(options(sink, { hasBookmarks: true, timeoutMs: 10 })).run(never);
  t.same(types(sink), ['BOOKMARK']);
});

void t.test('all watchers of a form are sent the same bytes, encoded once', async (t) => {
  const { cache, put, options } = await open(t);
  const sinks = [new Sink(), new Sink()];
  const stop = new AbortController();
  const running = sinks.map((sink) => new WatchStream(options(sink)).run(stop.signal));
  await put('a');
  await Promise.all(sinks.map((sink) => sink.count(1)));
  stop.abort();
  await Promise.all(running);
  t.equal(cache.ring.at(0)?.encoded?.size, 1);
  t.equal(sinks[0]?.lines[0], sinks[1]?.lines[0]);
});

void t.test('a watcher that fell behind the ring is told 410 and costs nothing meanwhile', async (t) => {
  const { cache, put, options } = await open(t);
  const sink = new Sink();
  const stream = new WatchStream(options(sink));
  for (let i = 0; i < 10; i += 1) await put('big', 1024 * 1024);
  await cache.waitFor(11, never);

  await stream.run(AbortSignal.timeout(1000));

  t.match(JSON.parse(sink.lines.at(-1) ?? ''), { type: 'ERROR', object: { reason: 'Expired', code: 410 } });
});

void t.test('a client that takes nothing is given up when its signal is aborted', async (t) => {
  const { put, options } = await open(t);
  const sink = new Sink();
  sink.isStuck = true;
  const running = new WatchStream(options(sink)).run(AbortSignal.timeout(50));
  await put('a');
  await t.rejects(running);
});
