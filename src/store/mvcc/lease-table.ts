import { EtcdError } from '../etcd-api/etcd-error.ts';
import type { Key } from './key-history.ts';

/** One lease. When it ends is known to the leader alone, and is not part of the replicated state. */
export interface Lease {
  readonly id: bigint;
  readonly ttlSeconds: number;
  readonly keys: Set<Key>;
  /** By the leader's monotonic clock; Infinity on every other member. */
  expiresMs: number;
}

/** etcd refuses longer leases (lease/lessor.go). */
const TTL_SECONDS_MAX = 9_000_000_000;

/** All leases and the keys attached to them. */
export class LeaseTable {
  readonly #leases = new Map<bigint, Lease>();

  get(id: bigint): Lease | undefined {
    return this.#leases.get(id);
  }

  all(): IterableIterator<Lease> {
    return this.#leases.values();
  }

  /** Adds a lease that does not expire until it is renewed. @throws EtcdError LeaseExist, LeaseTtlTooLarge */
  grant(id: bigint, ttlSeconds: number): Lease {
    if (ttlSeconds > TTL_SECONDS_MAX) throw new EtcdError('LeaseTtlTooLarge');
    if (this.#leases.has(id)) throw new EtcdError('LeaseExist');
    const lease: Lease = { id, ttlSeconds, keys: new Set(), expiresMs: Infinity };
    this.#leases.set(id, lease);
    return lease;
  }

  /** Takes a lease out; its keys are the caller's to delete. @throws EtcdError LeaseNotFound */
  revoke(id: bigint): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new EtcdError('LeaseNotFound');
    this.#leases.delete(id);
    return lease;
  }

  /** Moves a key from one lease to another; 0n is none. */
  move(key: Key, from: bigint, to: bigint): void {
    if (from === to) return;
    this.#leases.get(from)?.keys.delete(key);
    this.#leases.get(to)?.keys.add(key);
  }

  /** Starts a lease's time anew. @throws EtcdError LeaseNotFound */
  renew(id: bigint, nowMs: number): Lease {
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new EtcdError('LeaseNotFound');
    lease.expiresMs = nowMs + lease.ttlSeconds * 1000;
    return lease;
  }

  /** A new leader gives every lease its full time, for it knows of no renewals (lessor.Promote). */
  renewAll(nowMs: number): void {
    for (const lease of this.#leases.values()) lease.expiresMs = nowMs + lease.ttlSeconds * 1000;
  }

  /** A member that leads no more ends no leases. */
  suspendAll(): void {
    for (const lease of this.#leases.values()) lease.expiresMs = Infinity;
  }

  /** Ids of leases whose time is over, at most `limit`. */
  expired(nowMs: number, limit: number): bigint[] {
    const ids: bigint[] = [];
    for (const lease of this.#leases.values()) {
      if (ids.length >= limit) break;
      if (lease.expiresMs <= nowMs) ids.push(lease.id);
    }
    return ids;
  }

  /** Starts over empty. */
  clear(): void {
    this.#leases.clear();
  }
}
