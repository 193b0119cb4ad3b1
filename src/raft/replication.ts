import type { Core } from './core.ts';
import { payloadSize } from './entry.ts';
import type { MemberId } from './entry.ts';
import { invariant } from './invariant.ts';
import { hex } from './log-sink.ts';
import type { Progress } from './progress.ts';

/**
 * Sends the next entries to a member, or a snapshot if they are compacted, unless its flow is paused.
 *
 * @param sendIfEmpty send also without entries: to tell the commit index, or to probe
 * @returns whether anything was sent
 */
export function sendAppend(core: Core, to: MemberId, sendIfEmpty: boolean): boolean {
  const progress = core.tracker.progress.get(to);
  if (progress === undefined || progress.isPaused) return false;
  const index = progress.next - 1;
  const logTerm = core.raftLog.term(index);
  if (logTerm === undefined) return sendSnapshot(core, to, progress);
  // With a full window an empty append still goes out after each heartbeat: if all in the window was lost, its refusal
  // is what frees the window.
  const isThrottled = progress.state === 'StateReplicate' && progress.inflights.isFull;
  const entries = isThrottled ? [] : core.raftLog.entriesFrom(progress.next, core.settings.maxMessageBytes);
  if (!sendIfEmpty && (entries === undefined || entries.length === 0)) return false;
  if (entries === undefined) return sendSnapshot(core, to, progress);
  const commit = core.raftLog.committed;
  core.send({ type: 'MsgApp', to, index, logTerm, entries, commit });
  progress.sentEntries(entries.length, payloadSize(entries));
  progress.sentCommit(commit);
  return true;
}

/** Sends to every other member what it lacks. */
export function broadcastAppend(core: Core): void {
  for (const id of core.tracker.progress.keys()) {
    if (id !== core.id) sendAppend(core, id, true);
  }
}

/** Tells every other member that we lead, and asks it to confirm the reads that wait. */
export function broadcastHeartbeat(core: Core): void {
  const context = core.readOnly.heartbeatContext();
  for (const [to, progress] of core.tracker.progress) {
    if (to === core.id) continue;
    // Beyond what is known to match, the member may hold other entries: it must not commit those.
    const commit = Math.min(progress.match, core.raftLog.committed);
    core.send({ type: 'MsgHeartbeat', to, commit, context });
    progress.sentCommit(commit);
  }
}

/** Commits what a quorum holds, if it is of our term. */
export function maybeCommit(core: Core): boolean {
  return core.raftLog.maybeCommit({ term: core.term, index: core.tracker.committed() });
}

function sendSnapshot(core: Core, to: MemberId, progress: Progress): boolean {
  const { id, raftLog } = core;
  const { log } = core.settings;
  if (!progress.isRecentlyActive) {
    log.debug(`ignore sending snapshot to ${hex(to)} since it is not recently active`);
    return false;
  }
  const snapshot = raftLog.snapshot();
  if (snapshot === undefined) {
    const reason = 'because snapshot is temporarily unavailable';
    log.debug(`${hex(id)} failed to send snapshot to ${hex(to)} ${reason}`);
    return false;
  }
  invariant(snapshot.index > 0, 'need non-empty snapshot');
  const ours = `firstindex: ${raftLog.firstIndex()}, commit: ${raftLog.committed}`;
  const theirs = `index: ${snapshot.index}, term: ${snapshot.term}`;
  log.debug(`${hex(id)} [${ours}] sent snapshot[${theirs}] to ${hex(to)} [${progress.describe()}]`);
  progress.becomeSnapshot(snapshot.index);
  log.debug(`${hex(id)} paused sending replication messages to ${hex(to)} [${progress.describe()}]`);
  core.send({ type: 'MsgSnap', to, snapshot });
  return true;
}
