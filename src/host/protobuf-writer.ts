/**
 * Writes protobuf wire format from the last byte to the first, so that the
 * length of a nested message is known when its prefix is written and nothing
 * is measured or moved. Fields are therefore written in reverse order.
 */
export class ProtobufWriter {
  #buffer: Buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
  #position = INITIAL_BYTES;

  /** Bytes written so far; the difference of two readings is the length of what came between. */
  get written(): number {
    return this.#buffer.length - this.#position;
  }

  /** Gives a copy of all bytes, with `headroom` unset bytes in front, and starts anew. */
  finish(headroom: number): Buffer {
    const out = Buffer.allocUnsafe(headroom + this.written);
    this.#buffer.copy(out, headroom, this.#position);
    if (this.#buffer.length > KEEP_BYTES) this.#buffer = Buffer.allocUnsafeSlow(INITIAL_BYTES);
    this.#position = this.#buffer.length;
    return out;
  }

  /** Forgets what was written, after a failure midway. */
  reset(): void {
    this.#position = this.#buffer.length;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[(this.#position -= 1)] = value;
  }

  /** An unsigned integer below 2^32. */
  uint32(value: number): void {
    if (value < 0x80) return this.byte(value);
    const size = value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
    this.#reserve(size);
    let at = (this.#position -= size);
    let rest = value;
    for (; rest > 0x7f; rest = rest >>> 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
  }

  /** A safe integer as a 64-bit varint; negative ones take ten bytes, as protobuf has it. */
  int64(value: number): void {
    if (value >= 0 && value <= 0xffffffff) return this.uint32(value);
    if (!Number.isSafeInteger(value)) throw new RangeError(`not a safe integer: ${value}`);
    this.#words(Math.floor(value / 0x100000000) >>> 0, value >>> 0);
  }

  /** A signed or unsigned 64-bit integer as varint. */
  bigint64(value: bigint): void {
    // Ids and leases mostly fit: no further big integers are made for them.
    if (value >= 0n && value <= SAFE_MAX) return this.int64(Number(value));
    const bits = BigInt.asUintN(64, value);
    this.#words(Number(bits >> 32n), Number(bits & 0xffffffffn));
  }

  double(value: number): void {
    this.#reserve(8);
    this.#buffer.writeDoubleLE(value, (this.#position -= 8));
  }

  float(value: number): void {
    this.#reserve(4);
    this.#buffer.writeFloatLE(value, (this.#position -= 4));
  }

  fixed32(value: number): void {
    this.#reserve(4);
    this.#buffer.writeUInt32LE(value >>> 0, (this.#position -= 4));
  }

  fixed64(value: bigint): void {
    this.#reserve(8);
    this.#buffer.writeBigUInt64LE(BigInt.asUintN(64, value), (this.#position -= 8));
  }

  /** Bytes with their length in front. */
  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#position -= value.length;
    this.#buffer.set(value, this.#position);
    this.uint32(value.length);
  }

  /** Text as UTF-8 with its length in front. */
  string(value: string): void {
    const size = Buffer.byteLength(value);
    this.#reserve(size);
    this.#position -= size;
    this.#buffer.write(value, this.#position, size, 'utf8');
    this.uint32(size);
  }

  /** A varint of 64 bits, of which the upper are not all zero, or the lower are more than 28. */
  #words(high: number, low: number): void {
    let size = 5;
    for (let rest = high >>> 3; rest > 0; rest = rest >>> 7) size += 1;
    this.#reserve(size);
    let at = (this.#position -= size);
    let rest = low;
    for (let i = 0; i < 4; i += 1, rest = rest >>> 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    // The fifth byte holds the last 4 bits of the lower word and the first 3 of the upper.
    const fifth = rest | ((high & 7) << 4);
    if (size === 5) {
      this.#buffer[at] = fifth;
      return;
    }
    this.#buffer[at++] = fifth | 0x80;
    for (rest = high >>> 3; rest > 0x7f; rest = rest >>> 7) this.#buffer[at++] = (rest & 0x7f) | 0x80;
    this.#buffer[at] = rest;
  }

  #reserve(size: number): void {
    if (this.#position >= size) return;
    const used = this.written;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, used + size + INITIAL_BYTES));
    this.#buffer.copy(larger, larger.length - used, this.#position);
    this.#position = larger.length - used;
    this.#buffer = larger;
  }
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const INITIAL_BYTES = 4096;
/** A larger buffer is given back after use: one long list must not pin its memory for good. */
const KEEP_BYTES = 1 << 20;
