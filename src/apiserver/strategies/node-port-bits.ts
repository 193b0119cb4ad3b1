import { Buffer } from 'node:buffer';

/**
 * Which numbers of a range are taken: bit i of one big number, its bytes from the highest down in base64, as upstream
 * keeps `/registry/ranges/servicenodeports` (pkg/registry/core/service/allocator/bitmap.go).
 */
export class Bits {
  #bits: bigint;

  constructor(base64: string) {
    const hex = Buffer.from(base64, 'base64').toString('hex');
    this.#bits = hex === '' ? 0n : BigInt(`0x${hex}`);
  }

  has(offset: number): boolean {
    return ((this.#bits >> BigInt(offset)) & 1n) === 1n;
  }

  set(offset: number, isTaken: boolean): void {
    const bit = 1n << BigInt(offset);
    this.#bits = isTaken ? this.#bits | bit : this.#bits & ~bit;
  }

  toBase64(): string {
    if (this.#bits === 0n) return '';
    const hex = this.#bits.toString(16);
    return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64');
  }
}
