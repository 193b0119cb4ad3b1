import type { Disk } from '../host/disk.ts';
import type { Entry } from '../raft/entry.ts';
import type { HardState } from '../raft/storage.ts';
import { CheckpointRestore, encodeCheckpoint, LENGTH_BYTES } from './checkpoint.ts';
import { LogDamagedError } from './log/block.ts';
import { readCheckpoint, writeCheckpoint } from './log/checkpoint-file.ts';
import type { CheckpointMeta } from './log/checkpoint-file.ts';
import type { Recovered } from './log/recover.ts';
import { SegmentedLog } from './log/segmented-log.ts';
import type { MemberInfo } from './member-info.ts';
import { StateMachine } from './state-machine.ts';

/** Who this member is, for good. */
export interface Identity {
  readonly clusterId: number;
  readonly memberId: number;
  /** The members as last known: whom to answer until the state is there, and whom to ask should it be damaged. */
  readonly contacts?: readonly MemberInfo[];
}

/** Everything that a member finds on its disk at start. */
export interface OpenedMember {
  readonly identity: Identity;
  readonly disk: Disk;
  readonly log: SegmentedLog;
  readonly state: StateMachine;
  /** Where the state stands. */
  readonly meta: CheckpointMeta;
  readonly checkpointBytes: number;
  readonly hardState: HardState;
  /** After the checkpoint. */
  readonly entries: readonly Entry[];
  /** Whether the last write before the start was cut off; it had not been acknowledged. */
  readonly isTailTorn: boolean;
}

const IDENTITY_FILE = 'identity.json';
/** A new group begins as if after this entry: that of a snapshot that holds nothing but the first voters. */
const FOUNDING_INDEX = 1;
const FOUNDING_TERM = 1;
const EMPTY_CONF_STATE = { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };

/** Who this disk's member is; undefined on a blank disk. @throws LogDamagedError */
export async function readIdentity(disk: Disk): Promise<Identity | undefined> {
  const bytes = await disk.read(IDENTITY_FILE);
  if (bytes === undefined) return undefined;
  const { clusterId, memberId, contacts } = parseIdentity(bytes.toString());
  if (typeof clusterId !== 'number' || typeof memberId !== 'number')
    throw new LogDamagedError(`"${IDENTITY_FILE}" is damaged: ${JSON.stringify(bytes.toString())}`);
  return { clusterId, memberId, contacts: contacts ?? [] };
}

function parseIdentity(text: string): Partial<Identity> {
  try {
    return JSON.parse(text) as Partial<Identity>;
  } catch {
    return {};
  }
}

/** Makes a blank disk that of one of the founders: all of them begin with the same state. */
export async function foundMember(disk: Disk, identity: Identity, founders: readonly MemberInfo[]): Promise<void> {
  const state = new StateMachine();
  for (const founder of founders) state.members.set(founder.id, founder);
  const voters = founders.map(({ id }) => id).toSorted((a, b) => a - b);
  const meta = { index: FOUNDING_INDEX, term: FOUNDING_TERM, confState: { ...EMPTY_CONF_STATE, voters } };
  await writeCheckpoint(disk, meta, encodeCheckpoint(state));
  await writeIdentity(disk, identity);
}

/** Makes a blank disk that of a member that was added to a running cluster: its state comes from the leader. */
export async function joinMember(disk: Disk, identity: Identity): Promise<void> {
  await writeIdentity(disk, identity);
}

/** Reads everything back. @throws LogDamagedError */
export async function openMember(disk: Disk, identity: Identity): Promise<OpenedMember> {
  const checkpoint = await readCheckpoint(disk);
  const { log, recovered } = await SegmentedLog.open(disk);
  const state = new StateMachine();
  if (checkpoint !== undefined) await restore(state, checkpoint.state());
  const meta = checkpoint?.meta ?? { index: 0, term: 0, confState: EMPTY_CONF_STATE };
  if (recovered.resetIndex > meta.index)
    throw new LogDamagedError(
      `the log goes on from a checkpoint at ${recovered.resetIndex}; there is one at ${meta.index}`,
    );
  const entries = entriesAfter(meta, recovered);
  const { term, vote, commit } = recovered.hardState;
  const isOlder = term < meta.term; // the log was not written yet when the checkpoint came from the leader
  const hardState = {
    term: isOlder ? meta.term : term,
    vote: isOlder ? 0 : vote,
    commit: Math.max(meta.index, Math.min(commit, entries.at(-1)?.index ?? meta.index)),
  };
  const { isTailTorn } = recovered;
  return { identity, disk, log, state, meta, checkpointBytes: checkpoint?.bytes ?? 0, hardState, entries, isTailTorn };
}

/** Reads a state as it comes, a chunk at a time. */
async function restore(state: StateMachine, pieces: AsyncIterable<Buffer>): Promise<void> {
  const restoring = new CheckpointRestore(state);
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const known = Buffer.concat([rest, piece]);
    let at = 0;
    while (known.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + known.readUInt32BE(at);
      if (end > known.length) break;
      restoring.add(known.subarray(at + LENGTH_BYTES, end));
      at = end;
    }
    rest = known.subarray(at);
  }
  if (rest.length > 0) throw new LogDamagedError('the checkpoint ends within a chunk');
  restoring.finish();
}

/**
 * The log's entries that go on from the checkpoint. When the plug was pulled between the two writes that put a leader's
 * snapshot in place of the log, the log is one that the snapshot replaced, and none of it counts.
 */
function entriesAfter(meta: CheckpointMeta, { entries }: Recovered): readonly Entry[] {
  const first = entries[0]?.index ?? meta.index + 1;
  const last = entries.at(-1)?.index ?? meta.index;
  if (first > meta.index + 1)
    throw new LogDamagedError(`the log begins at ${first}, the checkpoint is of ${meta.index}`);
  if (last < meta.index) return [];
  const at = entries[meta.index - first];
  if (at !== undefined && at.index === meta.index && at.term !== meta.term) return [];
  return entries.slice(Math.max(0, meta.index + 1 - first));
}

/** Writes who this disk's member is, in place of what stood there. */
export async function writeIdentity(disk: Disk, identity: Identity): Promise<void> {
  await disk.replace(IDENTITY_FILE, [Buffer.from(JSON.stringify(identity))]);
}
