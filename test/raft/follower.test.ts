import t from 'tap';
import { EMPTY } from '../../src/raft/entry.ts';
import { EMPTY_CONF_STATE } from '../../src/raft/snapshot.ts';
import { brief, entriesOf, LoneMember } from './lone-member.ts';

// Raft paper, section 5.3: the entry before the new ones must match.
void t.test('MsgApp is refused where the logs do not agree, with a hint where they may', (t) => {
  const table = [
    { logTerm: 0, index: 0, reject: false, hint: 0 },
    { logTerm: 1, index: 1, reject: false, hint: 0 },
    { logTerm: 2, index: 2, reject: false, hint: 0 },
    { logTerm: 1, index: 2, reject: true, hint: 1 },
    { logTerm: 3, index: 3, reject: true, hint: 2 },
  ];
  for (const { logTerm, index, reject, hint } of table) {
    const member = new LoneMember({ terms: [1, 2] });
    const [reply] = member.receive({ type: 'MsgApp', from: 2, logTerm, index });
    t.same([reply?.reject, reply?.rejectHint], [reject, hint], `after ${logTerm}/${index}`);
  }
  t.end();
});

// Raft paper, section 5.3.
void t.test('MsgApp replaces entries that conflict, and only those', (t) => {
  const table = [
    { index: 2, logTerm: 2, entries: entriesOf([3], 3), terms: [1, 2, 3] },
    { index: 1, logTerm: 1, entries: entriesOf([3, 4], 2), terms: [1, 3, 4] },
    { index: 0, logTerm: 0, entries: entriesOf([1]), terms: [1, 2] },
    { index: 0, logTerm: 0, entries: entriesOf([3]), terms: [3] },
  ];
  for (const { index, logTerm, entries, terms } of table) {
    const member = new LoneMember({ terms: [1, 2], hardState: { term: 4 } });
    member.receive({ type: 'MsgApp', from: 2, index, logTerm, entries });
    t.same(member.terms, terms);
  }
  t.end();
});

// Raft paper, figure 7: every follower ends up with the leader's log.
void t.test('a leader brings every log of figure 7 to its own', (t) => {
  const leaderTerms = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];
  const followers = [
    [1, 1, 1, 4, 4, 5, 5, 6, 6],
    [1, 1, 1, 4],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6],
    [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7],
    [1, 1, 1, 4, 4, 4, 4],
    [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3],
  ];
  for (const terms of followers) {
    const leader = new LoneMember({ terms: leaderTerms, hardState: { term: 7 } });
    const follower = new LoneMember({ id: 2, terms, hardState: { term: 7 } });
    let round = leader.lead(3).filter(({ to }) => to === 2);
    for (let count = 0; round.length > 0 && count < 10; count += 1) {
      const replies = round.flatMap((message) => follower.receive(message));
      round = replies.flatMap((message) => leader.receive(message)).filter(({ to }) => to === 2);
    }
    t.same(follower.terms, [...leaderTerms, 8], terms.join());
  }
  t.end();
});

// Raft paper, section 5.3: not beyond what is known to be the leader's.
void t.test('MsgApp commits up to its last entry at most', (t) => {
  for (const [commit, expected] of [
    [1, 1],
    [2, 2],
    [3, 2],
  ] as const) {
    const member = new LoneMember({ terms: [1, 1, 1] });
    member.receive({ type: 'MsgApp', from: 2, index: 1, logTerm: 1, entries: entriesOf([1], 2), commit });
    t.equal(member.commit, expected);
    t.same(
      member.applied.map(({ index }) => index),
      [1, 2].slice(0, expected),
    );
  }
  t.end();
});

// Raft paper, section 7.
void t.test('MsgSnap replaces log and membership; an old one, or one without us, does not', (t) => {
  const confState = { ...EMPTY_CONF_STATE, voters: [1, 4, 5] };
  const snapshot = { index: 9, term: 2, confState, data: EMPTY };
  const member = new LoneMember({ terms: [1, 1], hardState: { term: 2 } });
  t.same(member.receive({ type: 'MsgSnap', from: 4, snapshot }).map(brief), ['MsgAppResp to 4 yes 9']);
  t.equal(member.storage.lastIndex(), 9);
  t.same([...member.node.status().membership.voters.incoming], [1, 4, 5]);
  t.same(member.receive({ type: 'MsgSnap', from: 4, snapshot: { ...snapshot, index: 8 } }).map(brief), [
    'MsgAppResp to 4 yes 9',
  ]);

  const stranger = new LoneMember({ hardState: { term: 2 } });
  const others = { ...snapshot, confState: { ...confState, voters: [4, 5] } };
  t.same(stranger.receive({ type: 'MsgSnap', from: 4, snapshot: others }).map(brief), ['MsgAppResp to 4 yes 0']);
  t.end();
});
