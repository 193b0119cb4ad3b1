import type { Index } from './entry.ts';
import { invariant } from './invariant.ts';

/** The append messages on their way to one follower: a sliding window, bounded by number and by bytes. */
export class Inflights {
  readonly #countMax: number;
  readonly #bytesMax: number;
  /** Ring of the last index and the size of each message; grows up to `countMax` as it is needed. */
  #indexes: Index[] = [];
  #sizes: number[] = [];
  #start = 0;
  #count = 0;
  #bytes = 0;

  /** @param bytesMax 0 is no limit */
  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax;
    this.#bytesMax = bytesMax === 0 ? Infinity : bytesMax;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether the next message must wait. One message may pass the limit of bytes. */
  get isFull(): boolean {
    return this.#count === this.#countMax || this.#bytes >= this.#bytesMax;
  }

  /** Adds a message by the index of its last entry: never less than that of the one before. */
  add(index: Index, bytes: number): void {
    invariant(!this.isFull, 'cannot add to a full window');
    if (this.#count === this.#indexes.length) this.#grow();
    const slot = (this.#start + this.#count) % this.#indexes.length;
    this.#indexes[slot] = index;
    this.#sizes[slot] = bytes;
    this.#count += 1;
    this.#bytes += bytes;
  }

  /** Frees every message whose last index is at most `index`. */
  freeUpTo(index: Index): void {
    while (this.#count > 0 && (this.#indexes[this.#start] ?? 0) <= index) {
      this.#bytes -= this.#sizes[this.#start] ?? 0;
      this.#start = (this.#start + 1) % this.#indexes.length;
      this.#count -= 1;
    }
  }

  /** Frees every message. */
  reset(): void {
    this.#start = 0;
    this.#count = 0;
    this.#bytes = 0;
  }

  #grow(): void {
    const size = Math.min(Math.max(1, this.#indexes.length * 2), this.#countMax);
    const rotate = (ring: number[]) => [...ring.slice(this.#start), ...ring.slice(0, this.#start)];
    const padding = Array<number>(size - this.#indexes.length).fill(0);
    this.#indexes = [...rotate(this.#indexes), ...padding];
    this.#sizes = [...rotate(this.#sizes), ...padding];
    this.#start = 0;
  }
}
