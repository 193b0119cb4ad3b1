import type { WatchEvent } from '../etcd-api/key-value.ts';
import { isTombstone } from './key-history.ts';
import type { Version } from './key-history.ts';
import { toEvent } from './key-value-of.ts';
import type { KeyRange, MvccStore } from './mvcc-store.ts';

/** What a watch is to see. */
export interface WatchSpec {
  readonly range: KeyRange;
  /** 0: only what is written from now on. */
  readonly startRevision: number;
  readonly withPrevious: boolean;
  readonly withoutPuts: boolean;
  readonly withoutDeletes: boolean;
}

/** Writes that are passed over in one go. */
const SKIP_MAX = 100;
/** Events beyond which a pull stops (at the end of a revision), and writes beyond which it does so without events. */
const PULL_BYTES_MAX = 1 << 20;
const PULL_SCAN_MAX = 10_000;

/**
 * One watch's place in the history. It holds no events: whoever serves it
 * pulls when the client can take more, so a slow client costs no memory, and
 * one that was away reads on where it stopped.
 */
export class WatchCursor {
  readonly spec: WatchSpec;
  readonly #store: MvccStore;
  /** First revision not looked at yet. */
  #next: number;

  constructor(store: MvccStore, spec: WatchSpec) {
    this.#store = store;
    this.spec = spec;
    this.#next = spec.startRevision > 0 ? spec.startRevision : store.revision + 1;
  }

  /** Whether every event up to the store's revision has been pulled. */
  get isSynced(): boolean {
    return this.#next > this.#store.revision;
  }

  /** Whether the watch has seen exactly what there is: it does not wait for a revision of the future either. */
  get isUpToDate(): boolean {
    return this.#next === this.#store.revision + 1;
  }

  /** Every event up to this revision has been pulled. */
  get seenRevision(): number {
    return this.#next - 1;
  }

  /** Whether the watch wants history that is gone: it can never go on. */
  get isCompacted(): boolean {
    return this.#next < this.#store.compactRevision;
  }

  /** Passes over writes that are not wanted; whether there is something left to pull. Costs nothing but a look at them. */
  skip(): boolean {
    const { changes, revision } = this.#store;
    if (this.#next > revision) return false;
    if (this.isCompacted) return true;
    const start = changes.positionOf(this.#next);
    for (let position = start; position - start < SKIP_MAX; position += 1) {
      const version = changes.at(position);
      if (version === undefined) {
        this.#next = revision + 1;
        return false;
      }
      if (this.#isWanted(version)) return true;
    }
    return true;
  }

  /** The next events, of whole revisions; may be none although the watch is not synced yet: then pull again. */
  pull(): WatchEvent[] {
    const { changes, revision } = this.#store;
    const events: WatchEvent[] = [];
    if (this.#next > revision) return events;
    let bytes = 0;
    let position = changes.positionOf(this.#next);
    for (let scanned = 0; ; position += 1, scanned += 1) {
      const version = changes.at(position);
      if (version === undefined) {
        this.#next = revision + 1;
        return events;
      }
      const isNewRevision = version.sub === 0 || changes.at(position - 1)?.main !== version.main;
      if (isNewRevision && (bytes >= PULL_BYTES_MAX || scanned >= PULL_SCAN_MAX)) {
        this.#next = version.main;
        return events;
      }
      if (!this.#isWanted(version)) continue;
      events.push(toEvent(version, this.spec.withPrevious));
      bytes += version.value.length + version.history.key.length;
    }
  }

  #isWanted(version: Version): boolean {
    const { range, withoutPuts, withoutDeletes } = this.spec;
    const { key } = version.history;
    if (range.end === undefined ? key !== range.key : key < range.key) return false;
    if (typeof range.end === 'string' && key >= range.end) return false;
    return isTombstone(version) ? !withoutDeletes : !withoutPuts;
  }
}
