import t from 'tap';
import type { Entry } from '../../src/raft/entry.ts';
import { entrySize } from '../../src/raft/entry.ts';
import { SILENT } from '../../src/raft/log-sink.ts';
import { MemoryStorage } from '../../src/raft/memory-storage.ts';
import { RaftLog } from '../../src/raft/raft-log.ts';
import { entriesOf } from './lone-member.ts';

/** A log whose first entries are stable, and the rest not. */
function logOf(stable: readonly number[], unstable: readonly number[], applyingBytesMax = Infinity): RaftLog {
  const storage = new MemoryStorage();
  storage.append(entriesOf(stable));
  const log = new RaftLog(storage, SILENT, applyingBytesMax);
  log.append(entriesOf(unstable, stable.length + 1));
  return log;
}

const indexes = (entries: readonly Entry[] | undefined) => entries?.map(({ index }) => index);

void t.test('slice() joins stable and unstable entries within the limit, and never gives none', (t) => {
  const log = logOf([1, 1, 1], [2, 2, 2]);
  const size = entrySize({ term: 1, index: 1, type: 'EntryNormal', data: new Uint8Array(0) });
  t.same(indexes(log.slice(1, 7, Infinity)), [1, 2, 3, 4, 5, 6]);
  t.same(indexes(log.slice(2, 6, size * 3)), [2, 3, 4]);
  t.same(indexes(log.slice(1, 7, size * 3)), [1, 2, 3]);
  t.same(indexes(log.slice(1, 7, 0)), [1]);
  t.same(indexes(log.slice(5, 7, 0)), [5]);
  t.same(log.slice(4, 4, 0), []);
  t.throws(() => log.slice(4, 8, 0), /out of bound/);
  t.end();
});

void t.test('findConflictByTerm() gives the last index of no higher term', (t) => {
  const log = logOf([2, 2, 5, 5, 5], []);
  const table = [
    [5, 6, 5],
    [5, 5, 5],
    [5, 4, 2],
    [5, 2, 2],
    [5, 1, 0],
    [9, 5, 9],
  ] as const;
  for (const [index, term, expected] of table)
    t.equal(log.findConflictByTerm(index, term).index, expected, `${term}/${index}`);
  t.end();
});

void t.test('a committed entry is never replaced', (t) => {
  const log = logOf([1, 1, 1], []);
  log.commitTo(2);
  t.throws(() => log.maybeAppend({ term: 1, index: 1 }, entriesOf([2], 2), 0), /conflict with committed entry/);
  t.throws(() => log.commitTo(9), /Was the raft log corrupted, truncated, or lost/);
  t.end();
});

void t.test('nextCommitted() stops at the limit until something is applied', (t) => {
  const log = logOf([1, 1, 1], [], 8);
  log.commitTo(3);
  const first = log.nextCommitted(true);
  t.same(indexes(first), [1, 2]);
  log.acceptApplying(2, 8, true);
  t.notOk(log.hasNextCommitted(true));
  log.appliedTo(2, 8);
  t.same(indexes(log.nextCommitted(true)), [3]);
  t.end();
});

// etcd-io/raft storage messages: an answer counts only for the entry that it names.
void t.test('stableTo() keeps entries that were replaced while they were being written', (t) => {
  const log = logOf([1], [1, 1]);
  log.unstable.accept();
  log.append(entriesOf([2], 3));
  log.unstable.stableTo({ term: 1, index: 3 });
  t.equal(log.unstable.offset, 2, 'index 3 is of term 2 now');
  t.same(indexes(log.unstable.nextEntries()), [3]);
  log.unstable.stableTo({ term: 2, index: 3 });
  t.equal(log.unstable.length, 0);
  t.end();
});
