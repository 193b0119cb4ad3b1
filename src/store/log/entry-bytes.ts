import type { Entry } from '../../raft/entry.ts';
import { EMPTY } from '../../raft/entry.ts';

const CHUNK_BYTES = 256 << 10;
/** Larger ones get memory of their own, so that they leave no unused rest behind. */
const SHARED_BYTES_MAX = 32 << 10;

/**
 * Memory for what entries hold. Entries come as views of a message or of a segment, and each would keep the whole of it;
 * copied here, one after the other, they go as they came: the oldest first.
 */
export class EntryBytes {
  #chunk: Buffer = Buffer.alloc(0);
  #used = 0;

  /** The entry with bytes of its own. */
  keep({ term, index, type, data }: Entry): Entry {
    return { term, index, type, data: this.#copy(data) };
  }

  #copy(data: Uint8Array): Uint8Array {
    const { length } = data;
    if (length === 0) return EMPTY;
    if (length > SHARED_BYTES_MAX) {
      const own = Buffer.allocUnsafeSlow(length);
      own.set(data);
      return own;
    }
    if (this.#chunk.length - this.#used < length) {
      this.#chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
      this.#used = 0;
    }
    const copy = this.#chunk.subarray(this.#used, this.#used + length);
    copy.set(data);
    this.#used += length;
    return copy;
  }
}
