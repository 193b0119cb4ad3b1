import type { Core } from './core.ts';
import type { Entry } from './entry.ts';
import { createMessage, LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from './message.ts';
import type { Message } from './message.ts';
import type { Snapshot } from './snapshot.ts';
import { EMPTY_HARD_STATE } from './storage.ts';
import type { HardState } from './storage.ts';

/** What there is to be written. */
export interface Writes {
  readonly entries: readonly Entry[];
  readonly hardState: HardState | null;
  readonly snapshot: Snapshot | null;
}

/** Asks the append thread to write, and carries what may be said when that is durable; null if there is nothing. */
export function storageAppend(core: Core, writes: Writes): Message | null {
  const { entries, hardState, snapshot } = writes;
  const promises = core.outboxAfterAppend;
  if (entries.length === 0 && hardState === null && snapshot === null && promises.length === 0) return null;
  const reply = storageAppendReply(core, snapshot);
  return createMessage({
    ...(hardState ?? EMPTY_HARD_STATE),
    type: 'MsgStorageAppend',
    to: LOCAL_APPEND_THREAD,
    from: core.id,
    entries,
    snapshot,
    // Our own MsgAppResp goes first: it asks for terms of entries that are still in memory then.
    responses: reply === null ? promises : [...promises, reply],
  });
}

/**
 * What we want to hear when all that was handed out so far is durable; null if all is.
 *
 * It names our last entry even if this write has none, and counts only in our present term: an answer that was
 * overtaken by a change of term could name an entry that a later write, still on its way, will replace on the disk for
 * a while, although the same entry stands in memory again. Each change of term makes a write of its own, so the next
 * answer makes good for those ignored.
 */
export function storageAppendReply(core: Core, snapshot: Snapshot | null): Message | null {
  const hasEntries = core.raftLog.unstable.length > 0;
  if (!hasEntries && snapshot === null) return null;
  const last = hasEntries ? core.raftLog.lastId() : { index: 0, term: 0 };
  return createMessage({
    type: 'MsgStorageAppendResp',
    to: core.id,
    from: LOCAL_APPEND_THREAD,
    term: core.term,
    index: last.index,
    logTerm: last.term,
    snapshot,
  });
}

/** Asks the apply thread to apply. */
export function storageApply(core: Core, entries: readonly Entry[]): Message {
  const responses = [storageApplyReply(core, entries)];
  return createMessage({ type: 'MsgStorageApply', to: LOCAL_APPLY_THREAD, from: core.id, entries, responses });
}

/** What we want to hear when these entries are applied. */
export function storageApplyReply(core: Core, entries: readonly Entry[]): Message {
  return createMessage({ type: 'MsgStorageApplyResp', to: core.id, from: LOCAL_APPLY_THREAD, entries });
}
