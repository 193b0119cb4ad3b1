import type { Core } from './core.ts';
import { EMPTY, NONE } from './entry.ts';
import type { EntryId } from './entry.ts';
import { hex } from './log-sink.ts';
import type { Message } from './message.ts';

/*
 * A membership change takes effect when it is known to be committed. When the leader that committed it is gone, a member
 * that holds it without knowing that may need votes that it cannot get: of a removed member with a longer log, say,
 * while those who know the change have shorter logs than it has. No one could ever be elected. So requests for votes
 * and their answers tell what their sender knows to be committed; who holds the same entry knows it then too. (As in
 * TiKV's raft-rs. etcd-io/raft does not; its members ignore these bytes.)
 */

const NUMBER_BYTES = 8;

/** For a vote message: our last committed entry, as 16 bytes that no other context equals. */
export function commitContext({ raftLog }: Core): Uint8Array {
  const term = raftLog.term(raftLog.committed);
  if (raftLog.committed === 0 || term === undefined) return EMPTY;
  const bytes = new Uint8Array(2 * NUMBER_BYTES);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(raftLog.committed), true);
  view.setBigUint64(NUMBER_BYTES, BigInt(term), true);
  return bytes;
}

/** Commits what the sender of a vote message knows to be committed, if we hold it. A leader knows better. */
export function learnCommit(core: Core, { context }: Message): void {
  const id = decode(context);
  if (id === null || core.role === 'StateLeader' || !core.raftLog.maybeCommit(id)) return;
  const what = `learned from a vote message that [index: ${id.index}, term: ${id.term}] is committed`;
  core.settings.log.info(`${hex(core.id)} ${what}`);
  const isCandidate = core.role !== 'StateFollower';
  // Who votes may have changed: the owner must apply that before we stand for election.
  if (isCandidate && core.raftLog.someUnapplied((entry) => entry.type !== 'EntryNormal')) {
    core.becomeFollower(core.term, NONE);
  }
}

/** null for other contexts; the mark of a transfer, taken for numbers, is beyond 2^53. */
function decode(bytes: Uint8Array): EntryId | null {
  if (bytes.length !== 2 * NUMBER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const index = Number(view.getBigUint64(0, true));
  const term = Number(view.getBigUint64(NUMBER_BYTES, true));
  return Number.isSafeInteger(index) && Number.isSafeInteger(term) ? { index, term } : null;
}
