import type { Index, MemberId } from './entry.ts';
import { NONE } from './entry.ts';
import { isLocalThread } from './message.ts';
import type { Storage } from './storage.ts';
import type { LogSink } from './log-sink.ts';
import { SILENT } from './log-sink.ts';

/** How reads are made linearizable: by asking a quorum, or by trusting clocks (a paused process may then serve old data). */
export type ReadOnlyMode = 'safe' | 'lease';

/** What a member is made of. Sizes are bytes; `Infinity` is no limit. */
export interface RaftConfig {
  readonly id: MemberId;
  /** A follower campaigns after this many ticks without a leader, up to twice as many, by chance. More than `heartbeatTicks`. */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly storage: Storage;
  /** A whole number from 0 to n - 1, by chance; a seeded one makes the member deterministic. */
  readonly random: (n: number) => number;
  readonly log?: LogSink;
  /** Last index that the owner's state contains already. */
  readonly applied?: Index;
  /** Hand out writes as messages to storage threads, so that nothing waits for the disk. Default false. */
  readonly asyncStorageWrites?: boolean;
  /** Ask before raising the term (Raft thesis section 9.6). Default false. */
  readonly preVote?: boolean;
  /** A leader that hears from no quorum for an election timeout steps down. Default false. */
  readonly checkQuorum?: boolean;
  /** Default 'safe'. 'lease' needs `checkQuorum`. */
  readonly readOnly?: ReadOnlyMode;
  /** Entries per append message; 0 means one entry. Default 1 MiB. */
  readonly maxMessageBytes?: number;
  /** Committed entries handed out and not yet acknowledged. Default: as `maxMessageBytes`. */
  readonly maxApplyingBytes?: number;
  /** Data in the leader's uncommitted tail, beyond which proposals are dropped. Default 32 MiB. */
  readonly maxUncommittedBytes?: number;
  /** Append messages on their way to one follower. Default 256. */
  readonly maxInflightMessages?: number;
  /** Data on its way to one follower, at least `maxMessageBytes`. Default 16 MiB. */
  readonly maxInflightBytes?: number;
  /** Read requests waiting at the leader; more are dropped, and the asker asks again. Default 65536. */
  readonly maxPendingReads?: number;
  /** Followers drop proposals instead of sending them on. Default false. */
  readonly disableProposalForwarding?: boolean;
  /** Take any membership change into the log: only for an owner that checks them itself. Default false. */
  readonly disableConfChangeValidation?: boolean;
  /** A leader that applies its own removal (or demotion) stops leading. Default false. */
  readonly stepDownOnRemoval?: boolean;
}

/** A configuration with every default in place. */
export type Settings = Required<RaftConfig>;

const MIB = 1024 * 1024;

/** Fills in the defaults. @throws RangeError naming everything that is wrong */
export function settle(config: RaftConfig): Settings {
  const maxMessageBytes = config.maxMessageBytes ?? MIB;
  const settings: Settings = {
    ...config,
    log: config.log ?? SILENT,
    applied: config.applied ?? 0,
    asyncStorageWrites: config.asyncStorageWrites ?? false,
    preVote: config.preVote ?? false,
    checkQuorum: config.checkQuorum ?? false,
    readOnly: config.readOnly ?? 'safe',
    maxMessageBytes,
    maxApplyingBytes: config.maxApplyingBytes ?? Math.max(1, maxMessageBytes),
    maxUncommittedBytes: config.maxUncommittedBytes ?? 32 * MIB,
    maxInflightMessages: config.maxInflightMessages ?? 256,
    maxInflightBytes: config.maxInflightBytes ?? Math.max(16 * MIB, maxMessageBytes),
    maxPendingReads: config.maxPendingReads ?? 65_536,
    disableProposalForwarding: config.disableProposalForwarding ?? false,
    disableConfChangeValidation: config.disableConfChangeValidation ?? false,
    stepDownOnRemoval: config.stepDownOnRemoval ?? false,
  };
  const wrong = faults(settings);
  if (wrong.length > 0) throw new RangeError(`Cannot make a Raft member: ${wrong.join('; ')}`);
  return settings;
}

/** What is wrong with a pair of timeouts, in ticks; empty if nothing is. */
export function tickFaults(electionTicks: number, heartbeatTicks: number): string[] {
  const wrong: string[] = [];
  if (!Number.isInteger(heartbeatTicks) || heartbeatTicks < 1) wrong.push('heartbeatTicks must be an integer >= 1');
  if (!Number.isInteger(electionTicks) || electionTicks <= heartbeatTicks) {
    wrong.push('electionTicks must be an integer above heartbeatTicks');
  }
  return wrong;
}

function faults(settings: Settings): string[] {
  const wrong = tickFaults(settings.electionTicks, settings.heartbeatTicks);
  if (!Number.isSafeInteger(settings.id) || settings.id <= NONE || isLocalThread(settings.id)) {
    wrong.push(`id must be an integer from 1 to 2^53 - 3: got ${settings.id}`);
  }
  if (settings.maxApplyingBytes <= 0) wrong.push('maxApplyingBytes must be above 0');
  if (settings.maxInflightMessages < 1) wrong.push('maxInflightMessages must be >= 1');
  if (settings.maxInflightBytes < settings.maxMessageBytes) wrong.push('maxInflightBytes must be >= maxMessageBytes');
  if (settings.readOnly === 'lease' && !settings.checkQuorum) wrong.push("readOnly 'lease' needs checkQuorum");
  return wrong;
}
