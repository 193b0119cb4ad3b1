import type { NetworkFaults } from './network.ts';
import type { Random } from './random.ts';
import type { MemberConfig } from './sim-member.ts';

/** A follower's shortest wait for a leader. */
export const ELECTION_TICKS = 10;

/** How often things go wrong in one run; drawn from its seed. */
export interface Plan {
  readonly network: NetworkFaults;
  readonly crashOneIn: number;
  readonly crashAfterPromiseOneIn: number;
  readonly rebootOneIn: number;
  readonly cutOneIn: number;
  readonly healOneIn: number;
  readonly changeOneIn: number;
  readonly slownessOneIn: number;
  readonly campaignOneIn: number;
}

/** A run's faults: some kinds not at all, so that others are seen alone. */
export function drawPlan(random: Random): Plan {
  const rarely = (from: number, to: number) => (random.oneIn(4) ? Infinity : from + random.below(to - from));
  return {
    network: { lossOneIn: rarely(4, 50), repeatOneIn: rarely(10, 50), delayMax: 1 + random.below(8) },
    crashOneIn: rarely(80, 800),
    crashAfterPromiseOneIn: rarely(40, 400),
    rebootOneIn: 1 + random.below(60),
    cutOneIn: rarely(40, 300),
    healOneIn: 20 + random.below(80),
    changeOneIn: rarely(30, 200),
    slownessOneIn: rarely(2, 20),
    campaignOneIn: rarely(20, 300),
  };
}

/** A run's settings: small limits, so that each is met. */
export function drawConfig(random: Random): MemberConfig {
  const maxMessageBytes = random.pick([0, 200, 1000, Infinity]) ?? 0;
  return {
    electionTicks: ELECTION_TICKS,
    heartbeatTicks: 1 + random.below(3),
    asyncStorageWrites: !random.oneIn(3),
    preVote: !random.oneIn(3),
    checkQuorum: !random.oneIn(3),
    stepDownOnRemoval: !random.oneIn(3),
    disableProposalForwarding: random.oneIn(3),
    maxMessageBytes,
    maxApplyingBytes: random.pick([1, 300, Infinity]) ?? 1,
    maxUncommittedBytes: random.pick([500, 5000]) ?? 500,
    maxInflightMessages: 1 + random.below(8),
    maxInflightBytes: Math.max(maxMessageBytes, 500),
  };
}
