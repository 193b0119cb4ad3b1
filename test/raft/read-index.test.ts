import t from 'tap';
import { changeApplied, LoneMember } from './lone-member.ts';

const CONTEXT = new TextEncoder().encode('read 1');

/** The heartbeat's context, which its answer must carry. */
function heartbeatContext(member: LoneMember): Uint8Array {
  member.node.readIndex(CONTEXT);
  const [heartbeat] = member.drain().filter(({ type }) => type === 'MsgHeartbeat');
  return heartbeat?.context ?? new Uint8Array(0);
}

// Raft thesis, section 6.4.
void t.test('readIndex() is answered when a quorum confirms that we still lead', (t) => {
  const member = new LoneMember();
  member.lead(2);
  member.receive({ type: 'MsgAppResp', from: 2, index: 1 });
  const context = heartbeatContext(member);
  member.receive({ type: 'MsgHeartbeatResp', from: 2 });
  t.same(member.readStates, [], 'an answer to an older heartbeat proves nothing');
  member.receive({ type: 'MsgHeartbeatResp', from: 2, context });
  t.same(member.readStates, [{ index: 1, context: CONTEXT }]);
  t.end();
});

// Raft paper, section 8.
void t.test('readIndex() waits until the leader has committed an entry of its term', (t) => {
  const member = new LoneMember({ terms: [1], hardState: { term: 1, commit: 1 } });
  member.lead(2);
  t.same(heartbeatContext(member), new Uint8Array(0), 'no heartbeat yet');
  const sent = member.receive({ type: 'MsgAppResp', from: 2, index: 2 });
  const context = sent.find(({ type }) => type === 'MsgHeartbeat')?.context ?? new Uint8Array(0);
  member.receive({ type: 'MsgHeartbeatResp', from: 2, context });
  t.same(member.readStates, [{ index: 2, context: CONTEXT }]);
  t.end();
});

// Found by the simulation; etcd-io/raft answers with index 1, although index 2 may have been acknowledged before.
void t.test(
  'readIndex() of a single voter waits for an entry of its term: a crash may have taken back the commit',
  (t) => {
    const member = new LoneMember({ voters: [1], terms: [1, 1], hardState: { term: 1, commit: 1 } });
    member.node.campaign();
    const ready = member.node.ready();
    member.storage.setHardState(ready.hardState ?? { term: 0, vote: 0, commit: 0 });
    member.node.advance();
    t.equal(member.role, 'StateLeader');
    t.equal(member.commit, 1);
    member.node.readIndex(CONTEXT);
    member.drain();
    t.same(member.readStates, [{ index: 3, context: CONTEXT }]);
    t.end();
  },
);

// Found by the simulation; etcd-io/raft answers at once.
void t.test('readIndex() of a removed leader asks the one voter that is left', (t) => {
  const member = new LoneMember({ voters: [1, 2] });
  member.lead(2);
  member.receive({ type: 'MsgAppResp', from: 2, index: 1 });
  changeApplied(member, 'remove', 1);
  t.equal(member.role, 'StateLeader', 'without stepDownOnRemoval');
  const context = heartbeatContext(member);
  t.same(member.readStates, []);
  member.receive({ type: 'MsgHeartbeatResp', from: 2, context });
  t.same(member.readStates, [{ index: 1, context: CONTEXT }]);
  t.end();
});

void t.test('readIndex() of a follower goes to the leader, and its answer comes as a read state', (t) => {
  const member = new LoneMember({ hardState: { term: 1 } });
  member.receive({ type: 'MsgHeartbeat', from: 2 });
  member.node.readIndex(CONTEXT);
  const [request] = member.drain();
  t.same([request?.type, request?.to], ['MsgReadIndex', 2]);
  member.receive({ type: 'MsgReadIndexResp', from: 2, index: 7, entries: request?.entries ?? [] });
  t.same(member.readStates, [{ index: 7, context: CONTEXT }]);
  t.end();
});

void t.test('readIndex() drops what is beyond maxPendingReads', (t) => {
  const member = new LoneMember({ maxPendingReads: 1 });
  member.lead(2);
  member.receive({ type: 'MsgAppResp', from: 2, index: 1 });
  member.node.readIndex(new TextEncoder().encode('read 0'));
  member.drain();
  const context = heartbeatContext(member);
  t.equal(context.length, 0, 'the second read sent no heartbeat');
  t.end();
});
