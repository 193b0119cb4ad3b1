import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { KV } from '../src/store/etcd-api/kv.ts';

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const FRAME = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, windowUpdate: 8 };
const END_STREAM = 1;
const ACK = 1;
const END_HEADERS = 4;
const FRAME_HEADER_BYTES = 9;
/** Answers are small: neither their streams nor the connection ever fill it. */
const WINDOW_BYTES = 0x7fffffff;

/**
 * Puts over one plain HTTP/2 connection at next to no cost: the same header block for every call, answers only counted.
 * A client that decodes and schedules takes as much of the processor as the store that it measures.
 */
export class PutLoad {
  readonly #socket: Socket;
  readonly #calls = new Map<number, { resolve: () => void; reject: (error: Error) => void }>();
  /** Calls that got a message: one that failed has only a status. */
  readonly #answered = new Set<number>();
  #rest: Buffer = Buffer.alloc(0);
  #nextStream = 1;
  #pending: Buffer[] = [];

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#read(chunk));
    socket.on('error', () => undefined);
    socket.on('close', () => {
      for (const { reject } of this.#calls.values()) reject(new Error('the member has gone'));
    });
    const window = Buffer.alloc(4);
    window.writeUInt32BE(WINDOW_BYTES - 0xffff);
    const settings = Buffer.from([0, 4, 0x7f, 0xff, 0xff, 0xff]); // window of each stream
    socket.write(
      Buffer.concat([
        Buffer.from(PREFACE),
        frame(FRAME.settings, 0, 0, settings),
        frame(FRAME.windowUpdate, 0, 0, window),
      ]),
    );
  }

  /** Connects to a member's client URL. */
  static async open(url: string): Promise<PutLoad> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new PutLoad(socket);
  }

  /** Puts one key; settles with the answer. @throws Error when it failed */
  async put(key: Buffer, value: Buffer): Promise<void> {
    const id = this.#nextStream;
    this.#nextStream += 2;
    const body = KV.put.request.encode({ key, value }, 5);
    body[0] = 0;
    body.writeUInt32BE(body.length - 5, 1);
    if (this.#pending.length === 0) queueMicrotask(() => this.#flush());
    this.#pending.push(frame(FRAME.headers, END_HEADERS, id, HEADERS), frame(FRAME.data, END_STREAM, id, body));
    return new Promise((resolve, reject) => this.#calls.set(id, { resolve, reject }));
  }

  close(): void {
    this.#socket.destroy();
  }

  #flush(): void {
    this.#socket.write(Buffer.concat(this.#pending));
    this.#pending = [];
  }

  #read(chunk: Buffer): void {
    let rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    while (rest.length >= FRAME_HEADER_BYTES) {
      const end = FRAME_HEADER_BYTES + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      this.#take(rest[3] ?? 0, rest[4] ?? 0, rest.readUInt32BE(5), rest.subarray(FRAME_HEADER_BYTES, end));
      rest = rest.subarray(end);
    }
    this.#rest = rest;
  }

  #take(type: number, flags: number, id: number, payload: Buffer): void {
    if (type === FRAME.settings && (flags & ACK) === 0)
      this.#socket.write(frame(FRAME.settings, ACK, 0, Buffer.alloc(0)));
    else if (type === FRAME.ping && (flags & ACK) === 0) this.#socket.write(frame(FRAME.ping, ACK, 0, payload));
    else if (type === FRAME.data) this.#answered.add(id);
    else if (type === FRAME.reset || (type === FRAME.headers && (flags & END_STREAM) !== 0)) this.#end(id);
  }

  #end(id: number): void {
    const call = this.#calls.get(id);
    this.#calls.delete(id);
    if (this.#answered.delete(id)) call?.resolve();
    else call?.reject(new Error('a write failed'));
  }
}

function frame(type: number, flags: number, id: number, payload: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(FRAME_HEADER_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes[3] = type;
  bytes[4] = flags;
  bytes.writeUInt32BE(id, 5);
  payload.copy(bytes, FRAME_HEADER_BYTES);
  return bytes;
}

/** A header block without the dynamic table (RFC 7541 section 6.2.2): every field as two literals. */
const HEADERS = Buffer.concat(
  Object.entries({
    ':method': 'POST',
    ':scheme': 'http',
    ':path': KV.put.path,
    ':authority': 'bench',
    te: 'trailers',
    'content-type': 'application/grpc',
  }).map(([name, value]) => Buffer.concat([Buffer.from([0]), literal(name), literal(value)])),
);

function literal(text: string): Buffer {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length]), bytes]);
}
