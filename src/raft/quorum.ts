import type { Index, MemberId } from './entry.ts';
import { hex } from './log-sink.ts';

/** How an election or a heartbeat round stands. */
export type VoteResult = 'pending' | 'lost' | 'won';

/** Members of whom more than half decide. */
export type Majority = ReadonlySet<MemberId>;

/**
 * The voters. While `outgoing` is not empty the configuration is joint, and both majorities must agree
 * (Raft paper section 6).
 */
export interface Voters {
  readonly incoming: Majority;
  readonly outgoing: Majority;
}

/** Last index a member has acknowledged; undefined if it has not yet. */
export type AckedIndex = (id: MemberId) => Index | undefined;

/** Every voter of either half, in ascending order. */
export function voterIds({ incoming, outgoing }: Voters): MemberId[] {
  return [...incoming.union(outgoing)].sort((a, b) => a - b);
}

/** The highest index that more than half have acknowledged. Infinity for no members, so that it never holds up a joint decision. */
export function majorityIndex(majority: Majority, acked: AckedIndex): Index {
  if (majority.size === 0) return Infinity;
  const indexes: Index[] = [];
  for (const id of majority) indexes.push(acked(id) ?? 0);
  indexes.sort((a, b) => b - a);
  return indexes[Math.floor(majority.size / 2)] ?? 0;
}

/** The highest index that both halves have acknowledged. */
export function jointIndex({ incoming, outgoing }: Voters, acked: AckedIndex): Index {
  return Math.min(majorityIndex(incoming, acked), majorityIndex(outgoing, acked));
}

/** Whether more than half said yes, or cannot any more. An election among no members is won. */
export function majorityVote(majority: Majority, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  if (majority.size === 0) return 'won';
  let granted = 0;
  let missing = 0;
  for (const id of majority) {
    const vote = votes.get(id);
    if (vote === undefined) missing += 1;
    else if (vote) granted += 1;
  }
  const needed = Math.floor(majority.size / 2) + 1;
  if (granted >= needed) return 'won';
  return granted + missing >= needed ? 'pending' : 'lost';
}

/** Won if both halves are won, lost if one is lost. */
export function jointVote({ incoming, outgoing }: Voters, votes: ReadonlyMap<MemberId, boolean>): VoteResult {
  const results = [majorityVote(incoming, votes), majorityVote(outgoing, votes)];
  if (results.includes('lost')) return 'lost';
  return results.includes('pending') ? 'pending' : 'won';
}

/** A set of members as it stands in a line: `(1 2 a)`. */
export function describeMembers(ids: ReadonlySet<MemberId>): string {
  const sorted = [...ids].sort((a, b) => a - b);
  return `(${sorted.map(hex).join(' ')})`;
}

/** Both halves as they stand in a line: `(1 2 3)&&(3 4 5)`. */
export function describeVoters({ incoming, outgoing }: Voters): string {
  const text = describeMembers(incoming);
  return outgoing.size > 0 ? `${text}&&${describeMembers(outgoing)}` : text;
}
