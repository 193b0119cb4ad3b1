import { EMPTY } from './entry.ts';
import { invariant } from './invariant.ts';

/** Writes the two protobuf wire types that membership changes need: varints of safe integers, and bytes. */
export class ProtoWriter {
  readonly #out: number[] = [];

  number(field: number, value: number): void {
    this.#varint(field * 8);
    this.#varint(value);
  }

  /** Left out when empty. */
  bytes(field: number, value: Uint8Array): void {
    if (value.length > 0) this.message(field, value);
  }

  /** Written also when empty. */
  message(field: number, value: Uint8Array): void {
    this.#varint(field * 8 + 2);
    this.#varint(value.length);
    for (const byte of value) this.#out.push(byte);
  }

  finish(): Uint8Array {
    return this.#out.length === 0 ? EMPTY : Uint8Array.from(this.#out);
  }

  #varint(value: number): void {
    let rest = value;
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#out.push((rest % 128) + 128);
    this.#out.push(rest);
  }
}

/** One field as read: `number` holds a varint, `bytes` a length-delimited value, the other is zero. */
export interface ProtoField {
  readonly field: number;
  readonly number: number;
  readonly bytes: Uint8Array;
}

/** Iterates over the fields of a protobuf message. @throws InvariantError on bytes that are none */
export class ProtoReader implements Iterable<ProtoField> {
  readonly #data: Uint8Array;
  #offset = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  *[Symbol.iterator](): Iterator<ProtoField> {
    this.#offset = 0;
    while (this.#offset < this.#data.length) {
      const tag = this.#varint();
      const field = Math.floor(tag / 8);
      const wireType = tag % 8;
      if (wireType === 0) {
        yield { field, number: this.#varint(), bytes: EMPTY };
      } else {
        invariant(wireType === 2, `protobuf wire type ${wireType} in a membership change`);
        const end = this.#varint() + this.#offset;
        invariant(end <= this.#data.length, 'a membership change is cut off');
        yield { field, number: 0, bytes: this.#data.subarray(this.#offset, end) };
        this.#offset = end;
      }
    }
  }

  #varint(): number {
    let value = 0;
    for (let unit = 1; ; unit *= 128) {
      const byte = this.#data[this.#offset];
      invariant(byte !== undefined && unit <= 2 ** 49, 'a membership change is cut off or holds a number above 2^53');
      this.#offset += 1;
      value += (byte % 128) * unit;
      if (byte < 128) break;
    }
    invariant(Number.isSafeInteger(value), 'a membership change holds a number above 2^53');
    return value;
  }
}
