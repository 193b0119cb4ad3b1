import type { Core } from './core.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';
import { EMPTY_SNAPSHOT } from './snapshot.ts';
import type { Snapshot } from './snapshot.ts';

/** MsgApp: appends the leader's entries if our log agrees up to where they begin (Raft paper section 5.3). */
export function onAppend(core: Core, message: Message): void {
  if (!follow(core, message)) return;
  const { index, logTerm, entries, commit, from } = message;
  const { raftLog, settings } = core;
  if (index < raftLog.committed) {
    core.send({ type: 'MsgAppResp', to: from, index: raftLog.committed });
    return;
  }
  const last = raftLog.maybeAppend({ term: logTerm, index }, entries, commit);
  if (last !== undefined) {
    core.send({ type: 'MsgAppResp', to: from, index: last });
    return;
  }
  const ours = `logterm: ${raftLog.term(index) ?? 0}, index: ${index}`;
  const theirs = `logterm: ${logTerm}, index: ${index}`;
  settings.log.debug(`${hex(core.id)} [${ours}] rejected MsgApp [${theirs}] from ${hex(from)}`);
  // All of the leader's log before `index` is of `logTerm` or older: what we hold of newer terms cannot be in it.
  const hint = raftLog.findConflictByTerm(Math.min(index, raftLog.lastIndex()), logTerm);
  core.send({ type: 'MsgAppResp', to: from, index, reject: true, rejectHint: hint.index, logTerm: hint.term });
}

/** MsgHeartbeat: the leader lives, and has committed this much of what we share. */
export function onHeartbeat(core: Core, message: Message): void {
  if (!follow(core, message)) return;
  core.raftLog.commitTo(message.commit);
  core.send({ type: 'MsgHeartbeatResp', to: message.from, context: message.context });
}

/** MsgSnap: takes the leader's state in place of entries that it has no more (Raft paper section 7). */
export function onSnapshot(core: Core, message: Message): void {
  if (!follow(core, message)) return;
  const snapshot = message.snapshot ?? EMPTY_SNAPSHOT;
  const isRestored = restore(core, snapshot);
  const { raftLog } = core;
  const what = `${isRestored ? 'restored' : 'ignored'} snapshot [index: ${snapshot.index}, term: ${snapshot.term}]`;
  core.settings.log.info(`${hex(core.id)} [commit: ${raftLog.committed}] ${what}`);
  core.send({
    type: 'MsgAppResp',
    to: message.from,
    index: isRestored ? raftLog.lastIndex() : raftLog.committed,
  });
}

/** Takes the sender for the leader of this term. False if we lead it: then the message is none of a leader's. */
function follow(core: Core, { term, from }: Message): boolean {
  if (core.role === 'StateLeader') return false;
  if (core.role !== 'StateFollower') core.becomeFollower(term, from);
  core.electionElapsed = 0;
  core.lead = from;
  return true;
}

/** @returns false if the snapshot tells us nothing new */
function restore(core: Core, snapshot: Snapshot): boolean {
  const { index, term, confState } = snapshot;
  const { raftLog, settings, id } = core;
  if (index <= raftLog.committed) return false;
  const members = [...confState.voters, ...confState.learners, ...confState.votersOutgoing];
  if (!members.includes(id)) {
    const what = 'attempted to restore snapshot but it is not in the ConfState; should never happen';
    settings.log.warn(`${hex(id)} ${what}`);
    return false;
  }
  const before = raftLog.lastId();
  const describe = (verb: string, last: { index: number; term: number }) => {
    const ours = `commit: ${raftLog.committed}, lastindex: ${last.index}, lastterm: ${last.term}`;
    settings.log.info(`${hex(id)} [${ours}] ${verb} snapshot [index: ${index}, term: ${term}]`);
  };
  if (raftLog.hasEntry({ term, index })) {
    describe('fast-forwarded commit to', before);
    raftLog.commitTo(index);
    return false;
  }
  raftLog.restore(snapshot);
  core.restoreMembership(confState);
  describe('restored', raftLog.lastId());
  return true;
}
