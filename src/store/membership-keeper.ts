import type { Status } from '../raft/status.ts';
import type { ConfState } from '../raft/snapshot.ts';
import { HEARTBEAT_TICKS, TICK_MS } from './adaptive-timeouts.ts';
import type { MemberChange } from './backend.ts';
import type { Member as ApiMember } from './etcd-api/cluster.ts';
import { EtcdError, isEtcdReason } from './etcd-api/etcd-error.ts';
import { LEADER_TIMEOUT_MS } from './leader-questions.ts';
import { randomId, toApiMember } from './member-info.ts';
import type { MemberInfo } from './member-info.ts';
import { changeContext, planMembershipChange } from './membership-change.ts';
import type { PlannedChange } from './membership-change.ts';
import type { ClusterInfo } from './peer/peer-api.ts';
import type { Proposer } from './proposer.ts';

/** What the keeper works with. */
export interface MembershipKeeperOptions {
  readonly clusterId: number;
  readonly members: ReadonlyMap<number, MemberInfo>;
  readonly confState: () => ConfState;
  readonly status: () => Status;
  readonly proposer: Pick<Proposer, 'proposeConfChange'>;
  readonly transferLeader: (to: number) => void;
  /** 0: nobody leads. */
  readonly leader: () => number;
}

/** Raft forgets at each check of its quorum whom it has heard: after this all that live have answered again. */
const HEARD_MS = 2 * HEARTBEAT_TICKS * TICK_MS;

/** Who belongs to the cluster and who leads it, and the changes of both. */
export class MembershipKeeper {
  readonly #options: MembershipKeeperOptions;

  constructor(options: MembershipKeeperOptions) {
    this.#options = options;
  }

  /** As etcd's API shows them. */
  get apiMembers(): readonly ApiMember[] {
    const { learners } = this.#options.confState();
    return [...this.#options.members.values()].map((info) => toApiMember(info, learners.includes(info.id)));
  }

  /** As the other members ask for them. */
  get info(): ClusterInfo {
    const { clusterId, members, confState } = this.#options;
    return { clusterId, members: [...members.values()], learners: confState().learners };
  }

  /** Carries out a change, as the leader; gives the id of the member concerned. @throws EtcdError */
  async change(change: MemberChange): Promise<bigint> {
    const { type, id: target, member } = await this.#plan(change);
    await this.#options.proposer.proposeConfChange((session, id) => ({
      transition: 'auto',
      steps: [{ type, id: target }],
      context: changeContext.encode({ session, id, member }),
    }));
    return BigInt(target);
  }

  /** Hands leadership to a voter, as the leader. @throws EtcdError */
  async moveLeader(id: bigint): Promise<void> {
    const { confState, transferLeader, leader } = this.#options;
    if (!confState().voters.includes(Number(id))) throw new EtcdError('BadLeaderTransferee');
    transferLeader(Number(id));
    for (const endMs = performance.now() + LEADER_TIMEOUT_MS; leader() !== Number(id);) {
      if (performance.now() > endMs) throw new EtcdError('TimeoutLeaderFail');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async #plan(change: MemberChange): Promise<PlannedChange> {
    const freshId = randomId();
    const plan = (): PlannedChange => {
      const { members, confState, status } = this.#options;
      return planMembershipChange(change, { members, confState: confState(), status: status(), freshId });
    };
    try {
      return plan();
    } catch (error) {
      if (!isEtcdReason(error, 'MemberNotEnoughStarted')) throw error;
      await new Promise((resolve) => setTimeout(resolve, HEARD_MS));
      return plan();
    }
  }
}
