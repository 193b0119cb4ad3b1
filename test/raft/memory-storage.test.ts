import t from 'tap';
import { EMPTY, entrySize } from '../../src/raft/entry.ts';
import { MemoryStorage } from '../../src/raft/memory-storage.ts';
import { EMPTY_CONF_STATE } from '../../src/raft/snapshot.ts';
import { entriesOf } from './lone-member.ts';

/** A log of these terms, from index 1 on. */
function storageOf(terms: readonly number[]): MemoryStorage {
  const storage = new MemoryStorage();
  storage.append(entriesOf(terms));
  return storage;
}

const terms = (storage: MemoryStorage) =>
  storage.entries(storage.firstIndex(), storage.lastIndex() + 1, Infinity)?.map(({ term }) => term);

void t.test('entries() gives what fits, at least one, and undefined below the first', (t) => {
  const storage = storageOf([1, 1, 1, 1]);
  const size = entrySize({ term: 1, index: 1, type: 'EntryNormal', data: EMPTY });
  for (const [maxBytes, count] of [
    [0, 1],
    [size, 1],
    [2 * size, 2],
    [3 * size - 1, 2],
    [Infinity, 3],
  ] as const) {
    t.equal(storage.entries(2, 5, maxBytes)?.length, count, `${maxBytes} bytes`);
  }
  t.same(storage.entries(5, 5, 0), []);
  storage.compact(2);
  t.equal(storage.entries(2, 5, 0), undefined);
  t.throws(() => storage.entries(3, 6, 0), { name: 'InvariantError' });
  t.end();
});

void t.test('append() replaces from its first entry on, and skips what is compacted', (t) => {
  const storage = storageOf([1, 1, 1, 1]);
  storage.append(entriesOf([2], 3));
  t.same(terms(storage), [1, 1, 2]);
  storage.compact(2);
  storage.append(entriesOf([1, 1, 2, 2]));
  t.same(terms(storage), [2, 2]);
  t.throws(() => storage.append(entriesOf([2], 9)), /entries are missing/);
  t.end();
});

void t.test('term() knows that of the last compacted entry, and no others outside the log', (t) => {
  const storage = storageOf([1, 2, 3]);
  storage.compact(2);
  t.same(
    [1, 2, 3, 4].map((index) => storage.term(index)),
    [undefined, 2, 3, undefined],
  );
  t.end();
});

void t.test('applySnapshot() replaces the log by a newer state only', (t) => {
  const storage = storageOf([1, 1]);
  const snapshot = { index: 7, term: 3, confState: EMPTY_CONF_STATE, data: EMPTY };
  t.ok(storage.applySnapshot(snapshot));
  t.same([storage.firstIndex(), storage.lastIndex(), storage.term(7)], [8, 7, 3]);
  t.notOk(storage.applySnapshot({ ...snapshot, index: 6 }));
  t.end();
});
