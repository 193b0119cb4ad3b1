import { connect as connectPlain, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import { encodeFrame, FrameReader } from '../../host/grpc/grpc-frame.ts';
import type { OtherProtocol } from '../../host/grpc/grpc-server.ts';
import { ProtobufError } from '../../host/protobuf-reader.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { peerMessages } from './peer-api.ts';
import type { PeerMessages } from './peer-api.ts';

/**
 * Raft's messages go over a connection of their own, one way, as a sequence of length-prefixed messages: no headers,
 * windows and streams, which cost more than the messages. What comes back are only answers to pings. A ping is a message
 * of no bytes, and so is its answer; the first answer says that the other side has let us in.
 */
const PROTOCOL = 'bramble-raft/1';
const PREFACE = Buffer.from(`${PROTOCOL}\n`);
const PING = Buffer.alloc(5);
const PING_MS = 1000;
/** No answer for so long: the other's plug is out; TCP alone takes minutes to find out. */
const ANSWER_MS_MAX = 2000;
/** Raft's appends are 1 MiB and one entry at most, and some of them go together. */
const MESSAGE_BYTES_MAX = 64 << 20;

/** Where a stream goes, and who is told of its end. */
export interface MessageStreamOptions {
  readonly url: string;
  readonly tls?: () => ClientTls;
  /** For TCP, TLS and the first answer together. */
  readonly connectTimeoutMs: number;
  /** It stands. */
  readonly onOpen: () => void;
  /** Called once: it could not be opened, or was lost. */
  readonly onEnd: () => void;
}

/** The sending end of one connection to a member. */
export class MessageStream {
  readonly #socket: Socket;
  #isOpen = false;
  #isEnded = false;

  constructor(options: MessageStreamOptions) {
    const { socket, readyEvent } = dial(options);
    this.#socket = socket;
    let overdue = setTimeout(() => socket.destroy(), options.connectTimeoutMs);
    let pause: NodeJS.Timeout | undefined;
    const ping = (): void => {
      overdue = setTimeout(() => socket.destroy(), ANSWER_MS_MAX);
      socket.write(PING);
    };
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // 'close' follows
    socket.once(readyEvent, () => socket.write(options.tls === undefined ? Buffer.concat([PREFACE, PING]) : PING));
    const answers = new FrameReader(0);
    const onAnswer = (): void => {
      clearTimeout(overdue);
      clearTimeout(pause);
      pause = setTimeout(ping, PING_MS);
      if (this.#isOpen) return;
      this.#isOpen = true;
      options.onOpen();
    };
    socket.on('data', (chunk: Buffer) => {
      if (!readAll(answers, chunk, onAnswer)) socket.destroy();
    });
    socket.once('close', () => {
      clearTimeout(overdue);
      clearTimeout(pause);
      this.#isEnded = true;
      options.onEnd();
    });
  }

  /** Handed over and not yet on the way. */
  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  /** Whether messages can be sent: the other side has answered, and the connection stands. */
  get isOpen(): boolean {
    return this.#isOpen && !this.#isEnded;
  }

  /** Sends at once. */
  send(messages: PeerMessages): void {
    if (this.isOpen) this.#socket.write(encodeFrame(peerMessages, messages));
  }

  close(): void {
    this.#socket.destroy();
  }
}

/** The receiving end: `onMessages` has all that other members send. It must not throw but to end the process. */
export function messageProtocol(onMessages: (messages: PeerMessages) => boolean): OtherProtocol {
  return {
    name: PROTOCOL,
    preface: PREFACE,
    onSocket: (socket) => {
      const reader = new FrameReader(MESSAGE_BYTES_MAX);
      socket.setNoDelay(true);
      socket.on('error', () => undefined);
      const take = (bytes: Buffer): void => {
        if (bytes.length === 0) socket.write(PING);
        else if (!onMessages(peerMessages.decode(bytes))) socket.destroy();
      };
      socket.on('data', (chunk: Buffer) => {
        if (!readAll(reader, chunk, take)) socket.destroy();
      });
    },
  };
}

/** False when the bytes are not what they should be. What `take` throws beside that is for the process to end by. */
function readAll(reader: FrameReader, chunk: Buffer, take: (bytes: Buffer) => void): boolean {
  try {
    reader.push(chunk, take);
    return true;
  } catch (error) {
    if (error instanceof GrpcError || error instanceof ProtobufError) return false;
    throw error;
  }
}

function dial({ url, tls }: MessageStreamOptions): { socket: Socket; readyEvent: 'connect' | 'secureConnect' } {
  const { hostname, port } = new URL(url);
  const host = hostname.replaceAll(/[[\]]/g, '');
  if (tls === undefined) return { socket: connectPlain(Number(port), host), readyEvent: 'connect' };
  const { ca, cert, key, serverName = host } = tls();
  const socket = connectTls({
    host,
    port: Number(port),
    ca,
    ALPNProtocols: [PROTOCOL],
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}), // an address is no name (RFC 6066 section 3)
  });
  return { socket, readyEvent: 'secureConnect' };
}
