import { setTimeout as sleep } from 'node:timers/promises';
import { expired } from '../../src/api/status.ts';
import type {
  ListPage,
  ListRange,
  PutRequest,
  Storage,
  StorageBatch,
  StorageEvent,
  StorageWatch,
  StoredItem,
  WriteResult,
} from '../../src/apiserver/storage/storage.ts';

/** A Storage in memory with every revision kept until compact(). */
export class MemoryStorage implements Storage {
  #revision = 1;
  #compacted = 0;
  readonly #events: StorageEvent[] = [];
  readonly #waiting = new Set<() => void>();
  #progressRevision = 0;

  get(key: string): Promise<{ item: StoredItem | null; revision: number }> {
    return Promise.resolve({ item: this.#at(this.#revision).get(key) ?? null, revision: this.#revision });
  }

  list(prefix: string, { revision, limit, startKey = prefix }: ListRange): Promise<ListPage> {
    const at = revision ?? this.#revision;
    if (at < this.#compacted) return Promise.reject(expired('The provided continue parameter is too old'));
    const all = [...this.#at(at).values()]
      .filter(({ key }) => key.startsWith(prefix) && key >= startKey)
      .sort((a, b) => (a.key < b.key ? -1 : 1));
    return Promise.resolve({ items: all.slice(0, limit ?? all.length), count: all.length, revision: at });
  }

  currentRevision(): Promise<number> {
    return Promise.resolve(this.#revision);
  }

  put({ key, text, expectedRevision }: PutRequest): Promise<WriteResult> {
    return Promise.resolve(this.#write({ type: 'put', key, text, revision: 0 }, expectedRevision));
  }

  delete(key: string, expectedRevision: number): Promise<WriteResult> {
    return Promise.resolve(this.#write({ type: 'delete', key, text: '', revision: 0 }, expectedRevision));
  }

  watch(prefix: string, revision: number, signal: AbortSignal): Promise<StorageWatch> {
    const batches = this.#batches(prefix, revision, signal);
    return Promise.resolve({
      [Symbol.asyncIterator]: () => batches,
      requestProgress: () => this.#requestProgress(),
    });
  }

  hasProgress(): Promise<boolean> {
    return Promise.resolve(true);
  }

  async *#batches(prefix: string, revision: number, signal: AbortSignal): AsyncGenerator<StorageBatch, void> {
    let seen = revision;
    let progress = this.#progressRevision;
    while (!signal.aborted) {
      if (seen < this.#compacted) throw expired('compacted');
      const events = this.#events.filter((event) => event.revision > seen && event.key.startsWith(prefix));
      if (events.length > 0 || this.#progressRevision > progress) {
        seen = this.#revision;
        progress = this.#progressRevision;
        yield { events, revision: seen };
        continue;
      }
      await new Promise<void>((resolve) => {
        const wake = (): void => {
          this.#waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        this.#waiting.add(wake);
        signal.addEventListener('abort', wake);
      });
    }
  }

  async #requestProgress(): Promise<void> {
    await sleep(1);
    this.#progressRevision = this.#revision;
    this.#wake();
  }

  /** Forgets what was before `revision`; watches and lists from before it are Expired. */
  compact(revision: number): void {
    this.#compacted = revision;
    this.#wake();
  }

  #write(event: StorageEvent, expectedRevision: number): WriteResult {
    const current = this.#at(this.#revision).get(event.key) ?? null;
    if ((current?.revision ?? 0) !== expectedRevision) return { ok: false, current };
    this.#revision += 1;
    this.#events.push({ ...event, revision: this.#revision });
    this.#wake();
    return { ok: true, revision: this.#revision };
  }

  #at(revision: number): Map<string, StoredItem> {
    const state = new Map<string, StoredItem>();
    for (const { type, key, text, revision: written } of this.#events) {
      if (written > revision) break;
      if (type === 'put') state.set(key, { key, text, revision: written });
      else state.delete(key);
    }
    return state;
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }
}
