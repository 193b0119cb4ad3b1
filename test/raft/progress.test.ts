import t from 'tap';
import { Progress } from '../../src/raft/progress.ts';

const limits = { messages: 2, bytes: 0 };

void t.test('a probe sends one message, then waits for an answer', (t) => {
  const progress = new Progress(5, false, limits);
  progress.sentEntries(3, 30);
  t.ok(progress.isPaused);
  t.equal(progress.next, 5);
  t.ok(progress.maybeUpdate(7));
  t.notOk(progress.isPaused);
  t.equal(progress.next, 8);
  t.notOk(progress.maybeUpdate(7), 'an old answer');
  t.end();
});

void t.test('a stream goes on until its window is full', (t) => {
  const progress = new Progress(5, false, limits);
  progress.maybeUpdate(4);
  progress.becomeReplicate();
  progress.sentEntries(3, 30);
  t.same([progress.next, progress.isPaused], [8, false]);
  progress.sentEntries(1, 10);
  t.same([progress.next, progress.isPaused], [9, true]);
  t.equal(progress.describe(), 'StateReplicate match=4 next=9 paused inactive inflight=2[full]');
  t.end();
});

void t.test('maybeDecrease() goes back to the hint, never to what matched, and not for old refusals', (t) => {
  const probe = new Progress(10, false, limits);
  t.notOk(probe.maybeDecrease(5, 3), 'index 9 is being probed');
  t.ok(probe.maybeDecrease(9, 3));
  t.equal(probe.next, 4);
  probe.maybeUpdate(6);
  probe.becomeReplicate();
  t.notOk(probe.maybeDecrease(6, 2));
  t.ok(probe.maybeDecrease(8, 2));
  t.equal(probe.next, 7);
  t.end();
});

void t.test('after a snapshot, probing goes on behind it', (t) => {
  const progress = new Progress(1, true, limits);
  progress.becomeSnapshot(10);
  t.ok(progress.isPaused);
  t.equal(progress.describe(), 'StateSnapshot match=0 next=11 learner paused pendingSnap=10 inactive');
  progress.becomeProbe();
  t.same([progress.next, progress.pendingSnapshot], [11, 0]);
  t.throws(() => {
    progress.becomeSnapshot(20);
    progress.sentEntries(1, 1);
  }, /snapshot is pending/);
  t.end();
});

void t.test('canBumpCommit() is true once for each commit index that the member can take', (t) => {
  const progress = new Progress(6, false, limits);
  t.ok(progress.canBumpCommit(3));
  progress.sentCommit(3);
  t.notOk(progress.canBumpCommit(3));
  t.ok(progress.canBumpCommit(4));
  progress.sentCommit(5);
  t.notOk(progress.canBumpCommit(9), 'it has nothing beyond index 5');
  t.end();
});
