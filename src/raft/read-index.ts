import type { Core } from './core.ts';
import { EMPTY, NONE } from './entry.ts';
import type { Index } from './entry.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';
import { broadcastHeartbeat } from './replication.ts';

/** MsgReadIndex: the leader finds out which index is safe to read at, a follower sends on to the leader. */
export function onReadIndex(core: Core, request: Message): void {
  if (core.role === 'StateLeader') return onReadIndexAsLeader(core, request);
  if (core.role !== 'StateFollower') return;
  if (core.lead === NONE) {
    core.settings.log.info(`${hex(core.id)} no leader at term ${core.term}; dropping index reading msg`);
    return;
  }
  core.send({ ...request, to: core.lead });
}

/** MsgReadIndexResp: the leader's answer to a read of ours. */
export function onReadIndexReply(core: Core, { entries, index, from }: Message): void {
  if (core.role !== 'StateFollower') return;
  const [entry] = entries;
  if (entry === undefined || entries.length !== 1) {
    const what = `invalid format of MsgReadIndexResp from ${hex(from)}, entries count: ${entries.length}`;
    core.settings.log.error(`${hex(core.id)} ${what}`);
    return;
  }
  core.readStates.push({ index, context: entry.data });
}

/** Serves the reads that came before the leader had committed an entry of its term. */
export function releaseEarlyReads(core: Core): void {
  if (core.earlyReads.length === 0 || !core.hasCommittedInTerm()) return;
  const requests = core.earlyReads;
  core.earlyReads = [];
  for (const request of requests) confirmRead(core, request);
}

/** Answers the reads that a heartbeat's answer has confirmed. */
export function onReadAck(core: Core, from: number, context: Uint8Array): void {
  if (core.settings.readOnly !== 'safe' || context.length === 0) return;
  core.readOnly.receiveAck(from, context);
  for (const { request, index } of core.readOnly.takeConfirmed(core.tracker.membership.voters)) {
    answer(core, request, index);
  }
}

function onReadIndexAsLeader(core: Core, request: Message): void {
  if (core.earlyReads.length + core.readOnly.waitingCount >= core.settings.maxPendingReads) return;
  // Until then more may be committed than we know of (Raft paper section 8), also if we are the only voter: commit
  // indexes are not flushed, so a crash can take the last ones back. (etcd-io/raft answers at once then.)
  if (!core.hasCommittedInTerm()) core.earlyReads.push(request);
  else confirmRead(core, request);
}

function confirmRead(core: Core, request: Message): void {
  const { committed } = core.raftLog;
  // A leader that was removed may find one voter, and not be it: then that one may lead already. (etcd-io/raft answers.)
  const isOnlyVoter = core.tracker.isSingleton && core.tracker.membership.voters.incoming.has(core.id);
  if (core.settings.readOnly === 'lease' || isOnlyVoter) return answer(core, request, committed);
  core.readOnly.add(request, committed);
  core.readOnly.receiveAck(core.id, core.readOnly.heartbeatContext());
  broadcastHeartbeat(core);
}

function answer(core: Core, request: Message, index: Index): void {
  if (request.from === NONE || request.from === core.id) {
    core.readStates.push({ index, context: request.entries[0]?.data ?? EMPTY });
    return;
  }
  core.send({ type: 'MsgReadIndexResp', to: request.from, index, entries: request.entries });
}
