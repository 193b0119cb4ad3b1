import { commitContext } from './commit-by-vote.ts';
import type { Core } from './core.ts';
import { NONE } from './entry.ts';
import type { EntryId } from './entry.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';
import { voterIds } from './quorum.ts';
import { broadcastAppend } from './replication.ts';

/** Why a member campaigns: to see whether it could win, by time-out, or because the leader told it to. */
export type Campaign = 'preElection' | 'election' | 'transfer';

/** Marks vote requests of a transfer: they are answered although a leader is alive. The bytes are etcd's. */
const TRANSFER_CONTEXT: Uint8Array = new TextEncoder().encode('CampaignTransfer');

/** MsgHup: starts an election, if we may stand for it. */
export function onHup(core: Core, reason: Campaign): void {
  const { id, settings } = core;
  if (core.role === 'StateLeader') {
    settings.log.debug(`${hex(id)} ignoring MsgHup because already leader`);
  } else if (!core.isPromotable) {
    settings.log.warn(`${hex(id)} is unpromotable and can not campaign`);
  } else if (core.raftLog.someUnapplied((entry) => entry.type !== 'EntryNormal')) {
    // We do not know yet who votes.
    const why = 'since there are still pending configuration changes to apply';
    settings.log.warn(`${hex(id)} cannot campaign at term ${core.term} ${why}`);
  } else {
    settings.log.info(`${hex(id)} is starting a new election at term ${core.term}`);
    campaign(core, reason);
  }
}

function campaign(core: Core, reason: Campaign): void {
  const isPreElection = reason === 'preElection';
  if (isPreElection) core.becomePreCandidate();
  else core.becomeCandidate();
  const term = isPreElection ? core.term + 1 : core.term;
  const type = isPreElection ? 'MsgPreVote' : 'MsgVote';
  const last = core.raftLog.lastId();
  for (const to of voterIds(core.tracker.membership.voters)) {
    if (to === core.id) {
      // Our own vote counts once it is on our disk.
      core.send({ type: isPreElection ? 'MsgPreVoteResp' : 'MsgVoteResp', to, term });
      continue;
    }
    const position = `logterm: ${last.term}, index: ${last.index}`;
    core.settings.log.info(`${hex(core.id)} [${position}] sent ${type} request to ${hex(to)} at term ${core.term}`);
    const context = reason === 'transfer' ? TRANSFER_CONTEXT : commitContext(core);
    core.send({ type, to, term, index: last.index, logTerm: last.term, context });
  }
}

/**
 * Whether a request of a higher term is to be ignored, because we have heard from a leader within an election timeout:
 * so that a member that was cut off, or removed, does not disturb the others (Raft paper section 6, thesis 4.2.3).
 */
export function isRequestInLease(core: Core, request: Message): boolean {
  if (isTransfer(request.context) || !core.settings.checkQuorum) return false;
  if (core.lead === NONE || core.electionElapsed >= core.electionTicks) return false;
  const remaining = `lease is not expired (remaining ticks: ${core.electionTicks - core.electionElapsed})`;
  core.settings.log.info(`${describeRequest(core, 'ignored', request)}: ${remaining}`);
  return true;
}

/** MsgVote and MsgPreVote of our term or a higher one: votes at most once in a term, and never for an older log. */
export function onVoteRequest(core: Core, request: Message): void {
  const isPreVote = request.type === 'MsgPreVote';
  const mayVote =
    core.vote === request.from || (core.vote === NONE && core.lead === NONE) || (isPreVote && request.term > core.term);
  // A learner votes too: it may have been made a voter without knowing yet, and its vote may be needed.
  if (!mayVote || !core.raftLog.isUpToDate(candidateLast(request))) return rejectVoteRequest(core, request);
  core.settings.log.info(describeRequest(core, 'cast', request));
  // The asked term: a pre-candidate asks for one that we are not in.
  const type = isPreVote ? 'MsgPreVoteResp' : 'MsgVoteResp';
  core.send({ type, to: request.from, term: request.term, context: commitContext(core) });
  if (isPreVote) return;
  core.electionElapsed = 0;
  core.vote = request.from;
}

/** Says no, and which term we are in. */
export function rejectVoteRequest(core: Core, request: Message): void {
  core.settings.log.info(describeRequest(core, 'rejected', request));
  const type = request.type === 'MsgPreVote' ? 'MsgPreVoteResp' : 'MsgVoteResp';
  core.send({ type, to: request.from, term: core.term, reject: true, context: commitContext(core) });
}

/** MsgVoteResp and MsgPreVoteResp: counts the vote, and leads, or gives up, when the election is decided. */
export function onVoteReply(core: Core, reply: Message): void {
  const isPreCandidate = core.role === 'StatePreCandidate';
  const isOurs = isPreCandidate
    ? reply.type === 'MsgPreVoteResp'
    : core.role === 'StateCandidate' && reply.type === 'MsgVoteResp';
  if (!isOurs) return;
  const { id, settings, tracker } = core;
  const what = reply.reject ? `${reply.type} rejection` : reply.type;
  settings.log.info(`${hex(id)} received ${what} from ${hex(reply.from)} at term ${core.term}`);
  tracker.recordVote(reply.from, !reply.reject);
  const { granted, rejected, result } = tracker.tally();
  settings.log.info(`${hex(id)} has received ${granted} ${reply.type} votes and ${rejected} vote rejections`);
  if (result === 'lost') {
    core.becomeFollower(core.term, NONE);
  } else if (result === 'won' && isPreCandidate) {
    campaign(core, 'election');
  } else if (result === 'won') {
    core.becomeLeader();
    broadcastAppend(core);
  }
}

function candidateLast({ logTerm, index }: Message): EntryId {
  return { term: logTerm, index };
}

function isTransfer(context: Uint8Array): boolean {
  return context.length === TRANSFER_CONTEXT.length && TRANSFER_CONTEXT.every((byte, at) => byte === context[at]);
}

function describeRequest(core: Core, verdict: 'cast' | 'rejected' | 'ignored', request: Message): string {
  const last = core.raftLog.lastId();
  const ours = `logterm: ${last.term}, index: ${last.index}, vote: ${hex(core.vote)}`;
  const theirs = `logterm: ${request.logTerm}, index: ${request.index}`;
  const preposition = verdict === 'cast' ? 'for' : 'from';
  const what = `${verdict} ${request.type} ${preposition} ${hex(request.from)}`;
  return `${hex(core.id)} [${ours}] ${what} [${theirs}] at term ${core.term}`;
}
