import t from 'tap';
import { encodeCheckpoint, restoreCheckpoint } from '../../../src/store/checkpoint.ts';
import { EtcdError } from '../../../src/store/etcd-api/etcd-error.ts';
import type { Change } from '../../../src/store/command.ts';
import { hashKv } from '../../../src/store/mvcc/hash-kv.ts';
import { MvccStore } from '../../../src/store/mvcc/mvcc-store.ts';
import { valueBytes } from '../../../src/store/mvcc/value-heap.ts';
import { WatchCursor } from '../../../src/store/mvcc/watch-cursor.ts';
import { StateMachine } from '../../../src/store/state-machine.ts';

function seeded(seed: number): (n: number) => number {
  let state = seed;
  return (n) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * n);
  };
}

function write(store: MvccStore, work: () => void): void {
  store.begin();
  work();
  store.end();
}

const EVERYTHING = { key: '', end: null };

/** The same by the simplest means: a copy of everything at each revision. */
function model(seed: number, steps: number) {
  const random = seeded(seed);
  const store = new MvccStore();
  const history = new Map<number, Map<string, string>>([[1, new Map()]]);
  let now = new Map<string, string>();
  for (let step = 0; step < steps; step += 1) {
    const key = `k${random(30)}`;
    const end = `k${random(30)}`;
    now = new Map(now);
    if (random(4) > 0) {
      const value = 'v'.repeat(random(2000)) + String(step);
      write(store, () => store.put(key, Buffer.from(value), 0n));
      now.set(key, value);
    } else {
      const isAny = [...now.keys()].some((one) => one >= key && one < end);
      write(store, () => store.delete({ key, end }));
      for (const one of now.keys()) if (one >= key && one < end) now.delete(one);
      if (!isAny) continue;
    }
    history.set(store.revision, now);
  }
  return { store, history };
}

function contentAt(store: MvccStore, revision: number): [string, string][] {
  const found: [string, string][] = [];
  store.visit(EVERYTHING, revision, ({ history, value }) => found.push([history.key, valueBytes(value).toString()]));
  return found;
}

void t.test('visit() shows each revision as it was, before and after compaction', (t) => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const { store, history } = model(seed, 400);
    const sorted = (revision: number) => [...(history.get(revision) ?? [])].sort(([a], [b]) => (a < b ? -1 : 1));
    const middle = Math.floor(store.revision / 2);
    const expected = [1, 2, middle, store.revision - 1, store.revision].map(sorted);
    t.same(
      [1, 2, middle, store.revision - 1, store.revision].map((revision) => contentAt(store, revision)),
      expected,
    );
    const before = store.bytes;
    store.compact(middle);
    t.ok(store.bytes < before);
    t.throws(() => contentAt(store, middle - 1), EtcdError);
    for (const revision of [middle, middle + 1, store.revision]) t.same(contentAt(store, revision), sorted(revision));
  }
  t.end();
});

void t.test('a watch from any revision sees every change after it, through compaction, in order', (t) => {
  const { store } = model(9, 300);
  const spec = { range: EVERYTHING, withPrevious: false, withoutPuts: false, withoutDeletes: false };
  const all = new WatchCursor(store, { ...spec, startRevision: 2 }).pull().map(({ kv }) => kv?.modRevision ?? 0);
  t.same(
    all,
    all.toSorted((a, b) => a - b),
  );
  t.equal(new Set(all).size, store.revision - 1, 'no revision is missing');
  const middle = Math.floor(store.revision / 2);
  store.compact(middle);
  const rest = new WatchCursor(store, { ...spec, startRevision: middle }).pull().map(({ kv }) => kv?.modRevision ?? 0);
  t.same(
    rest,
    all.filter((revision) => revision >= middle),
  );
  t.equal(new WatchCursor(store, { ...spec, startRevision: middle - 1 }).isCompacted, true);
  t.equal(new WatchCursor(store, { ...spec, startRevision: store.revision + 5 }).pull().length, 0);
  t.end();
});

void t.test('skip() says whether a watch has anything to pull, and passes over nothing that it wants', (t) => {
  const { store } = model(9, 300);
  const spec = { withPrevious: false, withoutPuts: false, withoutDeletes: false, startRevision: 2 };
  const keys = new Set(new WatchCursor(store, { ...spec, range: EVERYTHING }).pull().map(({ kv }) => String(kv?.key)));
  for (const key of keys) {
    const range = { key, end: undefined };
    const [skipping, plain] = [new WatchCursor(store, { ...spec, range }), new WatchCursor(store, { ...spec, range })];
    t.equal(skipping.skip(), true);
    t.same(skipping.pull(), plain.pull());
    t.equal(skipping.skip(), false);
  }
  const nobody = new WatchCursor(store, { ...spec, range: { key: 'not there', end: undefined } });
  for (let i = 0; nobody.skip() && i < 10; i += 1) nobody.pull();
  t.equal(nobody.isUpToDate, true, 'a watch that nothing concerns is up to date without a pull of its own');
  t.end();
});

void t.test('a checkpoint gives back the state: same hash, leases, members, sessions', (t) => {
  const state = new StateMachine();
  const apply = (change: Change) => state.apply(change);
  const key = Buffer.from('k');
  const put = { key, value: Buffer.from('v'), lease: 5n, prevKv: false, ignoreValue: false, ignoreLease: false };
  apply({ leaseGrant: { id: 5n, ttl: 60 } });
  apply({ put });
  for (let i = 0; i < 200; i += 1)
    apply({ put: { ...put, key: Buffer.from(`k${i % 20}`), value: Buffer.alloc(9000, i), lease: 0n } });
  apply({ compact: { revision: 50, physical: false } });
  state.members.set(1, { id: 1, name: 'a', peerUrls: ['https://a:2380'], clientUrls: [] });
  state.sessions.enter(3, 4);
  const restored = new StateMachine();
  restoreCheckpoint(restored, encodeCheckpoint(state));
  t.same(hashKv(restored.store, 0), hashKv(state.store, 0));
  t.same([...(restored.leases.get(5n)?.keys ?? [])], ['k']);
  t.same(restored.members.get(1)?.name, 'a');
  t.equal(restored.sessions.enter(3, 4), false);
  t.equal(restored.store.bytes, state.store.bytes);
  const more = { put: { ...put, value: Buffer.from('later') } };
  t.equal(restored.apply(more).put?.header.revision, state.apply(more).put?.header.revision);
  t.end();
});
