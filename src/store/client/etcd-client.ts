import type { CallOptions } from '../../host/grpc/grpc-client-call.ts';
import type { GrpcMethod } from '../../host/grpc/grpc-method.ts';
import { CLUSTER } from '../etcd-api/cluster.ts';
import type { Member, MemberAddRequest, MemberAddResponse } from '../etcd-api/cluster.ts';
import { fromGrpcError } from '../etcd-api/etcd-error.ts';
import { KV } from '../etcd-api/kv.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  TxnRequest,
  TxnResponse,
} from '../etcd-api/kv.ts';
import { LEASE } from '../etcd-api/lease.ts';
import type { LeaseGrantResponse } from '../etcd-api/lease.ts';
import { MAINTENANCE } from '../etcd-api/maintenance.ts';
import type { StatusResponse } from '../etcd-api/maintenance.ts';
import { WATCH } from '../etcd-api/watch.ts';
import type { WatchCreateRequest } from '../etcd-api/watch.ts';
import { Endpoints } from './endpoints.ts';
import type { EndpointsOptions } from './endpoints.ts';
import { EtcdWatch } from './etcd-watch.ts';

/** Settings of a client. */
export interface EtcdClientOptions extends EndpointsOptions {
  /** Deadline of each attempt of a call that is no stream; 10 000 when absent. */
  readonly timeoutMs?: number;
}

/**
 * The calls of etcd v3 that Bramble makes, of any etcd. Calls throw
 * `EtcdError` for what etcd's API defines and `GrpcError` for the rest;
 * of writes, an error of code UNAVAILABLE or DEADLINE_EXCEEDED without
 * `isUnsent` means that nobody knows whether the write happened.
 */
export class EtcdClient {
  readonly #endpoints: Endpoints;
  readonly #timeoutMs: number;

  constructor(options: EtcdClientOptions) {
    this.#endpoints = new Endpoints(options);
    this.#timeoutMs = options.timeoutMs ?? 10_000;
  }

  /** Reads a range; linearizable unless `serializable`. */
  async range(request: Partial<RangeRequest>, options?: CallOptions): Promise<RangeResponse> {
    return this.#unary(true, KV.range, request, options);
  }

  /** Writes one key. */
  async put(request: Partial<PutRequest>, options?: CallOptions): Promise<PutResponse> {
    return this.#unary(false, KV.put, request, options);
  }

  /** Deletes a range. */
  async deleteRange(request: Partial<DeleteRangeRequest>, options?: CallOptions): Promise<DeleteRangeResponse> {
    return this.#unary(false, KV.deleteRange, request, options);
  }

  /** Compares, then does one of two lists of operations, as one revision. */
  async txn(request: Partial<TxnRequest>, options?: CallOptions): Promise<TxnResponse> {
    return this.#unary(false, KV.txn, request, options);
  }

  /** Forgets the history before `revision`. */
  async compact(revision: number, options?: CallOptions): Promise<void> {
    await this.#unary(false, KV.compact, { revision, physical: false }, options);
  }

  /** Watches a range; ends with `options.signal`. The watch asks for a living leader, as kube-apiserver's does. */
  async watch(request: Partial<WatchCreateRequest>, options: CallOptions = {}): Promise<EtcdWatch> {
    const metadata = { ...REQUIRE_LEADER, ...options.metadata };
    return this.#endpoints.call(true, options.signal, async (channel) =>
      EtcdWatch.open(await channel.bidi(WATCH.watch, { ...options, metadata }), request),
    );
  }

  /** Grants a lease of `ttlSeconds`; `id` absent: the server chooses. */
  async leaseGrant(ttlSeconds: number, id = 0n, options?: CallOptions): Promise<LeaseGrantResponse> {
    return this.#unary(false, LEASE.grant, { ttl: ttlSeconds, id }, options);
  }

  /** Ends a lease and deletes its keys. */
  async leaseRevoke(id: bigint, options?: CallOptions): Promise<void> {
    await this.#unary(false, LEASE.revoke, { id }, options);
  }

  /** Renews a lease once; gives its time in seconds, 0 when it is gone. */
  async leaseKeepAlive(id: bigint, options: CallOptions = {}): Promise<number> {
    const timed = { timeoutMs: this.#timeoutMs, ...options };
    return this.#endpoints.call(true, options.signal, async (channel) => {
      const call = await channel.bidi(LEASE.keepAlive, timed);
      await call.send({ id }).catch(() => undefined);
      call.end();
      for await (const answer of call) return answer.ttl;
      return 0;
    });
  }

  /** How one member is: that of `url`, else one that answers. */
  async status(url?: string, options: CallOptions = {}): Promise<StatusResponse> {
    if (url === undefined) return this.#unary(true, MAINTENANCE.status, {}, options);
    const timed = { timeoutMs: this.#timeoutMs, ...options };
    const channel = this.#endpoints.channel(url);
    return channel.unary(MAINTENANCE.status, {}, timed).catch((error: unknown) => {
      throw fromGrpcError(error);
    });
  }

  /** The members that are asked, in order of preference. */
  get endpoints(): readonly string[] {
    return this.#endpoints.urls;
  }

  /** Sets which members are asked when none of the endpoints given serves. */
  setFurtherEndpoints(urls: readonly string[]): void {
    this.#endpoints.setFurther(urls);
  }

  /** All members, as a majority knows them. */
  async memberList(options?: CallOptions): Promise<readonly Member[]> {
    return (await this.#unary(true, CLUSTER.memberList, { linearizable: true }, options)).members;
  }

  /** Adds a member that is not running yet, as a learner if so asked. */
  async memberAdd(request: MemberAddRequest, options?: CallOptions): Promise<MemberAddResponse> {
    return this.#unary(false, CLUSTER.memberAdd, request, options);
  }

  /** Lets a learner vote. @throws EtcdError LearnerNotReady while it still catches up */
  async memberPromote(id: bigint, options?: CallOptions): Promise<readonly Member[]> {
    return (await this.#unary(false, CLUSTER.memberPromote, { id }, options)).members;
  }

  /** Takes a member out for good. */
  async memberRemove(id: bigint, options?: CallOptions): Promise<readonly Member[]> {
    return (await this.#unary(false, CLUSTER.memberRemove, { id }, options)).members;
  }

  /** Ends every connection; calls under way reject. */
  close(): void {
    this.#endpoints.close();
  }

  async #unary<Req, Res>(
    isRead: boolean,
    method: GrpcMethod<Req, Res>,
    request: Partial<Req>,
    options: CallOptions = {},
  ): Promise<Res> {
    const timed = { timeoutMs: this.#timeoutMs, ...options };
    return this.#endpoints.call(isRead, options.signal, (channel) => channel.unary(method, request, timed));
  }
}

/** Metadata of streams that must end when the member has lost its leader (etcd client/v3 WithRequireLeader). */
const REQUIRE_LEADER = { hasleader: 'true' };
