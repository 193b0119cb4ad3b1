import type { Entry } from '../raft/entry.ts';
import { entriesSize } from '../raft/entry.ts';
import type { Message } from '../raft/message.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import type { HardState } from '../raft/storage.ts';
import type { Disk } from '../host/disk.ts';
import { writeCheckpoint } from './log/checkpoint-file.ts';
import type { SegmentedLog } from './log/segmented-log.ts';

/** What the queue tells its owner; all calls come in the order of the appends. */
export interface AppendListener {
  /** The append and everything before it is durable. */
  onDurable(append: Message): void;
  /** A flush took this long. */
  onFlushed(ms: number): void;
  /** The state that came with a snapshot; asked for once, when its turn comes. */
  takeSnapshotState(snapshot: Snapshot): readonly Buffer[];
}

/** Entries' bytes that share one flush, as near as whole appends allow; far below a segment. */
const FLUSH_BYTES_MAX = 2 << 20;

/**
 * Raft's storage thread: writes appends strictly in order, as many with one
 * flush as have gathered during the one before.
 */
export class AppendQueue {
  readonly #log: SegmentedLog;
  readonly #disk: Disk;
  readonly #listener: AppendListener;
  #queue: Message[] = [];
  #hardState: HardState;
  /** Rejects when the disk fails. */
  readonly failed: Promise<never>;
  #fail: (error: unknown) => void = () => undefined;
  #working: Promise<void> | undefined;

  constructor(log: SegmentedLog, disk: Disk, hardState: HardState, listener: AppendListener) {
    this.#log = log;
    this.#disk = disk;
    this.#hardState = hardState;
    this.#listener = listener;
    this.failed = new Promise((_, reject) => {
      this.#fail = reject;
    });
    this.failed.catch(() => undefined);
  }

  /** Takes in an append; `onDurable` follows, unless the disk fails. */
  push(append: Message): void {
    this.#queue.push(append);
    this.#working ??= this.#work().catch((error: unknown) => this.#fail(error));
  }

  /** Settles when nothing is under way. */
  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    // Not within the caller's turn: what it pushes next shares the flush.
    await Promise.resolve();
    while (this.#queue.length > 0) {
      const appends = this.#take();
      const startedMs = performance.now();
      const isWritten = await this.#write(appends);
      if (isWritten) this.#listener.onFlushed(performance.now() - startedMs);
      for (const append of appends) this.#listener.onDurable(append);
    }
    this.#working = undefined;
  }

  /** What the next flush takes along; a snapshot goes alone. */
  #take(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const { entries, snapshot } of this.#queue) {
      if (snapshot !== null && count > 0) break;
      bytes += entriesSize(entries);
      if (count > 0 && bytes > FLUSH_BYTES_MAX) break;
      count += 1;
      if (snapshot !== null) break;
    }
    return this.#queue.splice(0, count);
  }

  async #write(appends: readonly Message[]): Promise<boolean> {
    let needsFlush = false;
    let resetIndex = 0;
    const entries: Entry[] = [];
    for (const append of appends) {
      const { term, vote, commit } = append;
      const isSet = term !== 0 || vote !== 0 || commit !== 0;
      if (isSet) {
        needsFlush ||= term !== this.#hardState.term || vote !== this.#hardState.vote;
        this.#hardState = { term, vote, commit };
      }
      if (append.snapshot !== null) {
        await this.#writeSnapshot(append.snapshot);
        resetIndex = append.snapshot.index;
      }
      entries.push(...append.entries);
    }
    // A commit index alone rides along with the next batch: it only saves time at a restart.
    if (!needsFlush && resetIndex === 0 && entries.length === 0) return false;
    await this.#log.append({ hardState: this.#hardState, entries, resetIndex });
    return true;
  }

  async #writeSnapshot(snapshot: Snapshot): Promise<void> {
    await writeCheckpoint(this.#disk, snapshot, this.#listener.takeSnapshotState(snapshot));
  }
}
