/** Bytes that are not the message they were taken for. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

const TEXT = new TextDecoder('utf-8', { fatal: true });

/** Reads protobuf's wire format from the objects that clients send; every read is checked. @throws WireError */
export class WireReader {
  readonly #bytes: Uint8Array;
  readonly #end: number;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#end;
  }

  /** The next field's number and wire type. */
  tag(): { id: number; wireType: number } {
    const value = Number(this.varint());
    if (value < 8 || value > 2 ** 32) throw new WireError(`illegal tag ${value}`);
    return { id: Math.floor(value / 8), wireType: value % 8 };
  }

  /** An unsigned varint of up to 64 bits. */
  varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new WireError('unexpected EOF');
      this.#at += 1;
      result |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, result);
    }
    throw new WireError('integer overflow');
  }

  /** A signed integer. @throws WireError beyond 2^53 */
  integer(): number {
    const value = Number(BigInt.asIntN(64, this.varint()));
    if (!Number.isSafeInteger(value)) throw new WireError('integer overflow');
    return value;
  }

  bytes(): Uint8Array {
    const length = Number(this.varint());
    if (length > this.#end - this.#at) throw new WireError('unexpected EOF');
    const found = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return found;
  }

  text(): string {
    return decodeText(this.bytes());
  }

  double(): number {
    const found = this.#fixed(8);
    return new DataView(found.buffer, found.byteOffset, 8).getFloat64(0, true);
  }

  skip(wireType: number): void {
    switch (wireType) {
      case 0:
        this.varint();
        return;
      case 1:
        this.#fixed(8);
        return;
      case 2:
        this.bytes();
        return;
      case 5:
        this.#fixed(4);
        return;
      default:
        throw new WireError(`illegal wireType ${wireType}`);
    }
  }

  #fixed(length: number): Uint8Array {
    if (length > this.#end - this.#at) throw new WireError('unexpected EOF');
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}

/** @throws WireError when it is no UTF-8 */
export function decodeText(bytes: Uint8Array): string {
  try {
    return TEXT.decode(bytes);
  } catch (error) {
    throw new WireError('string field contains invalid UTF-8', { cause: error });
  }
}
