import { GrpcChannel } from '../../host/grpc/grpc-channel.ts';
import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { EtcdError, fromGrpcError } from '../etcd-api/etcd-error.ts';

/** Where the members are and how to reach them. */
export interface EndpointsOptions {
  /** `https://host:port` (or `http://` in tests); the first is preferred. */
  readonly endpoints: readonly string[];
  /** Asked for at each connection. */
  readonly tls?: () => ClientTls;
  /** TCP and TLS together; 5000 when absent: TLS takes long on a loaded board. */
  readonly connectTimeoutMs?: number;
  /** How often a connection is checked for life; 2000 when absent. */
  readonly keepaliveMs?: number;
}

/** One channel per member, and which of them is in use: a member that cannot be reached is left for the next one. */
export class Endpoints {
  readonly #channels: readonly GrpcChannel[];
  readonly #options: EndpointsOptions;
  /** To members that were asked by their URL. */
  readonly #others: GrpcChannel[] = [];
  #current = 0;

  constructor(options: EndpointsOptions) {
    if (options.endpoints.length === 0) throw new RangeError('an etcd client needs at least one endpoint');
    this.#options = options;
    this.#channels = options.endpoints.map((url) => this.#open(url));
  }

  /**
   * Makes a call, at most once per member and once more. A read (`isRead`) moves on whenever a member is not
   * available; a write only when it certainly was not carried out, for it may have happened (etcd client/v3/retry.go).
   *
   * @throws EtcdError, GrpcError of the last attempt
   */
  async call<T>(
    isRead: boolean,
    signal: AbortSignal | undefined,
    make: (channel: GrpcChannel) => Promise<T>,
  ): Promise<T> {
    for (let attempt = 0; ; attempt += 1) {
      const index = this.#current;
      const channel = this.#channels[index];
      if (channel === undefined) throw new RangeError(`no endpoint ${index}`);
      try {
        return await make(channel);
      } catch (cause) {
        const error = fromGrpcError(cause);
        const moveOn = mayRetry(error, isRead) && signal?.aborted !== true;
        if (moveOn && this.#current === index) this.#current = (index + 1) % this.#channels.length;
        if (!moveOn || attempt >= this.#channels.length) throw error;
      }
    }
  }

  /** The channel to the member at `url`, which need not be one of the endpoints; absent: the one in use. */
  channel(url?: string): GrpcChannel {
    const channel =
      url === undefined
        ? this.#channels[this.#current]
        : [...this.#channels, ...this.#others].find((one) => one.url === url);
    if (channel !== undefined) return channel;
    const other = this.#open(url ?? '');
    this.#others.push(other);
    return other;
  }

  /** Ends every connection. */
  close(): void {
    for (const channel of [...this.#channels, ...this.#others]) channel.close();
  }

  #open(url: string): GrpcChannel {
    const { tls, connectTimeoutMs, keepaliveMs } = this.#options;
    return new GrpcChannel({
      url,
      ...(tls === undefined ? {} : { tls }),
      connectTimeoutMs: connectTimeoutMs ?? 5000,
      keepaliveMs: keepaliveMs ?? 2000,
    });
  }
}

const UNAVAILABLE = new Set([
  'NoLeader',
  'LeaderChanged',
  'Stopped',
  'Timeout',
  'TimeoutLeaderFail',
  'TimeoutConnectionLost',
]);

function mayRetry(error: unknown, isRead: boolean): boolean {
  // A learner has not looked at the request: another member will.
  if (error instanceof EtcdError)
    return error.reason === 'NotSupportedForLearner' || (isRead && UNAVAILABLE.has(error.reason));
  if (!(error instanceof GrpcError)) return false;
  return error.isUnsent ? error.code === 'UNAVAILABLE' : isRead && error.code === 'UNAVAILABLE';
}
