import { GrpcChannel } from '../../host/grpc/grpc-channel.ts';
import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import { fromGrpcError } from '../etcd-api/etcd-error.ts';
import type { Message } from '../../raft/message.ts';
import { MessageStream } from './message-stream.ts';
import { PEER, toWire } from './peer-api.ts';
import type { LeaderRequest, LeaderResponse } from './peer-api.ts';

/** What a link needs to know. */
export interface PeerLinkOptions {
  readonly url: string;
  readonly clusterId: number;
  readonly tls?: () => ClientTls;
  /** What was sent last probably did not arrive. */
  readonly onUnreachable: () => void;
  /** A connection that stood was lost: the other process is gone, or the way to it. */
  readonly onLost: () => void;
}

/** Bytes waiting for the connection; Raft sends again what is dropped beyond it. */
const QUEUED_BYTES_MAX = 32 << 20;
/** Between attempts to connect to a member that is away. */
const RETRY_MS = 200;
const CONNECT_TIMEOUT_MS = 2000;

/** The way to one member: a stream of messages that is opened again whenever it was lost, and calls beside it. */
export class PeerLink {
  readonly url: string;
  readonly #options: PeerLinkOptions;
  /** For what takes long, or an answer: a snapshot must not stand in the way of a heartbeat. */
  readonly #channel: GrpcChannel;
  #stream: MessageStream | undefined;
  #isClosed = false;
  #retryAtMs = 0;

  constructor(options: PeerLinkOptions) {
    this.url = options.url;
    this.#options = options;
    this.#channel = new GrpcChannel({
      url: options.url,
      ...(options.tls === undefined ? {} : { tls: options.tls }),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      keepaliveMs: 1000,
      keepaliveTimeoutMs: 2000,
    });
  }

  /** Sends at once, or not at all: Raft makes up for what is lost. */
  send(messages: readonly Message[]): void {
    const stream = this.#stream;
    if (stream?.isOpen !== true || stream.queuedBytes > QUEUED_BYTES_MAX) {
      this.keepOpen();
      return this.#options.onUnreachable();
    }
    stream.send({ clusterId: this.#options.clusterId, messages: messages.map(toWire) });
  }

  /** Connects if there is no connection: the first message of an election must not be spent on that. */
  keepOpen(): void {
    if (this.#stream !== undefined || this.#isClosed || performance.now() < this.#retryAtMs) return;
    const { url, tls, onUnreachable, onLost } = this.#options;
    let hasStood = false;
    this.#stream = new MessageStream({
      url,
      ...(tls === undefined ? {} : { tls }),
      connectTimeoutMs: CONNECT_TIMEOUT_MS,
      onOpen: () => {
        hasStood = true;
      },
      onEnd: () => {
        this.#stream = undefined;
        this.#retryAtMs = performance.now() + RETRY_MS;
        if (this.#isClosed) return;
        onUnreachable();
        if (hasStood) onLost();
      },
    });
  }

  /** Sends a snapshot with its state; settles when it is durable there. @throws GrpcError */
  async sendSnapshot(message: Message, state: Iterable<Buffer>): Promise<void> {
    const call = await this.#channel.bidi(PEER.snapshot);
    const { clusterId } = this.#options;
    const answered = (async () => {
      const answer = await call[Symbol.asyncIterator]().next();
      if (answer.done === true) throw new Error('the snapshot was not taken');
    })();
    // Rejects before it is awaited when the receiver refuses early.
    answered.catch(() => undefined);
    await call.send({ clusterId, message: toWire(message) });
    for (const chunk of state) {
      await call.send({ clusterId, state: chunk });
      await new Promise((resolve) => setImmediate(resolve));
    }
    call.end();
    await answered;
  }

  /** Asks this member, as the leader. @throws EtcdError, GrpcError */
  async askLeader(request: Partial<LeaderRequest>, timeoutMs: number): Promise<LeaderResponse> {
    return this.#channel.unary(PEER.askLeader, request, { timeoutMs }).catch((error: unknown) => {
      throw fromGrpcError(error);
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#channel.close();
    this.#stream?.close();
  }
}
