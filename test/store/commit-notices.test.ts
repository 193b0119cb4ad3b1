import t from 'tap';
import { createMessage } from '../../src/raft/message.ts';
import { CommitNotices } from '../../src/store/commit-notices.ts';

const entry = { term: 1, index: 7, type: 'EntryNormal' as const, data: Buffer.from('x') };
const notice = (to: number, commit = 1) => createMessage({ type: 'MsgApp', to, commit });
const append = (to: number, commit = 2) => createMessage({ type: 'MsgApp', to, commit, entries: [entry] });

void t.test('CommitNotices holds what only tells of a commit, the newest for each member', (t) => {
  const notices = new CommitNotices();
  t.same(notices.hold([notice(2), notice(3), notice(2, 5)], 0), []);
  t.same(notices.take(), [notice(2, 5), notice(3)]);
  t.ok(notices.isEmpty);
  t.end();
});

void t.test('CommitNotices sends all else at once, and forgets what an append tells too', (t) => {
  const notices = new CommitNotices();
  const others = [createMessage({ type: 'MsgHeartbeat', to: 2 }), createMessage({ type: 'MsgVote', to: 3 })];
  t.same(notices.hold([notice(2), notice(3), ...others, append(2)], 0), [...others, append(2)]);
  t.same(notices.take(), [notice(3)]);
  t.end();
});

void t.test('CommitNotices tells at once who has handed on a proposal of late', (t) => {
  const notices = new CommitNotices();
  notices.proposed(2, 1000);
  t.same(notices.hold([notice(2), notice(3)], 2000), [notice(2)]);
  t.same(notices.hold([notice(2)], 2001), []);
  t.end();
});
