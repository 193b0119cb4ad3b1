import type { Change } from './command.ts';
import type { Member } from './etcd-api/cluster.ts';
import type { Applied, StateMachine } from './state-machine.ts';

/** How a member stands in Raft. */
export interface RaftStatus {
  readonly clusterId: bigint;
  readonly memberId: bigint;
  /** 0n: no leader is known. */
  readonly leader: bigint;
  readonly term: number;
  readonly index: number;
  readonly appliedIndex: number;
  readonly isLearner: boolean;
}

/** A change of the membership. */
export type MemberChange =
  | { readonly add: readonly string[]; readonly isLearner: boolean }
  | { readonly remove: bigint }
  | { readonly promote: bigint }
  | { readonly update: bigint; readonly peerUrls: readonly string[] };

/** What stands behind the etcd services: a member of a Raft group, or (in tests) one process alone. */
export interface Backend {
  /** The state as applied so far; changes only through `propose`. */
  readonly state: StateMachine;
  readonly status: RaftStatus;
  readonly members: readonly Member[];

  /** Settles when the change is on a majority's disks and applied here. @throws EtcdError */
  propose(change: Change): Promise<Applied>;

  /** Settles when everything that was acknowledged anywhere before the call is applied here. @throws EtcdError */
  readBarrier(): Promise<void>;

  /** Changes the membership and settles when it has taken effect; gives the member concerned. @throws EtcdError */
  changeMembers(change: MemberChange): Promise<Member | undefined>;

  /** Hands leadership to a member. @throws EtcdError NotLeader, BadLeaderTransferee, Timeout */
  moveLeader(id: bigint): Promise<void>;

  /** Renews a lease at the leader; gives its time in seconds. @throws EtcdError LeaseNotFound, NoLeader */
  renewLease(id: bigint): Promise<number>;

  /** Milliseconds left of a lease, by the leader's clock. @throws EtcdError LeaseNotFound, NoLeader */
  leaseRemainingMs(id: bigint): Promise<number>;

  /** Calls back after changes were applied or the status changed; gives what takes the listener off again. */
  onProgress(listener: () => void): () => void;
}
