import type { Disk } from '../host/disk.ts';
import { encodeCheckpoint } from './checkpoint.ts';
import { writeCheckpoint } from './log/checkpoint-file.ts';
import type { CheckpointMeta } from './log/checkpoint-file.ts';
import type { SegmentedLog } from './log/segmented-log.ts';
import type { StateMachine } from './state-machine.ts';

/** A checkpoint follows when this much was appended, or as much as the last one was long, whichever is more. */
const CHECKPOINT_LOG_BYTES = 16 << 20;

/** What a checkpointer starts from. */
export interface CheckpointerOptions {
  readonly disk: Disk;
  readonly log: SegmentedLog;
  readonly state: StateMachine;
  /** Length of the last checkpoint; 0 when there is none. */
  readonly checkpointBytes: number;
  /** In the log since then. */
  readonly loggedBytes: number;
  /** The disk failed: the process is to end. */
  readonly onFailed: (error: unknown) => void;
}

/** Writes checkpoints so seldom that they at most double what is written, and gives the log's segments back. */
export class Checkpointer {
  readonly #options: CheckpointerOptions;
  #checkpointBytes: number;
  /** Where the log was then, in bytes since it was opened. */
  #atBytes: number;
  #writing: Promise<void> | undefined;

  constructor(options: CheckpointerOptions) {
    this.#options = options;
    this.#checkpointBytes = options.checkpointBytes;
    this.#atBytes = -options.loggedBytes;
  }

  /** Begins one if it is due and none is under way. @param meta tells where the state stands */
  maybeWrite(meta: () => CheckpointMeta): void {
    const { log, onFailed } = this.#options;
    const due = this.#atBytes + Math.max(CHECKPOINT_LOG_BYTES, this.#checkpointBytes);
    if (this.#writing !== undefined || log.appendedBytes < due) return;
    this.#atBytes = log.appendedBytes;
    this.#writing = this.#write(meta()).catch(onFailed);
  }

  /** A checkpoint of so many bytes came from the leader. */
  replaced(bytes: number): void {
    this.#checkpointBytes = bytes;
    this.#atBytes = this.#options.log.appendedBytes;
  }

  /** Settles when none is under way. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #write(meta: CheckpointMeta): Promise<void> {
    const { disk, log, state } = this.#options;
    this.#checkpointBytes = await writeCheckpoint(disk, meta, encodeCheckpoint(state));
    await log.release(meta.index);
    this.#writing = undefined;
  }
}
