import { EtcdError } from './etcd-api/etcd-error.ts';
import type { LeaseTable } from './mvcc/lease-table.ts';

/** Leases ended with one look; the others follow with the next. */
const REVOKES_MAX = 100;
const LOOK_MS = 250;

/** Time of the leases: only the leader keeps it. Times are by its monotonic clock. */
export class LeaseKeeper {
  readonly #leases: LeaseTable;
  readonly #revoke: (id: bigint) => Promise<unknown>;
  /** Proposed and not ended yet. */
  readonly #ending = new Set<bigint>();
  #isLeader = false;
  #lookedMs = 0;

  /** @param revoke proposes the end of a lease */
  constructor(leases: LeaseTable, revoke: (id: bigint) => Promise<unknown>) {
    this.#leases = leases;
    this.#revoke = revoke;
  }

  /** A new leader knows of no renewals: every lease gets its full time (etcd lessor.Promote). */
  leadershipChanged(isLeader: boolean, nowMs: number): void {
    if (isLeader === this.#isLeader) return;
    this.#isLeader = isLeader;
    if (isLeader) this.#leases.renewAll(nowMs);
    else this.#leases.suspendAll();
  }

  /** A lease was granted: its time begins. */
  granted(id: bigint, nowMs: number): void {
    if (this.#isLeader && this.#leases.get(id) !== undefined) this.#leases.renew(id, nowMs);
  }

  /** Gives a lease its full time again; in seconds. @throws EtcdError LeaseNotFound, NotLeader */
  renew(id: bigint, nowMs: number): number {
    if (!this.#isLeader) throw new EtcdError('NotLeader');
    // One that is ending already cannot be saved: its end is in the log.
    if (this.#ending.has(id)) throw new EtcdError('LeaseNotFound');
    return this.#leases.renew(id, nowMs).ttlSeconds;
  }

  /** Milliseconds left. @throws EtcdError LeaseNotFound, NotLeader */
  remainingMs(id: bigint, nowMs: number): number {
    if (!this.#isLeader) throw new EtcdError('NotLeader');
    const lease = this.#leases.get(id);
    if (lease === undefined) throw new EtcdError('LeaseNotFound');
    return Math.max(0, lease.expiresMs - nowMs);
  }

  /** Ends the leases whose time is over. */
  tick(nowMs: number): void {
    if (!this.#isLeader || nowMs - this.#lookedMs < LOOK_MS) return;
    this.#lookedMs = nowMs;
    for (const id of this.#leases.expired(nowMs, REVOKES_MAX)) {
      if (this.#ending.has(id)) continue;
      this.#ending.add(id);
      this.#revoke(id)
        .catch(() => undefined) // it is still expired at the next look
        .finally(() => this.#ending.delete(id));
    }
  }
}
