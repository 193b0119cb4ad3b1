import type { Core } from './core.ts';
import { NONE } from './entry.ts';
import { onHup } from './election.ts';
import { progressOf } from './leader.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';
import { sendAppend } from './replication.ts';

/** MsgTransferLeader: makes `from` the leader, once its log is ours (Raft thesis section 3.10). */
export function onTransferLeader(core: Core, message: Message): void {
  if (core.role === 'StateLeader') return transferAsLeader(core, message);
  if (core.role !== 'StateFollower') return;
  if (core.lead === NONE) {
    core.settings.log.info(`${hex(core.id)} no leader at term ${core.term}; dropping leader transfer msg`);
    return;
  }
  core.send({ ...message, to: core.lead });
}

function transferAsLeader(core: Core, message: Message): void {
  const progress = progressOf(core, message);
  if (progress === undefined) return;
  const { id, transferee } = core;
  const { log } = core.settings;
  const { from } = message;
  const prefix = `${hex(id)} [term ${core.term}]`;
  if (progress.isLearner) {
    log.debug(`${hex(id)} is learner. Ignored transferring leadership`);
    return;
  }
  if (transferee === from) {
    const rest = `is in progress, ignores request to same node ${hex(from)}`;
    log.info(`${prefix} transfer leadership to ${hex(from)} ${rest}`);
    return;
  }
  if (transferee !== NONE) {
    core.transferee = NONE;
    log.info(`${prefix} abort previous transferring leadership to ${hex(transferee)}`);
  }
  if (from === id) {
    log.debug(`${hex(id)} is already leader. Ignored transferring leadership to self`);
    return;
  }
  log.info(`${prefix} starts to transfer leadership to ${hex(from)}`);
  core.electionElapsed = 0; // it has an election timeout to succeed
  core.transferee = from;
  if (progress.match === core.raftLog.lastIndex()) {
    core.send({ type: 'MsgTimeoutNow', to: from });
    const rest = `immediately as ${hex(from)} already has up-to-date log`;
    log.info(`${hex(id)} sends MsgTimeoutNow to ${hex(from)} ${rest}`);
  } else {
    sendAppend(core, from, true);
  }
}

/** MsgTimeoutNow: the leader wants us to take over, at once and without asking first. */
export function onTimeoutNow(core: Core, { from }: Message): void {
  const { id, settings, term, role } = core;
  if (role === 'StateFollower') {
    const what = `received MsgTimeoutNow from ${hex(from)} and starts an election to get leadership.`;
    settings.log.info(`${hex(id)} [term ${term}] ${what}`);
    onHup(core, 'transfer');
  } else if (role !== 'StateLeader') {
    settings.log.debug(`${hex(id)} [term ${term} state ${role}] ignored MsgTimeoutNow from ${hex(from)}`);
  }
}

/** MsgForgetLeader: the owner knows that the leader is gone; we may vote, and pre-vote, for others at once. */
export function onForgetLeader(core: Core): void {
  if (core.role !== 'StateFollower') return;
  const { log } = core.settings;
  if (core.settings.readOnly === 'lease') {
    log.error('ignoring MsgForgetLeader due to ReadOnlyLeaseBased');
  } else if (core.lead !== NONE) {
    log.info(`${hex(core.id)} forgetting leader ${hex(core.lead)} at term ${core.term}`);
    core.lead = NONE;
  }
}
