import type { Test } from 'tap';
import type { Storage, StorageBatch } from '../../../src/apiserver/storage/storage.ts';

/** A store of its own for one test. */
export interface OpenedStorage {
  readonly storage: Storage;
  /** Forgets the history before a revision. */
  readonly compact: (revision: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

const never = new AbortController().signal;
const PREFIX = '/registry/configmaps/';

/** What every Storage does: run on memory and on etcd's API. */
export function storageContract(t: Test, name: string, open: () => Promise<OpenedStorage>): void {
  const test = (title: string, work: (t: Test, opened: OpenedStorage) => Promise<void>): void => {
    void t.test(`${name} ${title}`, async (t) => {
      const opened = await open();
      t.teardown(() => opened.close());
      await work(t, opened);
    });
  };
  const put = async ({ storage }: OpenedStorage, key: string, text: string, expectedRevision = 0): Promise<number> => {
    const result = await storage.put({ key: PREFIX + key, text, expectedRevision }, never);
    if (!result.ok) throw new Error(`${key} is at ${result.current?.revision}`);
    return result.revision;
  };

  test('writes only over the revision expected, and says what is there instead', async (t, opened) => {
    const { storage } = opened;
    const created = await put(opened, 'x/a', 'one');
    const again = await storage.put({ key: `${PREFIX}x/a`, text: 'two', expectedRevision: 0 }, never);
    t.match(again, { ok: false, current: { text: 'one', revision: created } });
    const changed = await put(opened, 'x/a', 'two', created);
    t.ok(changed > created);
    t.match(await storage.delete(`${PREFIX}x/a`, created, never), { ok: false, current: { text: 'two' } });
    t.match(await storage.delete(`${PREFIX}x/a`, changed, never), { ok: true });
    t.match(await storage.delete(`${PREFIX}x/a`, changed, never), { ok: false, current: null });
    t.equal((await storage.get(`${PREFIX}x/a`, never)).item, null);
  });

  test('lists a prefix in key order, in pages of one revision', async (t, opened) => {
    const { storage } = opened;
    for (const key of ['x/c', 'x/a', 'y/b']) await put(opened, key, key);
    const first = await storage.list(PREFIX, { limit: 2 }, never);
    t.same(
      first.items.map(({ text }) => text),
      ['x/a', 'x/c'],
    );
    t.equal(first.count, 3);
    await put(opened, 'x/d', 'x/d');
    const startKey = `${first.items.at(-1)?.key}\0`;
    const second = await storage.list(PREFIX, { startKey, revision: first.revision }, never);
    t.same(
      second.items.map(({ text }) => text),
      ['y/b'],
    );
    t.equal(second.count, 1, 'of the range from the start key on');
    t.same(
      (await storage.list(`${PREFIX}y/`, {}, never)).items.map(({ text }) => text),
      ['y/b'],
    );
  });

  test('is Expired for a revision that is compacted', async (t, opened) => {
    const { storage } = opened;
    const early = await put(opened, 'x/a', 'one');
    const late = await put(opened, 'x/b', 'two');
    await opened.compact(late);
    await t.rejects(storage.list(PREFIX, { revision: early }, never), { name: 'StatusError', message: /too old/ });
  });

  test('watches from after a revision on, and says how far it is when asked', async (t, opened) => {
    const { storage } = opened;
    const first = await put(opened, 'x/a', 'one');
    const stop = new AbortController();
    const watch = await storage.watch(PREFIX, first, stop.signal);
    const second = await put(opened, 'x/a', 'two', first);
    const third = await storage.delete(`${PREFIX}x/a`, second, never);
    const other = await storage.put({ key: '/registry/pods/x/p', text: '{}', expectedRevision: 0 }, never);
    const until = other.ok ? other.revision : 0;
    const batches: StorageBatch[] = [];
    for await (const batch of watch) {
      batches.push(batch);
      if (batch.revision >= until) break;
      await watch.requestProgress();
    }
    stop.abort();
    t.same(
      batches.flatMap(({ events }) => events),
      [
        { type: 'put', key: `${PREFIX}x/a`, text: 'two', revision: second },
        { type: 'delete', key: `${PREFIX}x/a`, text: '', revision: third.ok ? third.revision : 0 },
      ],
    );
  });

  test('knows the present revision: at least that of every acknowledged write', async (t, opened) => {
    for (let i = 0; i < 5; i += 1) {
      const written = await put(opened, `x/${i}`, 'x');
      const seen = await Promise.all([opened.storage.currentRevision(never), opened.storage.currentRevision(never)]);
      t.ok(seen.every((revision) => revision >= written));
    }
  });
}
