import type { Duplex } from 'node:stream';
import { dataFrame, pingFrame, synStream } from './spdy-frame.ts';
import type { SpdyHeaders } from './spdy-frame.ts';
import { SpdyFrameReader } from './spdy-frame-reader.ts';

/** What the owner of a connection is told. */
export interface SpdyListener {
  onData(streamId: number, bytes: Buffer): void;
  /** The other side has said all on this stream. */
  onEnd(streamId: number): void;
  /** Once: there is no connection any more. */
  onClose(): void;
}

/** A data frame is no longer: its length has 24 bits, and short frames let streams take turns. */
const FRAME_BYTES_MAX = 32 * 1024;

/**
 * The client's side of a SPDY/3.1 connection, as much as the streaming of Kubernetes and container runtimes needs.
 * Windows are neither kept nor announced: no implementation on the other side does, and Go's ends on such frames. What is
 * too much is held back by pausing the whole connection.
 */
export class SpdyConnection {
  readonly #socket: Duplex;
  readonly #listener: SpdyListener;
  readonly #reader = new SpdyFrameReader();
  readonly #ended = new Set<number>();
  #nextId = 1; // clients' streams have odd numbers

  /** @param socket after the upgrade; `head` what came with its answer */
  constructor(socket: Duplex, head: Buffer, listener: SpdyListener) {
    this.#socket = socket;
    this.#listener = listener;
    socket.on('data', (bytes: Buffer) => this.#onBytes(bytes));
    socket.on('error', () => socket.destroy());
    socket.once('end', () => socket.destroy());
    socket.once('close', () => listener.onClose());
    if (head.length > 0) this.#onBytes(head);
  }

  /** Opens a stream. @returns its number */
  open(headers: SpdyHeaders): number {
    const id = this.#nextId;
    this.#nextId += 2;
    this.#socket.write(synStream(id, headers, id === 1));
    return id;
  }

  /** Sends bytes on a stream. @returns whether there is room for more: if not, wait for onDrain() */
  write(streamId: number, bytes: Uint8Array): boolean {
    let hasRoom = true;
    for (let at = 0; at < bytes.length; at += FRAME_BYTES_MAX)
      hasRoom = this.#socket.write(dataFrame(streamId, bytes.subarray(at, at + FRAME_BYTES_MAX), false));
    return hasRoom;
  }

  /** Says that nothing more comes on this stream. */
  end(streamId: number): void {
    if (this.#ended.has(streamId) || this.#socket.destroyed) return;
    this.#ended.add(streamId);
    this.#socket.write(dataFrame(streamId, Buffer.alloc(0), true));
  }

  onDrain(listener: () => void): void {
    this.#socket.once('drain', listener);
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #onBytes(bytes: Buffer): void {
    try {
      for (const event of this.#reader.read(bytes)) {
        if (event.type === 'data') this.#listener.onData(event.streamId, event.bytes);
        if (event.type === 'end') this.#listener.onEnd(event.streamId);
        if (event.type === 'ping') this.#socket.write(pingFrame(event.id));
      }
    } catch (error) {
      this.#socket.destroy(error instanceof Error ? error : undefined);
    }
  }
}
