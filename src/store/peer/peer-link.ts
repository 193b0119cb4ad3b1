import { GrpcChannel } from '../../host/grpc/grpc-channel.ts';
import type { BidiCall } from '../../host/grpc/grpc-channel.ts';
import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import { fromGrpcError } from '../etcd-api/etcd-error.ts';
import type { Message } from '../../raft/message.ts';
import { PEER, toWire } from './peer-api.ts';
import type { LeaderRequest, LeaderResponse, PeerMessages } from './peer-api.ts';

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

/** Entries' bytes waiting for the connection; Raft sends again what is dropped beyond it. */
const QUEUED_BYTES_MAX = 32 << 20;
/** Between attempts to connect to a member that is away. */
const RETRY_MS = 200;
const CONNECT_TIMEOUT_MS = 2000;

/** The sending half of the connection to one member: a stream that is opened again whenever it was lost. */
export class PeerLink {
  readonly url: string;
  readonly #options: PeerLinkOptions;
  readonly #channel: GrpcChannel;
  #stream: BidiCall<PeerMessages, object> | undefined;
  #isOpening = false;
  #isClosed = false;
  #retryAtMs = 0;
  #queuedBytes = 0;

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
    if (stream === undefined) {
      this.#open();
      return this.#options.onUnreachable();
    }
    const bytes = messages.reduce((sum, { entries }) => sum + entries.reduce((n, { data }) => n + data.length, 0), 0);
    if (this.#queuedBytes + bytes > QUEUED_BYTES_MAX) return this.#options.onUnreachable();
    this.#queuedBytes += bytes;
    stream
      .send({ clusterId: this.#options.clusterId, messages: messages.map(toWire) })
      .catch(() => this.#lose(stream))
      .finally(() => {
        this.#queuedBytes -= bytes;
      });
  }

  /** Connects if there is no connection: the first message of an election must not be spent on that. */
  keepOpen(): void {
    if (this.#stream === undefined) this.#open();
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
  }

  #open(): void {
    if (this.#isOpening || this.#isClosed || performance.now() < this.#retryAtMs) return;
    this.#isOpening = true;
    this.#channel
      .bidi(PEER.messages)
      .then(
        (stream) => this.#opened(stream),
        () => this.#lose(undefined),
      )
      .finally(() => {
        this.#isOpening = false;
      });
  }

  #opened(stream: BidiCall<PeerMessages, object>): void {
    this.#stream = stream;
    // The stream says nothing but its end.
    const ended = stream[Symbol.asyncIterator]().next();
    ended.then(
      () => this.#lose(stream),
      () => this.#lose(stream),
    );
  }

  #lose(stream: BidiCall<PeerMessages, object> | undefined): void {
    if (this.#stream !== stream) return;
    this.#stream = undefined;
    this.#retryAtMs = performance.now() + RETRY_MS;
    if (this.#isClosed) return;
    this.#options.onUnreachable();
    if (stream !== undefined) this.#options.onLost();
  }
}
