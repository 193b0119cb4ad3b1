import t from 'tap';
import { EMPTY } from '../../src/raft/entry.ts';
import { createMessage, LOCAL_APPEND_THREAD } from '../../src/raft/message.ts';
import { MemoryStorage } from '../../src/raft/memory-storage.ts';
import { RawNode } from '../../src/raft/raw-node.ts';
import { changeApplied, entriesOf, LoneMember } from './lone-member.ts';

const config = { id: 1, electionTicks: 10, heartbeatTicks: 1, random: () => 0 };

void t.test('new RawNode() names everything that is wrong with its configuration', (t) => {
  const storage = new MemoryStorage();
  const wrong = { ...config, storage, id: 2 ** 53, electionTicks: 1, readOnly: 'lease' as const };
  t.throws(() => new RawNode(wrong), /electionTicks must be .*; id must be .*; readOnly 'lease' needs checkQuorum/);
  t.end();
});

void t.test('new RawNode() does not start on a storage that contradicts itself', (t) => {
  t.throws(() => new LoneMember({ terms: [1], hardState: { term: 1, commit: 5 } }), { name: 'InvariantError' });
  t.end();
});

void t.test('step() refuses local messages from elsewhere, and answers of strangers', (t) => {
  const { node } = new LoneMember();
  const local = 'raft: cannot step raft local message';
  t.equal(node.step(createMessage({ type: 'MsgHup', from: 2 })), local);
  t.equal(node.step(createMessage({ type: 'MsgStorageAppendResp', from: 2, index: 9 })), local);
  t.equal(node.step(createMessage({ type: 'MsgAppResp', from: 9 })), 'raft: cannot step as peer not found');
  t.equal(node.step(createMessage({ type: 'MsgStorageAppendResp', from: LOCAL_APPEND_THREAD })), null);
  t.end();
});

void t.test('propose() is refused without a leader, and goes on to one', (t) => {
  const member = new LoneMember({ hardState: { term: 1 } });
  t.equal(member.node.propose(new Uint8Array(1)), 'raft proposal dropped');
  member.receive({ type: 'MsgHeartbeat', from: 2 });
  const [sent] = member.propose('a');
  t.same([sent?.type, sent?.to, sent?.from, sent?.term], ['MsgProp', 2, 1, 0]);
  t.end();
});

void t.test('ready() hands out nothing twice, and asks for a flush only when it must', (t) => {
  const { node, storage } = new LoneMember({ voters: [1] });
  t.notOk(node.hasReady());
  node.campaign();
  const first = node.ready();
  t.ok(first.mustSync, 'a vote');
  t.notOk(node.hasReady());
  t.throws(() => node.ready(), /without call to advance/);
  node.advance();
  const second = node.ready();
  t.ok(second.mustSync, 'an entry');
  storage.append(second.entries);
  node.advance();
  const third = node.ready();
  t.same([third.mustSync, third.hardState?.commit, third.committedEntries.length], [false, 1, 1], 'a commit index');
  node.advance();
  t.notOk(node.hasReady());
  t.end();
});

void t.test('with asyncStorageWrites, ready() may come again before the disk has answered', (t) => {
  const { node } = new LoneMember({ asyncStorageWrites: true });
  node.step(createMessage({ type: 'MsgApp', from: 2, to: 1, term: 1, entries: entriesOf([1]) }));
  const first = node.ready().messages.at(-1);
  node.step(
    createMessage({ type: 'MsgApp', from: 2, to: 1, term: 1, index: 1, logTerm: 1, entries: entriesOf([1], 2) }),
  );
  const second = node.ready().messages.at(-1);
  t.same(
    first?.entries.map(({ index }) => index),
    [1],
  );
  t.same(
    second?.entries.map(({ index }) => index),
    [2],
  );
  t.same(
    second?.responses.map(({ type, index }) => `${type} ${index}`),
    ['MsgAppResp 2', 'MsgStorageAppendResp 2'],
  );
  t.throws(() => node.advance(), /asyncStorageWrites/);
  t.end();
});

// Raft thesis, section 4.1: the next change waits until the one before it is applied.
void t.test('proposeConfChange() becomes an empty entry while another change is pending', (t) => {
  const lines: string[] = [];
  const log = {
    debug: () => undefined,
    info: (line: string) => lines.push(line),
    warn: () => undefined,
    error: () => undefined,
  };
  const member = new LoneMember({ log });
  member.lead(2);
  const change = { transition: 'auto' as const, steps: [{ type: 'addVoter' as const, id: 4 }], context: EMPTY };
  member.receive({ type: 'MsgAppResp', from: 2, index: 1 });
  member.node.proposeConfChange(change);
  member.node.proposeConfChange(change);
  member.drain();
  const types = (member.storage.entries(1, 4, Infinity) ?? []).map(({ type }) => type);
  t.same(types, ['EntryNormal', 'EntryConfChangeV2', 'EntryNormal']);
  t.ok(lines.some((line) => line.includes('possible unapplied conf change at index 2 (applied to 1)')));
  t.end();
});

void t.test('with stepDownOnRemoval, a leader that applies its own removal follows', (t) => {
  const member = new LoneMember({ stepDownOnRemoval: true });
  member.lead(2);
  changeApplied(member, 'remove', 1);
  t.equal(member.role, 'StateFollower');
  member.tick(50);
  t.equal(member.role, 'StateFollower', 'and does not campaign');
  t.end();
});

void t.test('status() tells the progress of everyone, on a leader only', (t) => {
  const member = new LoneMember();
  t.equal(member.node.status().progress.size, 0);
  member.lead(2);
  t.same([...member.node.status().progress.keys()], [1, 2, 3]);
  t.equal(member.node.status().progress.get(2)?.text, 'StateProbe match=0 next=1 paused inactive');
  t.end();
});
