import t from 'tap';
import { createMessage } from '../../src/raft/message.ts';
import { brief, LoneMember } from './lone-member.ts';

const vote = (from: number) => createMessage({ type: 'MsgVoteResp', from, to: 1 });

// Raft paper, section 5.2.
void t.test('a leader sends heartbeats without entries to everyone, every heartbeatTicks', (t) => {
  const member = new LoneMember({ heartbeatTicks: 2 });
  member.lead(2);
  const round = ['MsgHeartbeat to 2 yes 0', 'MsgHeartbeat to 3 yes 0'];
  t.same(member.tick(4).map(brief), [...round, ...round]);
  t.end();
});

// Raft paper, section 5.3.
void t.test('a leader commits what a majority holds, and tells everyone', (t) => {
  const table = [
    { voters: [1, 2, 3], acks: [2], isCommitted: true },
    { voters: [1, 2, 3], acks: [], isCommitted: false },
    { voters: [1, 2, 3, 4, 5], acks: [2], isCommitted: false },
    { voters: [1, 2, 3, 4, 5], acks: [2, 5], isCommitted: true },
  ];
  for (const { voters, acks, isCommitted } of table) {
    const member = new LoneMember({ voters });
    member.lead(...voters.slice(1));
    for (const from of voters.slice(1)) member.receive({ type: 'MsgAppResp', from, index: 1 });
    member.propose('one');
    const sent = acks.flatMap((from) => member.receive({ type: 'MsgAppResp', from, index: 2 }));
    t.equal(member.commit, isCommitted ? 2 : 1, `${acks.length + 1} of ${voters.length}`);
    const told = sent.filter(({ type, commit }) => type === 'MsgApp' && commit === 2);
    t.equal(told.length > 0, isCommitted);
  }
  t.end();
});

// Raft paper, section 5.4.2 and figure 8.
void t.test('a leader counts replicas only for entries of its own term', (t) => {
  const member = new LoneMember({ terms: [1, 2], hardState: { term: 2 } });
  member.lead(2);
  t.equal(member.term, 3);
  member.receive({ type: 'MsgAppResp', from: 2, index: 2 });
  t.equal(member.commit, 0, 'index 2 is of term 2: wait');
  member.receive({ type: 'MsgAppResp', from: 2, index: 3 });
  t.equal(member.commit, 3, 'index 3 is of term 3: takes the others along');
  t.end();
});

// etcd-io/raft doc.go: a leader may commit on its followers' disks before its own.
void t.test('with asyncStorageWrites, a leader commits without its own disk, and applies after it', (t) => {
  const member = new LoneMember({ asyncStorageWrites: true });
  const { node } = member;
  node.campaign();
  for (const message of node.ready().messages) for (const one of message.responses) node.step(one);
  node.step({ ...vote(2), term: 1 });
  const [append] = node.ready().messages.filter(({ type }) => type === 'MsgStorageAppend');
  for (const from of [2, 3]) node.step({ ...vote(from), type: 'MsgAppResp', term: 1, index: 1 });
  t.equal(member.commit, 1);
  t.same(node.ready().committedEntries, [], 'not on our disk yet');
  member.storage.append(append?.entries ?? []);
  for (const one of append?.responses ?? []) node.step(one);
  t.same(
    node.ready().committedEntries.map(({ index }) => index),
    [1],
  );
  t.end();
});

void t.test('with checkQuorum, a leader that nobody answers steps down', (t) => {
  const member = new LoneMember({ checkQuorum: true });
  member.lead(2);
  member.receive({ type: 'MsgHeartbeatResp', from: 2 });
  member.tick(10);
  t.equal(member.role, 'StateLeader', 'one of two others is enough');
  member.tick(10);
  t.equal(member.role, 'StateFollower');
  t.end();
});

void t.test('flow control: one probe, then a stream up to the window, then an answer per message', (t) => {
  const member = new LoneMember({ voters: [1, 2], maxInflightMessages: 2, maxMessageBytes: 0 });
  member.lead(2);
  t.same(member.propose('a'), [], 'the first append is a probe: no more before its answer');
  const burst = member.receive({ type: 'MsgAppResp', from: 2, index: 1 });
  t.same(
    burst.map(({ entries }) => entries.map(({ index }) => index)),
    [[2]],
  );
  member.propose('b');
  t.same(member.propose('c'), [], 'two are on the way');
  const more = member.receive({ type: 'MsgAppResp', from: 2, index: 2 });
  t.same(
    more.map(({ entries }) => entries.map(({ index }) => index)),
    [[4]],
  );
  t.end();
});

void t.test('propose() refuses what would make the uncommitted tail too long, but never the first', (t) => {
  const member = new LoneMember({ maxUncommittedBytes: 10 });
  member.lead(2);
  const bytes = (count: number) => new Uint8Array(count);
  t.equal(member.node.propose(bytes(100)), null);
  t.equal(member.node.propose(bytes(1)), 'raft proposal dropped');
  member.drain();
  member.receive({ type: 'MsgAppResp', from: 2, index: 2 });
  t.equal(member.node.propose(bytes(1)), null, 'all is committed and applied');
  t.end();
});

// Raft thesis, section 3.10.
void t.test('transferLeader() waits for the log, then tells the successor to campaign at once', (t) => {
  const member = new LoneMember();
  member.lead(2);
  member.node.transferLeader(2);
  t.same(
    member.drain().filter(({ type }) => type === 'MsgTimeoutNow'),
    [],
  );
  t.equal(member.node.propose(new Uint8Array(1)), 'raft proposal dropped');
  t.ok(member.receive({ type: 'MsgAppResp', from: 2, index: 1 }).some(({ type }) => type === 'MsgTimeoutNow'));
  member.tick(10);
  t.equal(member.node.propose(new Uint8Array(1)), null, 'given up after an election timeout');
  t.end();
});
