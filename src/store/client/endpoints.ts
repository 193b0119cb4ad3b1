import { GrpcChannel } from '../../host/grpc/grpc-channel.ts';
import type { ClientTls } from '../../host/grpc/grpc-connection.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { EtcdError, fromGrpcError } from '../etcd-api/etcd-error.ts';
import { MAINTENANCE } from '../etcd-api/maintenance.ts';

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

/** How often a member that is preferred to the one in use is looked at. */
const HOME_MS = 5000;
const HOME_TIMEOUT_MS = 2000;
/** A member that answers, but has known no leader for so long, is left: it may be cut off from the others. */
const LEADERLESS_MS = 5000;

/**
 * One channel per member, and which of them is in use: a member that cannot be reached, or that only learns, is left for
 * the next one; the first that serves again is gone back to. Streams stay where they were opened until they end.
 */
export class Endpoints {
  readonly #options: EndpointsOptions;
  readonly #given: readonly GrpcChannel[];
  /** Those found since. */
  #further: readonly GrpcChannel[] = [];
  /** To members that were asked by their URL. */
  readonly #others: GrpcChannel[] = [];
  #current: GrpcChannel;
  readonly #failedAtMs = new WeakMap<GrpcChannel, number>();
  #homeAtMs = 0;
  #leaderlessSinceMs: number | undefined;

  constructor(options: EndpointsOptions) {
    const [first, ...rest] = options.endpoints;
    if (first === undefined) throw new RangeError('an etcd client needs at least one endpoint');
    this.#options = options;
    this.#current = this.#open(first);
    this.#given = [this.#current, ...rest.map((url) => this.#open(url))];
  }

  /** In order of preference. */
  get urls(): readonly string[] {
    return this.#all().map(({ url }) => url);
  }

  /** Sets which members there are beside those given; calls to one that is gone reject. */
  setFurther(urls: readonly string[]): void {
    const given = this.#given.map(({ url }) => url);
    const wanted = [...new Set(urls)].filter((url) => !given.includes(url));
    const before = this.#further;
    this.#further = wanted.map((url) => before.find((one) => one.url === url) ?? this.#open(url));
    for (const gone of before.filter((one) => !this.#further.includes(one))) {
      gone.close();
      if (this.#current === gone) this.#current = this.#given[0] ?? gone;
    }
  }

  /**
   * Makes a call, at most once per member and once more. A read (`isRead`) is made again whenever a member is not
   * available; a write only when it certainly was not carried out, for it may have happened (etcd client/v3/retry.go).
   *
   * @throws EtcdError, GrpcError of the last attempt
   */
  async call<T>(
    isRead: boolean,
    signal: AbortSignal | undefined,
    make: (channel: GrpcChannel) => Promise<T>,
  ): Promise<T> {
    this.#lookHome();
    for (let attempt = 0; ; attempt += 1) {
      const channel = this.#current;
      try {
        const answer = await make(channel);
        this.#leaderlessSinceMs = undefined;
        return answer;
      } catch (cause) {
        const error = fromGrpcError(cause);
        if (signal?.aborted === true) throw error;
        if (this.#current === channel && this.#mustLeave(error)) this.#current = this.#after(channel);
        if (!mayRetry(error, isRead) || attempt >= this.#all().length) throw error;
      }
    }
  }

  /** The channel to the member at `url`, which need not be one of the endpoints. */
  channel(url: string): GrpcChannel {
    const known = [...this.#all(), ...this.#others].find((one) => one.url === url);
    if (known !== undefined) return known;
    const other = this.#open(url);
    this.#others.push(other);
    return other;
  }

  /** Ends every connection. */
  close(): void {
    for (const channel of [...this.#all(), ...this.#others]) channel.close();
  }

  #all(): readonly GrpcChannel[] {
    return [...this.#given, ...this.#further];
  }

  /** Of the others the one whose last failure is longest ago: a dead board costs each who asks it some seconds. */
  #after(channel: GrpcChannel): GrpcChannel {
    this.#failedAtMs.set(channel, performance.now());
    const failedAtMs = (one: GrpcChannel): number => this.#failedAtMs.get(one) ?? 0;
    const others = this.#all().filter((one) => one !== channel);
    return others.toSorted((one, other) => failedAtMs(one) - failedAtMs(other))[0] ?? channel;
  }

  /** While there is no leader nobody else knows better, and who is asked next may be the board whose plug was pulled. */
  #mustLeave(error: unknown): boolean {
    if (error instanceof GrpcError) return error.code === 'UNAVAILABLE' || error.code === 'DEADLINE_EXCEEDED';
    if (!(error instanceof EtcdError)) return false;
    if (error.reason === 'NotSupportedForLearner' || error.reason === 'Stopped') return true;
    if (!UNAVAILABLE.has(error.reason)) return false;
    const nowMs = performance.now();
    this.#leaderlessSinceMs ??= nowMs;
    const isPatient = nowMs - this.#leaderlessSinceMs < LEADERLESS_MS;
    if (!isPatient) this.#leaderlessSinceMs = undefined;
    return !isPatient;
  }

  /** Goes back, in the background, to the first member that serves. */
  #lookHome(): void {
    const nowMs = performance.now();
    if (this.#current === this.#given[0] || nowMs - this.#homeAtMs < HOME_MS) return;
    this.#homeAtMs = nowMs;
    void this.#goHome();
  }

  async #goHome(): Promise<void> {
    const all = this.#all();
    const home = await this.#firstServing(all.slice(0, all.indexOf(this.#current)));
    if (home !== undefined) this.#current = home;
  }

  async #firstServing(channels: readonly GrpcChannel[]): Promise<GrpcChannel | undefined> {
    for (const channel of channels) {
      const status = await channel.unary(MAINTENANCE.status, {}, { timeoutMs: HOME_TIMEOUT_MS }).catch(() => undefined); // it does not serve
      if (status !== undefined && !status.isLearner && status.leader !== 0n) return channel;
    }
    return undefined;
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
  return error.code === 'UNAVAILABLE' && (error.isUnsent || isRead);
}
