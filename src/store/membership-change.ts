import { field, message } from '../host/protobuf.ts';
import type { ConfChangeType } from '../raft/conf-change.ts';
import type { ConfState } from '../raft/snapshot.ts';
import type { Status } from '../raft/status.ts';
import type { MemberChange } from './backend.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import { memberInfo } from './member-info.ts';
import type { MemberInfo } from './member-info.ts';

/** What goes with a Raft configuration change into the log. */
export interface ChangeContext {
  /** As of a `Command`: who waits for it. */
  readonly id: number;
  readonly session: number;
  /** The member as it is to be known; undefined of a removal. */
  readonly member: MemberInfo | undefined;
}

/** The form of a `ChangeContext` in the log. */
export const changeContext = message<ChangeContext>('ChangeContext', {
  id: field(1, 'uint64'),
  session: field(2, 'uint64'),
  member: field(3, memberInfo),
});

/** A change as text, to be sent to the leader. */
export function encodeMemberChange(change: MemberChange): string {
  return JSON.stringify(change, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value));
}

/** The change of a text of ours. */
export function decodeMemberChange(text: string): MemberChange {
  const revive = (_key: string, value: unknown): unknown =>
    typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value;
  return JSON.parse(text, revive) as MemberChange;
}

/** What the leader proposes to Raft. */
export interface PlannedChange {
  readonly type: ConfChangeType;
  readonly id: number;
  readonly member: MemberInfo | undefined;
}

/** Learners at a time: each costs the leader as much as a follower, and gives no safety. */
const LEARNERS_MAX = 4;
/** How much of the leader's log a learner must hold to be promoted (etcd readyPercent). */
const READY_PART = 0.9;

/** What the leader knows when it is asked for a change. */
export interface MembershipView {
  readonly members: ReadonlyMap<number, MemberInfo>;
  readonly confState: ConfState;
  readonly status: Status;
  /** For a member to be added. */
  readonly freshId: number;
}

/** The Raft change that brings a membership change about. @throws EtcdError when it must not be */
export function planMembershipChange(change: MemberChange, view: MembershipView): PlannedChange {
  if ('add' in change) return planAdd(change.add, change.isLearner, view);
  if ('remove' in change) {
    const member = findMember(view, change.remove);
    const voters = view.confState.voters.filter((id) => id !== member.id);
    if (voters.length < view.confState.voters.length) checkQuorum(voters, view);
    return { type: 'remove', id: member.id, member: undefined };
  }
  if ('promote' in change) return planPromote(findMember(view, change.promote), view);
  const member = findMember(view, change.update);
  checkUrls(change.peerUrls, view, member.id);
  return { type: 'update', id: member.id, member: { ...member, peerUrls: change.peerUrls } };
}

function planAdd(peerUrls: readonly string[], isLearner: boolean, view: MembershipView): PlannedChange {
  checkUrls(peerUrls, view, 0);
  if (isLearner && view.confState.learners.length >= LEARNERS_MAX) throw new EtcdError('TooManyLearners');
  const id = view.freshId;
  if (!isLearner) checkQuorum([...view.confState.voters, id], view);
  return { type: isLearner ? 'addLearner' : 'addVoter', id, member: { id, name: '', peerUrls, clientUrls: [] } };
}

function planPromote(member: MemberInfo, { confState, status }: MembershipView): PlannedChange {
  if (!confState.learners.includes(member.id)) throw new EtcdError('MemberNotLearner');
  const match = status.progress.get(member.id)?.match ?? 0;
  if (match < status.lastIndex * READY_PART) throw new EtcdError('LearnerNotReady');
  return { type: 'addVoter', id: member.id, member };
}

/** A change must leave a majority of voters that are alive, or nothing could ever be changed again. */
function checkQuorum(voters: readonly number[], { status, confState }: MembershipView): void {
  const alive = voters.filter((id) => id === status.id || status.progress.get(id)?.isRecentlyActive === true);
  // The second voter cannot be alive before it is added (etcd IsReadyToAddVotingMember).
  const isGrowingFromOne = confState.voters.length === 1 && voters.length === 2;
  if (!isGrowingFromOne && alive.length < Math.floor(voters.length / 2) + 1)
    throw new EtcdError('MemberNotEnoughStarted');
}

function checkUrls(peerUrls: readonly string[], { members }: MembershipView, ownId: number): void {
  if (peerUrls.length === 0 || !peerUrls.every((url) => URL.canParse(url))) throw new EtcdError('MemberBadUrls');
  for (const { id, peerUrls: taken } of members.values())
    if (id !== ownId && taken.some((url) => peerUrls.includes(url))) throw new EtcdError('PeerUrlExist');
}

function findMember({ members }: MembershipView, id: bigint): MemberInfo {
  const member = members.get(Number(id));
  if (member === undefined) throw new EtcdError('MemberNotFound');
  return member;
}
