import { decodeConfChange, describeConfChange } from './conf-change.ts';
import type { ConfChange } from './conf-change.ts';
import type { Core } from './core.ts';
import { EMPTY, NONE } from './entry.ts';
import type { Entry } from './entry.ts';
import { invariant } from './invariant.ts';
import { hex } from './log-sink.ts';
import { describeMembership, isJoint } from './membership.ts';
import type { Message } from './message.ts';
import { PROPOSAL_DROPPED } from './refusal.ts';
import type { Refusal } from './refusal.ts';
import { broadcastAppend } from './replication.ts';

/** What is proposed: the leader gives it its term and index. */
export type Proposal = Pick<Entry, 'type' | 'data'>;

/** MsgProp: the leader appends, a follower sends on to the leader. */
export function onProposal(core: Core, message: Message): Refusal | null {
  if (core.role === 'StateLeader') return proposeAsLeader(core, message.entries);
  const { id, settings } = core;
  if (core.lead === NONE) {
    settings.log.info(`${hex(id)} no leader at term ${core.term}; dropping proposal`);
    return PROPOSAL_DROPPED;
  }
  if (settings.disableProposalForwarding) {
    const where = `leader ${hex(core.lead)} at term ${core.term}`;
    settings.log.info(`${hex(id)} not forwarding to ${where}; dropping proposal`);
    return PROPOSAL_DROPPED;
  }
  core.send({ ...message, to: core.lead });
  return null;
}

/** Appends to our log and sends to all. */
export function proposeAsLeader(core: Core, proposals: readonly Proposal[]): Refusal | null {
  invariant(proposals.length > 0, () => `${hex(core.id)} stepped empty MsgProp`);
  // We may lead on for a while after we applied our own removal.
  if (core.ownProgress === undefined) return PROPOSAL_DROPPED;
  if (core.transferee !== NONE) {
    const what = `transfer leadership to ${hex(core.transferee)} is in progress; dropping proposal`;
    core.settings.log.debug(`${hex(core.id)} [term ${core.term}] ${what}`);
    return PROPOSAL_DROPPED;
  }
  const checked = proposals.map((proposal, offset) => checkConfChange(core, proposal, offset));
  if (!core.appendEntries(checked)) return PROPOSAL_DROPPED;
  broadcastAppend(core);
  return null;
}

/** A membership change that may not be made now is replaced by an empty entry, so that what follows keeps its place. */
function checkConfChange(core: Core, proposal: Proposal, offset: number): Proposal {
  const change = decodeConfChange(proposal);
  if (change === null) return proposal;
  const fault = confChangeFault(core, change);
  if (fault !== null && !core.settings.disableConfChangeValidation) {
    const where = `at config ${describeMembership(core.tracker.membership)}`;
    core.settings.log.info(`${hex(core.id)} ignoring conf change ${describeConfChange(change)} ${where}: ${fault}`);
    return { type: 'EntryNormal', data: EMPTY };
  }
  core.pendingConfIndex = core.raftLog.lastIndex() + offset + 1;
  return proposal;
}

/** Best effort: what is in force is what was applied, which may be behind the log. */
function confChangeFault(core: Core, change: ConfChange): string | null {
  const { applied } = core.raftLog;
  const wasJoint = isJoint(core.tracker.membership);
  const leaves = change.steps.length === 0;
  if (core.pendingConfIndex > applied) {
    return `possible unapplied conf change at index ${core.pendingConfIndex} (applied to ${applied})`;
  }
  if (wasJoint && !leaves) return 'must transition out of joint config first';
  if (!wasJoint && leaves) return 'not in joint state; refusing empty conf change';
  return null;
}

/** Leaves a joint configuration, as soon as it is applied and asks for that. */
export function maybeAutoLeave(core: Core): void {
  const { membership } = core.tracker;
  if (!membership.autoLeave || core.role !== 'StateLeader' || core.raftLog.applied < core.pendingConfIndex) return;
  const text = describeMembership(membership);
  // Empty data cannot be dropped for its size. If it is dropped because leadership is moving, it is tried again after
  // the next applied entry, here or at the next leader.
  const refusal = proposeAsLeader(core, [{ type: 'EntryConfChangeV2', data: EMPTY }]);
  if (refusal === null) {
    core.settings.log.info(`initiating automatic transition out of joint configuration ${text}`);
  } else {
    core.settings.log.debug(`not initiating automatic transition out of joint configuration ${text}: ${refusal}`);
  }
}
