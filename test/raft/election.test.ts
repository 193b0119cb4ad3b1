import t from 'tap';
import { encodeConfChange } from '../../src/raft/conf-change.ts';
import { EMPTY } from '../../src/raft/entry.ts';
import { createMessage } from '../../src/raft/message.ts';
import { brief, LoneMember } from './lone-member.ts';

// Raft paper, section 5.1.
void t.test('step() takes over a higher term, in every role, and follows', (t) => {
  for (const role of ['StateFollower', 'StateCandidate', 'StateLeader']) {
    const member = new LoneMember();
    if (role !== 'StateFollower') member.node.campaign();
    if (role === 'StateLeader') member.lead(2);
    member.drain();
    t.equal(member.role, role);
    member.receive({ type: 'MsgApp', from: 2, term: 5 });
    t.equal(member.role, 'StateFollower');
    t.equal(member.term, 5);
    t.equal(member.node.softState().lead, 2, 'only a leader sends MsgApp');
  }
  t.end();
});

// Raft paper, section 5.1.
void t.test('step() ignores a message of an older term', (t) => {
  const member = new LoneMember({ hardState: { term: 4 } });
  t.same(member.receive({ type: 'MsgApp', from: 2, term: 3 }), []);
  t.equal(member.node.softState().lead, 0);
  t.end();
});

// Raft paper, section 5.2.
void t.test('tick() starts an election after electionTicks without a leader, and another in the next term', (t) => {
  const member = new LoneMember();
  t.same(member.tick(9), []);
  t.same(member.tick(1).map(brief), ['MsgVote to 2 yes 0', 'MsgVote to 3 yes 0']);
  t.equal(member.role, 'StateCandidate');
  t.equal(member.term, 1);
  member.tick(10);
  t.equal(member.term, 2);
  t.end();
});

// Raft paper, section 5.2: randomized so that split votes are rare.
void t.test('tick() waits from electionTicks to twice as long, by chance', (t) => {
  const waits = new Set<number>();
  for (let drawn = 0; drawn < 10; drawn += 1) {
    const member = new LoneMember({ random: () => drawn });
    let ticks = 0;
    while (member.role === 'StateFollower') {
      member.tick(1);
      ticks += 1;
    }
    waits.add(ticks);
  }
  t.same([...waits], [10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  t.end();
});

// Raft paper, section 5.2.
void t.test('an election is won, lost or open by the votes of a majority', (t) => {
  const table: { voters: number[]; yes: number[]; no: number[]; role: string }[] = [
    { voters: [1], yes: [], no: [], role: 'StateLeader' },
    { voters: [1, 2, 3], yes: [2], no: [], role: 'StateLeader' },
    { voters: [1, 2, 3], yes: [], no: [2], role: 'StateCandidate' },
    { voters: [1, 2, 3], yes: [], no: [2, 3], role: 'StateFollower' },
    { voters: [1, 2, 3, 4, 5], yes: [2], no: [3], role: 'StateCandidate' },
    { voters: [1, 2, 3, 4, 5], yes: [2, 3], no: [4, 5], role: 'StateLeader' },
    { voters: [1, 2, 3, 4, 5], yes: [2], no: [3, 4, 5], role: 'StateFollower' },
    { voters: [1, 2, 3, 4, 5], yes: [2, 2, 2], no: [], role: 'StateCandidate' },
  ];
  for (const { voters, yes, no, role } of table) {
    const member = new LoneMember({ voters });
    member.lead(...yes);
    for (const from of no) member.receive({ type: 'MsgVoteResp', from, reject: true });
    t.equal(member.role, role, `of ${voters.length}: yes from ${yes.join()}, no from ${no.join()}`);
  }
  t.end();
});

// Raft paper, section 5.2: first come, first served.
void t.test('a vote is given once in a term, and again to the same candidate', (t) => {
  for (const [vote, from, isGranted] of [
    [0, 2, true],
    [2, 2, true],
    [2, 3, false],
  ] as const) {
    const member = new LoneMember({ hardState: { term: 1, vote } });
    const [reply] = member.receive({ type: 'MsgVote', from, term: 1 });
    t.equal(reply?.reject, !isGranted, `voted for ${vote}, asked by ${from}`);
  }
  t.end();
});

// Raft paper, section 5.4.1.
void t.test('a vote is refused to a log that is behind', (t) => {
  const table = [
    { terms: [1], logTerm: 1, index: 1, isGranted: true },
    { terms: [1], logTerm: 1, index: 2, isGranted: true },
    { terms: [1, 1], logTerm: 1, index: 1, isGranted: false },
    { terms: [1], logTerm: 2, index: 1, isGranted: true },
    { terms: [1, 1], logTerm: 2, index: 1, isGranted: true },
    { terms: [2], logTerm: 1, index: 2, isGranted: false },
  ];
  for (const { terms, logTerm, index, isGranted } of table) {
    const member = new LoneMember({ terms });
    const [reply] = member.receive({ type: 'MsgVote', from: 2, term: 3, logTerm, index });
    t.equal(reply?.reject, !isGranted, `log of terms ${terms.join()}, candidate ends with ${logTerm}/${index}`);
  }
  t.end();
});

// Raft paper, section 5.2.
void t.test('a candidate follows a leader of its term', (t) => {
  const member = new LoneMember();
  member.tick(10);
  member.receive({ type: 'MsgHeartbeat', from: 3 });
  t.equal(member.role, 'StateFollower');
  t.equal(member.node.softState().lead, 3);
  t.end();
});

// Raft paper, section 6, and thesis, section 4.2.3.
void t.test(
  'with checkQuorum, a vote is not even considered while a leader is heard from, unless it hands over',
  (t) => {
    const member = new LoneMember({ checkQuorum: true, hardState: { term: 1 } });
    member.receive({ type: 'MsgHeartbeat', from: 2 });
    t.same(member.receive({ type: 'MsgVote', from: 3, term: 5 }), []);
    t.equal(member.term, 1);
    const context = new TextEncoder().encode('CampaignTransfer');
    t.same(member.receive({ type: 'MsgVote', from: 3, term: 5, context }).map(brief), ['MsgVoteResp to 3 yes 0']);
    t.end();
  },
);

// Raft thesis, section 9.6.
void t.test('a pre-vote changes neither term nor vote', (t) => {
  const member = new LoneMember({ preVote: true, hardState: { term: 3 } });
  const [reply] = member.receive({ type: 'MsgPreVote', from: 2, term: 9 });
  t.equal(reply?.reject, false);
  t.equal(reply?.term, 9, 'answers for the term asked about');
  t.same([member.term, member.node.status().hardState.vote], [3, 0]);
  member.tick(10);
  t.equal(member.role, 'StatePreCandidate');
  t.equal(member.term, 3);
  member.receive({ type: 'MsgPreVoteResp', from: 2, term: 4 });
  t.equal(member.role, 'StateCandidate');
  t.equal(member.term, 4);
  t.end();
});

// Raft thesis, section 3.8: the vote must be on disk before it is told.
void t.test('with asyncStorageWrites, a vote waits in the append it depends on', (t) => {
  const member = new LoneMember({ asyncStorageWrites: true });
  member.node.step(createMessage({ type: 'MsgVote', from: 2, to: 1, term: 1 }));
  const { messages } = member.node.ready();
  t.same(
    messages.map(({ type, term, vote }) => ({ type, term, vote })),
    [{ type: 'MsgStorageAppend', term: 1, vote: 2 }],
  );
  t.same(messages[0]?.responses.map(brief), ['MsgVoteResp to 2 yes 0']);
  t.end();
});

// Raft thesis, section 4.1: who does not know yet who votes does not stand for election.
void t.test('campaign() waits until committed membership changes are applied', (t) => {
  const change = encodeConfChange({ transition: 'auto', steps: [{ type: 'addVoter', id: 4 }], context: EMPTY });
  const member = new LoneMember({ terms: [1] });
  member.storage.append([{ term: 1, index: 2, ...change }]);
  member.storage.setHardState({ term: 1, vote: 0, commit: 2 });
  const restarted = new LoneMember({ storage: member.storage, asyncStorageWrites: true });
  restarted.node.campaign();
  t.equal(restarted.role, 'StateFollower');
  for (const message of restarted.node.ready().messages) for (const one of message.responses) restarted.node.step(one);
  restarted.node.campaign();
  t.equal(restarted.role, 'StateCandidate');
  t.end();
});

void t.test('setTicks() holds from now on, and refuses what the constructor refuses', (t) => {
  const member = new LoneMember();
  member.node.setTicks(20, 2);
  member.tick(19);
  t.equal(member.role, 'StateFollower');
  member.tick(1);
  t.equal(member.role, 'StateCandidate');
  t.throws(() => member.node.setTicks(2, 2), RangeError);
  t.end();
});
