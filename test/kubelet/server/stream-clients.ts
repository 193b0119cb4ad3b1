import { Duplex } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { SpdyConnection } from '../../../src/host/spdy/spdy-connection.ts';
import type { ServedKubelet } from './served-kubelet.ts';

/** What came on each channel, and how it ended. */
export interface Heard {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: string;
  readonly closeCode: number;
}

export interface WebSocketCommand {
  readonly webSocket: WebSocket;
  send(channel: number, bytes: string | Uint8Array): void;
  heard(): Heard;
  /** Settles when the server has said goodbye. */
  readonly ended: Promise<Heard>;
  /** Waits for a text on stdout. */
  until(text: string): Promise<void>;
}

/** Exec or attach, as kubectl (v5) and the other clients do it. */
export async function openWebSocket(served: ServedKubelet, path: string, protocol: string): Promise<WebSocketCommand> {
  const url = `wss://127.0.0.1:${served.port}${path}`;
  const webSocket = new WebSocket(url, protocol === '' ? [] : [protocol], { ...served.admin });
  const channels: Buffer[][] = [[], [], [], [], []];
  webSocket.on('message', (data) => {
    const message = data as Buffer;
    channels[message[0] ?? 0]?.push(message.subarray(1));
  });
  let closeCode = 0;
  const text = (channel: number): string => Buffer.concat(channels[channel] ?? []).toString('utf8');
  const heard = (): Heard => ({ stdout: text(1), stderr: text(2), status: text(3), closeCode });
  await new Promise<void>((resolve, reject) => {
    webSocket.once('open', () => resolve());
    webSocket.once('error', reject);
  });
  const ended = new Promise<Heard>((resolve) => {
    webSocket.once('close', (code) => {
      closeCode = code;
      resolve(heard());
    });
  });
  return {
    webSocket,
    heard,
    ended,
    send: (channel, bytes) => webSocket.send(Buffer.concat([Buffer.from([channel]), Buffer.from(bytes)])),
    until: async (wanted) => {
      for (let i = 0; i < 200 && !text(1).includes(wanted); i += 1) await sleep(25);
      if (!text(1).includes(wanted)) throw new Error(`"${wanted}" is not in "${text(1)}"`);
    },
  };
}

/** Streams of a SPDY connection, each one's text. */
export interface SpdyClient {
  readonly spdy: SpdyConnection;
  text(streamId: number): string;
  /** Settles when the stream is ended by the server. */
  ended(streamId: number): Promise<void>;
}

/** Speaks SPDY over a connection that has been upgraded, as kubectl before 1.30 does. */
export function openSpdy(socket: Duplex): SpdyClient {
  const texts = new Map<number, Buffer[]>();
  const ends = new Set<number>();
  const state = { isClosed: false };
  const spdy = new SpdyConnection(socket, Buffer.alloc(0), {
    onData: (id, bytes) => texts.set(id, [...(texts.get(id) ?? []), bytes]),
    onEnd: (id) => ends.add(id),
    onClose: () => (state.isClosed = true),
  });
  return {
    spdy,
    text: (id) => Buffer.concat(texts.get(id) ?? []).toString('utf8'),
    ended: async (id) => {
      for (let i = 0; i < 400 && !ends.has(id) && !state.isClosed; i += 1) await sleep(25);
      if (!ends.has(id) && !state.isClosed) throw new Error(`stream ${id} did not end`);
    },
  };
}

/**
 * A WebSocket whose binary messages are the stream's bytes, with a subprotocol that is no token: the ws library refuses to
 * ask for one. Frames as of RFC 6455 section 5.2.
 */
export function webSocketBytes(socket: Duplex): Duplex {
  let rest: Buffer = Buffer.alloc(0);
  const stream = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      const head = Buffer.from([0x82, 0xfe, chunk.length >> 8, chunk.length & 0xff, 0, 0, 0, 0]); // masked with zeros
      socket.write(Buffer.concat([head, chunk]), done);
    },
    destroy(error, done) {
      socket.destroy();
      done(error);
    },
  });
  socket.on('data', (bytes: Buffer) => {
    rest = Buffer.concat([rest, bytes]);
    for (;;) {
      const short = (rest[1] ?? 0) & 0x7f;
      const [start, length] = short < 126 ? [2, short] : [4, rest.length < 4 ? Infinity : rest.readUInt16BE(2)];
      if (rest.length < 2 || rest.length < start + length) return;
      if ((rest[0] ?? 0) === 0x82) stream.push(rest.subarray(start, start + length));
      rest = rest.subarray(start + length);
    }
  });
  socket.once('close', () => stream.push(null));
  return stream;
}
