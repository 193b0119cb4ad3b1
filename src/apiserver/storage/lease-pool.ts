import type { EtcdClient } from '../../store/client/etcd-client.ts';
import { storageError } from './storage-error.ts';

/** A lease takes on objects for at most so long, and so many of them (kube-apiserver's lease manager). */
const REUSE_SECONDS_MAX = 60;
const REUSE_SHARE = 0.05;
const OBJECTS_MAX = 1000;

interface Open {
  readonly id: Promise<bigint>;
  readonly untilMs: number;
  objects: number;
}

/** Leases shared by objects that go at about the same time, so that an Event does not cost a lease of its own. */
export class LeasePool {
  readonly #client: EtcdClient;
  readonly #open = new Map<number, Open>();

  constructor(client: EtcdClient) {
    this.#client = client;
  }

  /** A lease that lives for `ttlSeconds` and at most 5 % (60 s) longer. */
  async lease(ttlSeconds: number, signal: AbortSignal): Promise<bigint> {
    const nowMs = performance.now();
    const open = this.#open.get(ttlSeconds);
    if (open !== undefined && open.untilMs > nowMs && open.objects < OBJECTS_MAX) {
      open.objects += 1;
      return open.id;
    }
    const reuseSeconds = Math.min(ttlSeconds * REUSE_SHARE, REUSE_SECONDS_MAX);
    const id = this.#client
      .leaseGrant(Math.ceil(ttlSeconds + reuseSeconds), 0n, { signal })
      .then((granted) => granted.id);
    this.#open.set(ttlSeconds, { id, untilMs: nowMs + reuseSeconds * 1000, objects: 1 });
    return id.catch((error: unknown) => {
      this.#open.delete(ttlSeconds);
      return storageError('read')(error);
    });
  }
}
