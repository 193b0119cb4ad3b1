import type { MessageType } from '../protobuf.ts';
import { GrpcError } from './grpc-error.ts';

/** Flag byte and length in front of every message (gRPC over HTTP/2, "Length-Prefixed-Message"). */
const FRAME_HEADER_BYTES = 5;

/** A message with its frame header, uncompressed. */
export function encodeFrame<T>(type: MessageType<T>, message: Partial<T>): Buffer {
  const frame = type.encode(message, FRAME_HEADER_BYTES);
  frame[0] = 0;
  frame.writeUInt32BE(frame.length - FRAME_HEADER_BYTES, 1);
  return frame;
}

/** Cuts a byte stream into messages; holds at most one incomplete message. */
export class FrameReader {
  readonly #messageBytesMax: number;
  #chunks: Buffer[] = [];
  #length = 0;
  /** Bytes needed before anything more can be cut off. */
  #needed = FRAME_HEADER_BYTES;

  constructor(messageBytesMax: number) {
    this.#messageBytesMax = messageBytesMax;
  }

  /** True when the stream may end here. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** Takes in bytes, calls `onMessage` with each complete message. @throws GrpcError ResourceExhausted, Unimplemented */
  push(chunk: Buffer, onMessage: (message: Buffer) => void): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    let rest = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#length);
    this.#needed = FRAME_HEADER_BYTES;
    while (rest.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + this.#checkedLength(rest);
      if (rest.length < end) {
        this.#needed = end;
        break;
      }
      const message = rest.subarray(FRAME_HEADER_BYTES, end);
      rest = rest.subarray(end);
      onMessage(message);
    }
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#length = rest.length;
  }

  #checkedLength(header: Buffer): number {
    if (header[0] !== 0) throw new GrpcError('UNIMPLEMENTED', 'grpc: compressed messages are not supported');
    const length = header.readUInt32BE(1);
    if (length > this.#messageBytesMax)
      throw new GrpcError(
        'RESOURCE_EXHAUSTED',
        `grpc: received message larger than max (${length} vs. ${this.#messageBytesMax})`,
      );
    return length;
  }
}
