import { randomInt } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StatusError } from '../../api/status.ts';
import type { Storage } from '../storage/storage.ts';
import { Bits } from './node-port-bits.ts';

const KEY = '/registry/ranges/servicenodeports';
/** Writers of one key meet seldom; each loser tries again. */
const ATTEMPTS_MAX = 50;
/** Servers that keep step would let the same one lose for ever. */
const JITTER_MS = 8;
/** The lower part of the range is left to those who ask for a number by name (KEP-3668). */
const STATIC_MAX = 86;

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

interface RangeAllocation {
  readonly range: string;
  readonly data: string;
}

/** Node ports, each given to one Service: one bitmap in the store, changed only if nobody else changed it meanwhile. */
export class NodePortAllocator {
  readonly #storage: Storage;
  readonly #range: PortRange;
  /** Settles when the last change asked for is done: one at a time, so that only servers meet in the key, not requests. */
  #tail: Promise<void> = Promise.resolve();

  constructor(storage: Storage, range: PortRange) {
    this.#storage = storage;
    this.#range = range;
  }

  includes(port: number): boolean {
    return port >= this.#range.first && port <= this.#range.last;
  }

  get text(): string {
    return `${this.#range.first}-${this.#range.last}`;
  }

  /**
   * Takes the wanted ports, and as many free ones as are asked for, all or none.
   * @returns the free ones, or the first wanted port that is taken
   */
  async take(
    wanted: readonly number[],
    count: number,
    signal: AbortSignal,
  ): Promise<number[] | { readonly taken: number }> {
    let result: number[] | { taken: number } = [];
    await this.#change(signal, (bits) => {
      const taken = wanted.find((port) => bits.has(port - this.#range.first));
      if (taken !== undefined) {
        result = { taken };
        return false;
      }
      for (const port of wanted) bits.set(port - this.#range.first, true);
      result = this.#pick(bits, count);
      return wanted.length + count > 0;
    });
    return result;
  }

  async release(ports: readonly number[], signal: AbortSignal): Promise<void> {
    const own = ports.filter((port) => this.includes(port));
    if (own.length === 0) return;
    await this.#change(signal, (bits) => {
      for (const port of own) bits.set(port - this.#range.first, false);
      return true;
    });
  }

  /** Makes the bitmap say what is truly in use. `suspects` are taken out only when they were unused before already. */
  async repair(
    used: ReadonlySet<number>,
    suspects: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<ReadonlySet<number>> {
    const leaked = new Set<number>();
    await this.#change(signal, (bits) => {
      let isChanged = false;
      leaked.clear();
      for (let port = this.#range.first; port <= this.#range.last; port += 1) {
        const offset = port - this.#range.first;
        const isTaken = bits.has(offset);
        if (used.has(port) === isTaken) continue;
        if (isTaken && !suspects.has(port)) {
          leaked.add(port);
          continue;
        }
        bits.set(offset, used.has(port));
        isChanged = true;
      }
      return isChanged;
    });
    return leaked;
  }

  #pick(bits: Bits, count: number): number[] {
    const size = this.#range.last - this.#range.first + 1;
    const picked: number[] = [];
    const reserved = Math.min(Math.max(16, Math.floor(size / 32)), STATIC_MAX, Math.floor(size / 2));
    for (const from of [reserved, 0]) {
      const span = size - from;
      const start = randomInt(span);
      for (let i = 0; i < span && picked.length < count; i += 1) {
        const offset = from + ((start + i) % span);
        if (bits.has(offset)) continue;
        bits.set(offset, true);
        picked.push(this.#range.first + offset);
      }
    }
    if (picked.length < count) throw new StatusError('InternalError', 'failed to allocate a nodePort: range is full');
    return picked;
  }

  async #change(signal: AbortSignal, change: (bits: Bits) => boolean): Promise<void> {
    const previous = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = promise;
    await previous;
    try {
      await this.#write(signal, change);
    } finally {
      resolve();
    }
  }

  async #write(signal: AbortSignal, change: (bits: Bits) => boolean): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      const { item } = await this.#storage.get(KEY, signal);
      const stored = item === null ? null : (JSON.parse(item.text) as Partial<RangeAllocation>);
      // A range that was configured anew counts offsets anew: the repair loop fills it from the Services.
      const bits = new Bits(stored?.range === this.text ? (stored.data ?? '') : '');
      if (!change(bits)) return;
      const text = JSON.stringify({
        kind: 'RangeAllocation',
        apiVersion: 'v1',
        metadata: {},
        range: this.text,
        data: bits.toBase64(),
      });
      const result = await this.#storage.put({ key: KEY, text, expectedRevision: item?.revision ?? 0 }, signal);
      if (result.ok) return;
      await sleep(randomInt(JITTER_MS), undefined, { signal });
    }
    throw new StatusError('ServerTimeout', 'could not allocate a nodePort: too many Services change at once');
  }
}
