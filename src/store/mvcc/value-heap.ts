/** One large piece of memory off the JavaScript heap; `liveBytes` of it are still referred to. */
export interface Slab {
  readonly buffer: Buffer;
  liveBytes: number;
}

/** Where a value lies. */
export interface ValueRef {
  readonly slab: Slab;
  readonly offset: number;
  readonly length: number;
}

const SLAB_BYTES = 1 << 20;
/** Larger values get a slab of their own, so that they leave no unused rest behind. */
const SHARED_VALUE_BYTES_MAX = 64 << 10;
const EMPTY_SLAB: Slab = { buffer: Buffer.alloc(0), liveBytes: 0 };

/** No bytes. */
export const EMPTY_VALUE: ValueRef = { slab: EMPTY_SLAB, offset: 0, length: 0 };

/** Bytes of a value, as a view that must not be written to. */
export function valueBytes({ slab, offset, length }: ValueRef): Buffer {
  return slab.buffer.subarray(offset, offset + length);
}

/** Whether most of the slab is dead, so that its last values had better move out of it. */
export function isSparse({ slab }: ValueRef): boolean {
  return slab.liveBytes * 4 < slab.buffer.length;
}

/**
 * Keeps values in slabs, so that a hundred thousand of them are a hundred
 * objects to the garbage collector. A slab goes when nothing refers to it.
 */
export class ValueHeap {
  #slab: Slab = EMPTY_SLAB;
  #used = 0;

  /** Copies `bytes` in. */
  store(bytes: Uint8Array): ValueRef {
    const { length } = bytes;
    if (length === 0) return EMPTY_VALUE;
    if (length > SHARED_VALUE_BYTES_MAX) {
      const slab: Slab = { buffer: Buffer.allocUnsafeSlow(length), liveBytes: length };
      slab.buffer.set(bytes);
      return { slab, offset: 0, length };
    }
    if (this.#slab.buffer.length - this.#used < length) {
      this.#slab = { buffer: Buffer.allocUnsafeSlow(SLAB_BYTES), liveBytes: 0 };
      this.#used = 0;
    }
    const offset = this.#used;
    this.#slab.buffer.set(bytes, offset);
    this.#slab.liveBytes += length;
    this.#used += length;
    return { slab: this.#slab, offset, length };
  }

  /** Says that a value is no longer referred to. */
  release({ slab, length }: ValueRef): void {
    slab.liveBytes -= length;
  }
}
