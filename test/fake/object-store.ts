import type { KubeObject } from '../../src/api/objects.ts';

/** An object as the fake keeps it: any field by name. */
export interface Stored extends KubeObject {
  spec?: Record<string, unknown>;
  status?: Record<string, unknown>;
  [field: string]: unknown;
}

/** One change: `before` undefined on creation, `after` undefined on deletion. */
export interface Change {
  readonly revision: number;
  readonly table: string;
  readonly key: string;
  readonly before: Stored | undefined;
  readonly after: Stored | undefined;
}

/** How many changes are kept before a watch from the oldest is 410. */
const HISTORY_MAX = 2000;

/** Tables of objects under one revision counter, with the history that watches read: etcd in miniature. */
export class ObjectStore {
  #revision = 1;
  #compacted = 1;
  readonly #tables = new Map<string, Map<string, Stored>>();
  #history: Change[] = [];
  #wake = new Set<() => void>();

  get revision(): number {
    return this.#revision;
  }

  /** Changes at or before this revision are forgotten. */
  get compacted(): number {
    return this.#compacted;
  }

  get(table: string, key: string): Stored | undefined {
    return this.#tables.get(table)?.get(key);
  }

  /** Keeps a copy with its new resourceVersion, and gives that. */
  put(table: string, key: string, object: Stored): Stored {
    const before = this.get(table, key);
    this.#revision += 1;
    const after = structuredClone(object);
    after.metadata = { ...after.metadata, resourceVersion: String(this.#revision) };
    let objects = this.#tables.get(table);
    if (objects === undefined) this.#tables.set(table, (objects = new Map<string, Stored>()));
    objects.set(key, after);
    this.#record({ revision: this.#revision, table, key, before, after });
    return after;
  }

  remove(table: string, key: string): void {
    const before = this.get(table, key);
    if (before === undefined) return;
    this.#revision += 1;
    this.#tables.get(table)?.delete(key);
    this.#record({ revision: this.#revision, table, key, before, after: undefined });
  }

  /** The table as it was at a revision that is not compacted, in key order. */
  at(table: string, revision: number): [string, Stored][] {
    const objects = new Map(this.#tables.get(table));
    for (const change of this.#history.toReversed()) {
      if (change.revision <= revision) break;
      if (change.table !== table) continue;
      if (change.before === undefined) objects.delete(change.key);
      else objects.set(change.key, change.before);
    }
    return [...objects].toSorted(([a], [b]) => (a < b ? -1 : 1));
  }

  changesAfter(table: string, revision: number): Change[] {
    // Each revision is one change: the history is gapless from the compaction on.
    const after = this.#history.slice(Math.max(0, revision - this.#compacted));
    return after.filter((change) => change.table === table);
  }

  /** Forgets the history up to now: watches from before get 410. */
  compact(): void {
    this.#compacted = this.#revision;
    this.#history = [];
    this.poke();
  }

  /** Settles at the next change or poke, or when aborted. */
  async changed(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        this.#wake.delete(done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#wake.add(done);
    });
  }

  /** Makes every watch look again. */
  poke(): void {
    for (const wake of this.#wake) wake();
  }

  #record(change: Change): void {
    this.#history.push(change);
    if (this.#history.length > HISTORY_MAX) this.#compacted = this.#history.shift()?.revision ?? this.#compacted;
    this.poke();
  }
}
