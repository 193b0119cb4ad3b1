import { GrpcServer } from '../../src/host/grpc/grpc-server.ts';
import type { ServerTls } from '../../src/host/grpc/grpc-server.ts';
import type { Backend, MemberChange, RaftStatus } from '../../src/store/backend.ts';
import type { Change } from '../../src/store/command.ts';
import type { Member } from '../../src/store/etcd-api/cluster.ts';
import { EtcdError } from '../../src/store/etcd-api/etcd-error.ts';
import { etcdMethods } from '../../src/store/server/etcd-methods.ts';
import { StateMachine } from '../../src/store/state-machine.ts';
import type { Applied } from '../../src/store/state-machine.ts';

const MEMBER_ID = 1n;

/** A store of one process: the real state machine, applied at once, in memory only. */
export class FakeBackend implements Backend {
  readonly state = new StateMachine();
  /** Set to 0n to play the loss of the leader; then call `progress`. */
  leader = MEMBER_ID;
  members: Member[];
  #index = 0;
  readonly #listeners = new Set<() => void>();

  constructor(url: string) {
    this.members = [
      { id: MEMBER_ID, name: 'fake', peerUrls: ['https://fake:2380'], clientUrls: [url], isLearner: false },
    ];
  }

  get status(): RaftStatus {
    const { leader } = this;
    const index = this.#index;
    return { clusterId: 7n, memberId: MEMBER_ID, leader, term: 2, index, appliedIndex: index, isLearner: false };
  }

  async propose(change: Change): Promise<Applied> {
    if (this.leader === 0n) throw new EtcdError('NoLeader');
    this.#index += 1;
    const applied = this.state.apply(change);
    this.progress();
    if (applied.error !== undefined) throw applied.error;
    return applied;
  }

  async readBarrier(): Promise<void> {
    if (this.leader === 0n) throw new EtcdError('NoLeader');
  }

  async changeMembers(change: MemberChange): Promise<Member | undefined> {
    if ('add' in change) {
      const id = BigInt(this.members.length + 1);
      const member = { id, name: '', peerUrls: change.add, clientUrls: [], isLearner: change.isLearner };
      this.members.push(member);
      return member;
    }
    if ('promote' in change)
      this.members = this.members.map((m) => (m.id === change.promote ? { ...m, isLearner: false } : m));
    if ('remove' in change) this.members = this.members.filter(({ id }) => id !== change.remove);
    return undefined;
  }

  async moveLeader(): Promise<void> {
    throw new EtcdError('BadLeaderTransferee');
  }

  async renewLease(id: bigint): Promise<number> {
    return this.state.leases.renew(id, Date.now()).ttlSeconds;
  }

  async leaseRemainingMs(id: bigint): Promise<number> {
    const lease = this.state.leases.get(id);
    if (lease === undefined) throw new EtcdError('LeaseNotFound');
    return Math.min(lease.ttlSeconds * 1000, lease.expiresMs - Date.now());
  }

  onProgress(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Tells everyone who waits to look again. */
  progress(): void {
    for (const listener of this.#listeners) listener();
  }

  /** Ends the lease at once, as its time would. */
  expireLease(id: bigint): void {
    this.state.apply({ leaseRevoke: { id } });
    this.progress();
  }
}

/** A running fake; `close` gives everything back. */
export interface FakeEtcd {
  /** `http://127.0.0.1:port`, or `https://localhost:port` with TLS. */
  readonly url: string;
  readonly backend: FakeBackend;
  close(): Promise<void>;
}

/** Settings of a fake. */
export interface FakeEtcdOptions {
  readonly tls?: ServerTls;
  /** 600 000 when absent, as etcd's. */
  readonly progressNotifyMs?: number;
}

/**
 * An etcd in this process, on a free port of loopback: the store's own engine
 * and gRPC services, without Raft and disk. Starts in milliseconds.
 */
export async function startFakeEtcd(options: FakeEtcdOptions = {}): Promise<FakeEtcd> {
  const backend = new FakeBackend('http://127.0.0.1:2379');
  const methods = etcdMethods(backend, {
    progressNotifyMs: options.progressNotifyMs ?? 600_000,
    leaderlessMs: 100,
    quotaBytes: 2 ** 31,
  });
  const server = new GrpcServer({ methods, ...(options.tls === undefined ? {} : { tls: options.tls }) });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  const url = options.tls === undefined ? `http://127.0.0.1:${port}` : `https://localhost:${port}`;
  return { url, backend, close: () => server.close(0) };
}
