/** Bytes that are not the message they were taken for. */
export class ProtobufError extends Error {
  override readonly name = 'ProtobufError';
}

/** Reads protobuf wire format; every read is checked against the end. @throws ProtobufError */
export class ProtobufReader {
  readonly buffer: Buffer;
  position: number;
  end: number;

  constructor(bytes: Uint8Array) {
    this.buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = 0;
    this.end = this.buffer.length;
  }

  /** A varint cut to 32 bits, unsigned: tags, lengths, uint32. */
  uint32(): number {
    const { buffer } = this;
    let result = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw new ProtobufError('truncated varint');
      const byte = buffer[this.position++] ?? 0;
      if (shift < 32) result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result >>> 0;
    }
    throw new ProtobufError('varint longer than 10 bytes');
  }

  int32(): number {
    return this.uint32() | 0;
  }

  bool(): boolean {
    return this.bigint64() !== 0n;
  }

  /** A signed 64-bit varint as number. @throws ProtobufError beyond 2^53 */
  int64(): number {
    const first = this.buffer[this.position] ?? 0;
    if (first < 0x80 && this.position < this.end) {
      this.position += 1;
      return first;
    }
    const { low, high } = this.#words();
    const value = (high | 0) * 0x100000000 + low;
    if (!Number.isSafeInteger(value)) throw new ProtobufError('64-bit integer outside the safe range');
    return value;
  }

  uint64(): number {
    const value = this.int64();
    if (value < 0) throw new ProtobufError('64-bit integer outside the safe range');
    return value;
  }

  /** A 64-bit varint, signed. */
  bigint64(): bigint {
    const { low, high } = this.#words();
    if (high < 0x200000) return BigInt(high * 0x100000000 + low);
    return (BigInt(high | 0) << 32n) | BigInt(low);
  }

  /** A 64-bit varint, unsigned. */
  biguint64(): bigint {
    return BigInt.asUintN(64, this.bigint64());
  }

  double(): number {
    return this.buffer.readDoubleLE(this.#take(8));
  }

  float(): number {
    return this.buffer.readFloatLE(this.#take(4));
  }

  fixed32(): number {
    return this.buffer.readUInt32LE(this.#take(4));
  }

  fixed64(): bigint {
    return this.buffer.readBigUInt64LE(this.#take(8));
  }

  /** A view into the message, not a copy: it keeps the whole message in memory. */
  bytes(): Buffer {
    const length = this.uint32();
    const start = this.#take(length);
    return this.buffer.subarray(start, start + length);
  }

  string(): string {
    const length = this.uint32();
    const start = this.#take(length);
    return this.buffer.toString('utf8', start, start + length);
  }

  /** Passes over a field that the table does not know. */
  skip(wireType: number): void {
    if (wireType === 0) this.#words();
    else if (wireType === 1) this.#take(8);
    else if (wireType === 2) this.#take(this.uint32());
    else if (wireType === 5) this.#take(4);
    else throw new ProtobufError(`wire type ${wireType} is not supported`);
  }

  /** Moves on by `length` and returns where it started. */
  #take(length: number): number {
    const start = this.position;
    if (length > this.end - start) throw new ProtobufError('truncated field');
    this.position = start + length;
    return start;
  }

  #words(): { low: number; high: number } {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.position >= this.end) throw new ProtobufError('truncated varint');
      const byte = this.buffer[this.position++] ?? 0;
      const bits = byte & 0x7f;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= bits << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 0x80) return { low: low >>> 0, high: high >>> 0 };
    }
    throw new ProtobufError('varint longer than 10 bytes');
  }
}
