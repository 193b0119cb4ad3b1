import type { Core } from './core.ts';
import { NONE } from './entry.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';
import type { Progress } from './progress.ts';
import { onReadAck, releaseEarlyReads } from './read-index.ts';
import { broadcastAppend, broadcastHeartbeat, maybeCommit, sendAppend } from './replication.ts';

/** MsgBeat: time for heartbeats. */
export function onBeat(core: Core): void {
  if (core.role === 'StateLeader') broadcastHeartbeat(core);
}

/** MsgCheckQuorum: steps down if no quorum was heard from in an election timeout, and starts to listen anew. */
export function onCheckQuorum(core: Core): void {
  if (core.role !== 'StateLeader') return;
  if (!core.tracker.isQuorumActive()) {
    core.settings.log.warn(`${hex(core.id)} stepped down to follower since quorum is not active`);
    core.becomeFollower(core.term, NONE);
  }
  for (const [id, progress] of core.tracker.progress) {
    if (id !== core.id) progress.isRecentlyActive = false;
  }
}

/** MsgAppResp: a member holds more, or refused what we sent. Our own tells what is on our disk. */
export function onAppendReply(core: Core, message: Message): void {
  const progress = progressOf(core, message);
  if (progress === undefined) return;
  progress.isRecentlyActive = true;
  if (message.reject) onAppendRefused(core, message, progress);
  else onAppendTaken(core, message, progress);
}

function onAppendRefused(core: Core, message: Message, progress: Progress): void {
  const { from, index, logTerm, rejectHint } = message;
  const { log } = core.settings;
  const hint = `hint: (index ${rejectHint}, term ${logTerm})`;
  log.debug(`${hex(core.id)} received MsgAppResp(rejected, ${hint}) from ${hex(from)} for index ${index}`);
  // The member's log is of `logTerm` or older up to the hint: what we hold of newer terms there cannot be in it.
  const next = logTerm > 0 ? core.raftLog.findConflictByTerm(rejectHint, logTerm).index : rejectHint;
  if (!progress.maybeDecrease(index, next)) return;
  log.debug(`${hex(core.id)} decreased progress of ${hex(from)} to [${progress.describe()}]`);
  if (progress.state === 'StateReplicate') progress.becomeProbe();
  sendAppend(core, from, true);
}

function onAppendTaken(core: Core, { from, index }: Message, progress: Progress): void {
  // An answer without news still ends a probe, which reportUnreachable may have begun.
  const isProbeAnswer = progress.match === index && progress.state === 'StateProbe';
  if (!progress.maybeUpdate(index) && !isProbeAnswer) return;
  resumeFlow(core, from, index, progress);
  const isOther = from !== core.id;
  if (maybeCommit(core)) {
    releaseEarlyReads(core);
    broadcastAppend(core);
  } else if (isOther && progress.canBumpCommit(core.raftLog.committed)) {
    sendAppend(core, from, true); // sooner than the next heartbeat would tell it
  }
  if (!isOther) return;
  while (sendAppend(core, from, false)); // as much as the window has room for
  if (from === core.transferee && progress.match === core.raftLog.lastIndex()) {
    core.settings.log.info(`${hex(core.id)} sent MsgTimeoutNow to ${hex(from)} after received MsgAppResp`);
    core.send({ type: 'MsgTimeoutNow', to: from });
  }
}

function resumeFlow(core: Core, from: number, index: number, progress: Progress): void {
  if (progress.state === 'StateProbe') {
    progress.becomeReplicate();
  } else if (progress.state === 'StateReplicate') {
    progress.inflights.freeUpTo(index);
  } else if (progress.match + 1 >= core.raftLog.firstIndex()) {
    // Whatever snapshot it took, also one that we did not send: our log goes on from there.
    const what = `recovered from needing snapshot, resumed sending replication messages to ${hex(from)}`;
    core.settings.log.debug(`${hex(core.id)} ${what} [${progress.describe()}]`);
    progress.becomeProbe();
    progress.becomeReplicate();
  }
}

/** MsgHeartbeatResp: the member lives; a paused flow gets another try, and waiting reads a confirmation. */
export function onHeartbeatReply(core: Core, message: Message): void {
  const progress = progressOf(core, message);
  if (progress === undefined) return;
  progress.isRecentlyActive = true;
  progress.isFlowPaused = false;
  if (progress.match < core.raftLog.lastIndex() || progress.state === 'StateProbe') {
    sendAppend(core, message.from, true);
  }
  onReadAck(core, message.from, message.context);
}

/** MsgSnapStatus: the owner has sent a snapshot, or could not. Only the member's own answer says that it has taken it. */
export function onSnapshotStatus(core: Core, message: Message): void {
  const progress = progressOf(core, message);
  if (progress?.state !== 'StateSnapshot') return;
  if (message.reject) progress.pendingSnapshot = 0;
  progress.becomeProbe();
  const what = `snapshot ${message.reject ? 'failed' : 'succeeded'}, resumed sending replication messages to`;
  core.settings.log.debug(`${hex(core.id)} ${what} ${hex(message.from)} [${progress.describe()}]`);
  progress.isFlowPaused = true; // until its answer, or the next heartbeat's
}

/** MsgUnreachable: what is on its way to this member is probably lost. */
export function onUnreachable(core: Core, message: Message): void {
  const progress = progressOf(core, message);
  if (progress === undefined) return;
  if (progress.state === 'StateReplicate') progress.becomeProbe();
  const what = `failed to send message to ${hex(message.from)} because it is unreachable`;
  core.settings.log.debug(`${hex(core.id)} ${what} [${progress.describe()}]`);
}

/** Progress of a message's sender, if we lead and it is a member. */
export function progressOf(core: Core, { from }: Message): Progress | undefined {
  if (core.role !== 'StateLeader') return undefined;
  const progress = core.tracker.progress.get(from);
  if (progress === undefined) core.settings.log.debug(`${hex(core.id)} no progress available for ${hex(from)}`);
  return progress;
}
