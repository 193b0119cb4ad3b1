import type { Core } from './core.ts';
import { entriesSize, payloadSize } from './entry.ts';
import type { Index } from './entry.ts';
import type { Message } from './message.ts';
import { maybeAutoLeave } from './proposal.ts';
import type { Snapshot } from './snapshot.ts';

/** MsgStorageAppendResp of our term: entries up to `index` are on our disk, and the snapshot is the owner's state. */
export function onStorageAppendReply(core: Core, { index, logTerm, snapshot }: Message): void {
  if (index !== 0) core.raftLog.unstable.stableTo({ term: logTerm, index });
  if (snapshot !== null) onSnapshotStored(core, snapshot);
}

/** MsgStorageApplyResp: the owner has applied these entries. */
export function onStorageApplyReply(core: Core, { entries }: Message): void {
  const last = entries.at(-1);
  if (last === undefined) return;
  appliedTo(core, last.index, entriesSize(entries));
  core.uncommittedBytes = Math.max(0, core.uncommittedBytes - payloadSize(entries));
}

/** A snapshot holds committed state, whatever the term: its reply counts also after a change of term. */
export function onSnapshotStored(core: Core, { index }: Snapshot): void {
  core.raftLog.unstable.stableSnapshotTo(index);
  appliedTo(core, index, 0);
}

function appliedTo(core: Core, index: Index, bytes: number): void {
  core.raftLog.appliedTo(Math.max(index, core.raftLog.applied), bytes);
  maybeAutoLeave(core);
}
