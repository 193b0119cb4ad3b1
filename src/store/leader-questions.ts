import type { MemberChange } from './backend.ts';
import { EtcdError, isEtcdReason } from './etcd-api/etcd-error.ts';
import type { LeaseKeeper } from './lease-keeper.ts';
import { decodeMemberChange } from './membership-change.ts';
import type { LeaderRequest, LeaderResponse } from './peer/peer-api.ts';
import type { PeerLink } from './peer/peer-link.ts';

/** How long a question to the leader may take. */
export const LEADER_TIMEOUT_MS = 5000;
const RETRY_MS = 50;

/** What answering and asking needs of the member. */
export interface LeaderQuestionsOptions {
  readonly isLeader: () => boolean;
  /** The link to who leads; undefined while nobody does. */
  readonly leaderLink: () => PeerLink | undefined;
  readonly leases: LeaseKeeper;
  /** Carries out a change of the membership here, at the leader; gives the id of the member concerned. */
  readonly change: (change: MemberChange) => Promise<bigint>;
}

/** What only the leader knows: the time of leases, and which changes of the membership may be. */
export class LeaderQuestions {
  readonly #options: LeaderQuestionsOptions;

  constructor(options: LeaderQuestionsOptions) {
    this.#options = options;
  }

  /** Answers here if we lead, else asks who does; again for a while when nobody does. @throws EtcdError, GrpcError */
  async ask(request: Partial<LeaderRequest>): Promise<LeaderResponse> {
    const full = { renewLease: undefined, leaseRemaining: undefined, changeMembers: undefined, ...request };
    for (const endMs = performance.now() + LEADER_TIMEOUT_MS; ;) {
      try {
        if (this.#options.isLeader()) return { time: 0, memberId: 0n, ...(await this.answer(full)) };
        const link = this.#options.leaderLink();
        if (link === undefined) throw new EtcdError('NoLeader');
        return await link.askLeader(request, LEADER_TIMEOUT_MS);
      } catch (error) {
        const isAnswer =
          error instanceof EtcdError && !isEtcdReason(error, 'NotLeader') && !isEtcdReason(error, 'NoLeader');
        if (isAnswer || performance.now() > endMs) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Answers as the leader. @throws EtcdError NotLeader */
  async answer({ renewLease, leaseRemaining, changeMembers }: LeaderRequest): Promise<Partial<LeaderResponse>> {
    const { isLeader, leases, change } = this.#options;
    if (!isLeader()) throw new EtcdError('NotLeader');
    const nowMs = performance.now();
    if (renewLease !== undefined) return { time: leases.renew(renewLease, nowMs) };
    if (leaseRemaining !== undefined) return { time: Math.round(leases.remainingMs(leaseRemaining, nowMs)) };
    return { memberId: await change(decodeMemberChange(changeMembers ?? '')) };
  }
}
