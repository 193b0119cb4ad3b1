import t from 'tap';
import { encodeConfChange } from '../../src/raft/conf-change.ts';
import { EMPTY } from '../../src/raft/entry.ts';
import { brief, entriesOf, LoneMember } from './lone-member.ts';

/** What a member with these entries, all committed, says in a vote message. */
function contextOf(terms: readonly number[]): Uint8Array {
  const [request] = new LoneMember({ id: 2, terms, hardState: { commit: terms.length } }).lead();
  return request?.context ?? EMPTY;
}

void t.test('a vote message commits what its sender knows to be committed, if we hold it', (t) => {
  const member = new LoneMember({ terms: [1, 1, 1, 1] });
  member.receive({ type: 'MsgVote', from: 2, term: 3, context: contextOf([1, 1]) });
  t.equal(member.commit, 2);
  member.receive({ type: 'MsgVote', from: 2, term: 4, context: contextOf([1, 1, 2]) });
  t.equal(member.commit, 2, 'ours at index 3 is of term 1');
  member.receive({ type: 'MsgVote', from: 2, term: 5, context: contextOf([1, 1, 1, 1, 1]) });
  t.equal(member.commit, 2, 'we have no index 5');
  t.end();
});

void t.test('a vote message of an older term, or a refusal, tells it too', (t) => {
  const member = new LoneMember({ terms: [1, 1], hardState: { term: 9 } });
  member.receive({ type: 'MsgVote', from: 2, term: 3, context: contextOf([1]) });
  t.equal(member.commit, 1);
  member.tick(10);
  member.receive({ type: 'MsgVoteResp', from: 2, reject: true, context: contextOf([1, 1]) });
  t.equal(member.commit, 2);
  t.end();
});

// Found by the simulation: 2, who knows that 3 was removed, has the shorter log; 1 would need the vote of 3, who has the longer.
void t.test('a candidate that learns of a membership change stops, and is elected by the new members', (t) => {
  const change = encodeConfChange({ transition: 'auto', steps: [{ type: 'remove', id: 3 }], context: EMPTY });
  const member = new LoneMember({ terms: [1] });
  member.storage.append([{ term: 1, index: 2, ...change }, ...entriesOf([1], 3)]);
  const restarted = new LoneMember({ storage: member.storage });
  restarted.tick(10);
  t.equal(restarted.role, 'StateCandidate');
  restarted.receive({ type: 'MsgVoteResp', from: 2, reject: true, context: contextOf([1, 1]) });
  t.equal(restarted.role, 'StateFollower');
  t.same(
    restarted.applied.map(({ index }) => index),
    [1, 2],
  );
  t.end();
});

void t.test('the mark of a transfer is not taken for a commit', (t) => {
  const member = new LoneMember({ terms: [1] });
  const context = new TextEncoder().encode('CampaignTransfer');
  t.same(member.receive({ type: 'MsgVote', from: 2, term: 2, logTerm: 1, index: 1, context }).map(brief), [
    'MsgVoteResp to 2 yes 0',
  ]);
  t.equal(member.commit, 0);
  t.end();
});
