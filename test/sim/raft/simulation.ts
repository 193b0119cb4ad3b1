import { LEAVE_JOINT } from '../../../src/raft/conf-change.ts';
import type { ConfChange, ConfChangeStep, Transition } from '../../../src/raft/conf-change.ts';
import { EMPTY } from '../../../src/raft/entry.ts';
import type { MemberId } from '../../../src/raft/entry.ts';
import type { Message } from '../../../src/raft/message.ts';
import type { ConfState } from '../../../src/raft/snapshot.ts';
import { Checker, ViolationError } from './checker.ts';
import { SimDisk } from './disk.ts';
import { HEALTHY, Network } from './network.ts';
import { drawConfig, drawPlan, ELECTION_TICKS } from './plan.ts';
import type { Plan } from './plan.ts';
import { Random } from './random.ts';
import { SimMember } from './sim-member.ts';
import type { World } from './sim-member.ts';

/** One run: everything else follows from the seed. */
export interface SimulationOptions {
  readonly seed: number;
  /** Ticks with faults; then they stop, and the group must recover. */
  readonly ticks: number;
  /** The disks forget one flush in so many: a run that must fail. Default never. */
  readonly liesOneIn?: number;
}

/** What happened in a run that went well. */
export interface SimulationResult {
  readonly committed: number;
  readonly reads: number;
  readonly crashes: number;
  readonly elections: number;
  readonly changes: number;
  readonly ticksToRecover: number;
}

const RECOVERY_TICKS_MAX = 2000;
const VOTERS_MAX = 5;
/** Ids are never used twice. */
const IDS_MAX = 12;
const COMMAND_BYTES_MAX = 120;

/**
 * Runs a group of members on a fake network and fake disks under faults, and then without.
 *
 * @throws ViolationError when a property of Raft fails, or when the group does not recover
 */
export function simulate(options: SimulationOptions): SimulationResult {
  const simulation = new Simulation(options);
  try {
    return simulation.run();
  } catch (error) {
    const where = `seed ${options.seed}, tick ${simulation.now} of ${options.ticks}`;
    throw new ViolationError(`${where}: ${String(error)}\n${simulation.describe()}`, { cause: error });
  }
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #random: Random;
  readonly #plan: Plan;
  readonly #network: Network;
  readonly #checker: Checker;
  readonly #world: World;
  readonly #members = new Map<MemberId, SimMember>();
  #now = 0;
  #commands = 0;
  #crashes = 0;
  #changes = 0;
  #isCalm = false;

  constructor(options: SimulationOptions) {
    this.#options = options;
    const random = new Random(options.seed);
    this.#random = random;
    this.#plan = drawPlan(random);
    this.#network = new Network(random, this.#plan.network);
    this.#checker = new Checker((id) => this.#members.get(id)?.disk);
    this.#world = {
      random,
      checker: this.#checker,
      config: drawConfig(random),
      flushTicksMax: random.pick([0, 2, 5, 15]) ?? 0,
      applyTicks: random.pick([1, 1, 3, 15]) ?? 1,
      send: (message) => this.#send(message),
    };
    this.#found(1 + 2 * random.below(3));
  }

  get now(): number {
    return this.#now;
  }

  run(): SimulationResult {
    while (this.#now < this.#options.ticks) {
      this.#tick();
      this.#doHarm();
      this.#useIt();
    }
    const start = this.#now;
    this.#calmDown();
    const marker = this.#checker.committedMax;
    while (!this.#isRecovered(marker)) {
      const isLate = this.#now - start > RECOVERY_TICKS_MAX;
      if (isLate) throw new ViolationError(`no recovery within ${RECOVERY_TICKS_MAX} ticks`);
      this.#tick();
      this.#keepAsking();
    }
    const all = [...this.#members.values()];
    return {
      committed: this.#checker.committedMax,
      reads: all.reduce((sum, member) => sum + member.readsDone, 0),
      crashes: this.#crashes,
      elections: this.#checker.leaderCount,
      changes: this.#changes,
      ticksToRecover: this.#now - start,
    };
  }

  /** Starts the first members from a snapshot that holds nothing but their ids. */
  #found(count: number): void {
    const voters = Array.from({ length: count }, (_, at) => at + 1);
    const confState: ConfState = { voters, votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
    for (const id of voters) {
      const disk = this.#newDisk();
      disk.write([{ kind: 'snapshot', snapshot: { index: 1, term: 1, confState, data: EMPTY } }]);
      disk.found();
      this.#add(id, disk);
    }
  }

  #newDisk(): SimDisk {
    return new SimDisk(this.#random, this.#options.liesOneIn);
  }

  #add(id: MemberId, disk: SimDisk): void {
    const member = new SimMember(id, disk, this.#world);
    this.#members.set(id, member);
    member.boot();
  }

  #send(message: Message): void {
    this.#checker.onSend(message);
    const isSent = this.#network.send(message, this.#now);
    const isPromise = message.type === 'MsgVoteResp' || message.type === 'MsgAppResp';
    if (isPromise && !this.#isCalm && this.#random.oneIn(this.#plan.crashAfterPromiseOneIn))
      this.#doomed.add(message.from);
    if (message.type === 'MsgSnap') this.#reports.push({ member: message.from, to: message.to, isSent });
    else if (!isSent && this.#random.oneIn(4)) this.#unreachable.push({ member: message.from, to: message.to });
  }

  /** To crash at once after this tick: what they have promised must survive. */
  readonly #doomed = new Set<MemberId>();
  /** Told at the next tick: the core must not be called while it is being pumped. */
  #reports: { readonly member: MemberId; readonly to: MemberId; readonly isSent: boolean }[] = [];
  #unreachable: { readonly member: MemberId; readonly to: MemberId }[] = [];

  #tick(): void {
    this.#now += 1;
    for (const { member, to, isSent } of this.#reports.splice(0)) {
      this.#members.get(member)?.act((node) => node.reportSnapshot(to, isSent));
    }
    for (const { member, to } of this.#unreachable.splice(0)) {
      this.#members.get(member)?.act((node) => node.reportUnreachable(to));
    }
    for (const message of this.#network.takeDue(this.#now)) {
      this.#members.get(message.to)?.act((node) => node.step(message));
    }
    for (const member of this.#members.values()) {
      if (member.node === undefined) continue;
      if (this.#isCalm || !this.#random.oneIn(this.#plan.slownessOneIn)) member.act((node) => node.tick());
      member.work(this.#now);
    }
  }

  #doHarm(): void {
    const { crashOneIn, rebootOneIn, cutOneIn, healOneIn } = this.#plan;
    const all = [...this.#members.values()];
    for (const member of all) {
      const isDoomed = this.#doomed.delete(member.id) || this.#random.oneIn(crashOneIn);
      if (member.node !== undefined && isDoomed) {
        this.#crashes += 1;
        member.crash();
      } else if (member.node === undefined && this.#random.oneIn(rebootOneIn)) {
        member.boot();
      }
    }
    if (this.#random.oneIn(healOneIn)) this.#network.heal();
    if (this.#random.oneIn(cutOneIn)) {
      const victims = all.filter(() => this.#random.oneIn(2)).map(({ id }) => id);
      this.#network.cut(victims, this.#random.oneIn(3));
    }
  }

  #useIt(): void {
    const random = this.#random;
    const member = random.pick([...this.#members.values()]);
    if (member === undefined) return;
    if (random.oneIn(2)) this.#propose(member);
    if (random.oneIn(4)) member.read();
    if (random.oneIn(150)) member.act((node) => node.transferLeader(1 + random.below(this.#members.size)));
    if (random.oneIn(200)) member.act((node) => node.forgetLeader());
    if (random.oneIn(this.#plan.campaignOneIn)) member.act((node) => node.campaign());
    if (random.oneIn(100)) member.act((node) => node.setTicks(ELECTION_TICKS + random.below(10), 1 + random.below(3)));
    if (random.oneIn(this.#plan.changeOneIn)) this.#changeMembership();
  }

  #propose(member: SimMember): void {
    this.#commands += 1;
    const data = new TextEncoder().encode(`c${this.#commands}`.padEnd(this.#random.below(COMMAND_BYTES_MAX), '.'));
    member.act((node) => node.propose(data));
  }

  #changeMembership(): void {
    const leader = this.#random.pick([...this.#members.values()].filter(({ isLeader }) => isLeader));
    if (leader === undefined) return;
    const { confState } = leader;
    this.#changes += 1;
    const isJoint = confState.votersOutgoing.length > 0;
    if (isJoint) return leader.act((node) => node.proposeConfChange(LEAVE_JOINT));
    const change = this.#drawChange(confState);
    leader.act((node) => node.proposeConfChange(change));
  }

  #drawChange({ voters, learners }: ConfState): ConfChange {
    const random = this.#random;
    const steps: ConfChangeStep[] = [];
    const target = random.pick([...voters, ...learners]) ?? 0;
    const count = voters.length + learners.length;
    const [learner] = learners;
    if (learner !== undefined && voters.length < VOTERS_MAX && random.oneIn(2))
      steps.push({ type: 'addVoter', id: learner });
    if (count < VOTERS_MAX && this.#members.size < IDS_MAX && random.oneIn(2)) {
      steps.push({ type: random.oneIn(2) ? 'addLearner' : 'addVoter', id: this.#newMember() });
    }
    const isExpendable = voters.length > 1 || !voters.includes(target);
    if (isExpendable && random.oneIn(2)) steps.push({ type: random.oneIn(3) ? 'addLearner' : 'remove', id: target });
    const transition = random.pick<Transition>(['auto', 'implicit', 'explicit']) ?? 'auto';
    const isV1 = steps.length === 1 && transition === 'auto' && random.oneIn(2);
    return { transition, steps, context: EMPTY, isV1 };
  }

  /** A blank board with a new id. Removed ones go on running, as boards do. */
  #newMember(): MemberId {
    const id = this.#members.size + 1;
    this.#add(id, this.#newDisk());
    return id;
  }

  /** Faults stop; everyone is switched on. */
  #calmDown(): void {
    this.#isCalm = true;
    this.#network.heal();
    this.#network.faults = HEALTHY;
    this.#world.flushTicksMax = 1;
    this.#world.applyTicks = 1;
    for (const member of this.#members.values()) {
      if (member.node === undefined) member.boot();
      // Without pre-votes, one whose time-out is longer than twice another's may never come to stand for election.
      member.act((node) => node.setTicks(ELECTION_TICKS, 1));
    }
  }

  /** The one of the highest term: an earlier one may not know yet. */
  #leader(): SimMember | undefined {
    const leaders = [...this.#members.values()].filter(({ isLeader }) => isLeader);
    const term = (member: SimMember) => member.node?.status().hardState.term ?? 0;
    return leaders.sort((a, b) => term(b) - term(a))[0];
  }

  /** As an operator would, once no member counts them any more: until then an outsider's vote may be needed. */
  #switchOutsidersOff(): void {
    const counted = new Set<MemberId>();
    for (const id of this.#newestIds()) {
      counted.add(id);
      const member = this.#members.get(id);
      if (member !== undefined) for (const other of memberIds(member.confState)) counted.add(other);
    }
    for (const member of this.#members.values()) if (!counted.has(member.id)) member.crash();
  }

  #switchMembersOn(): void {
    for (const id of this.#newestIds()) {
      const member = this.#members.get(id);
      if (member?.node === undefined) member?.boot();
    }
  }

  #newestIds(): MemberId[] {
    return memberIds(this.#newest().confState);
  }

  #newest(): SimMember {
    const all = [...this.#members.values()];
    const [first, ...rest] = all;
    if (first === undefined) throw new ViolationError('no members');
    return rest.reduce((best, member) => (member.applied > best.applied ? member : best), first);
  }

  #keepAsking(): void {
    if (this.#now % ELECTION_TICKS !== 0) return;
    this.#switchMembersOn();
    this.#switchOutsidersOff();
    const leader = this.#leader();
    if (leader === undefined) return;
    if (leader.confState.votersOutgoing.length > 0) leader.act((node) => node.proposeConfChange(LEAVE_JOINT));
    this.#propose(leader);
    const reader = this.#random.pick([...this.#members.values()]);
    if (reader === undefined) return;
    if (!this.#readsAsked.has(reader.id)) this.#readsAsked.set(reader.id, reader.readsDone);
    reader.read();
  }

  readonly #readsAsked = new Map<MemberId, number>();

  /** Something new is committed, every member has applied it, none is left behind in a joint configuration, and reads are served. */
  #isRecovered(marker: number): boolean {
    const newest = this.#newest();
    const { voters, votersOutgoing, learners } = newest.confState;
    if (newest.applied <= marker || votersOutgoing.length > 0) return false;
    // Without either, a member of a higher term ignores the leader without a word, and a learner never campaigns.
    const { preVote, checkQuorum } = this.#world.config;
    const ids = preVote === true || checkQuorum === true ? [...voters, ...learners] : voters;
    const isEven = ids.every((id) => this.#members.get(id)?.applied === newest.applied);
    const isRead = [...this.#readsAsked].some(([id, before]) => (this.#members.get(id)?.readsDone ?? 0) > before);
    return isEven && isRead;
  }

  /** Every member's state, for the report of a failure. */
  describe(): string {
    const lines = [...this.#members.values()].map(({ id, node, applied, confState }) => {
      const status = node?.status();
      if (status === undefined) return `${id}: down, applied ${applied}`;
      const { softState, hardState, lastIndex, progress } = status;
      const followers = [...progress].map(([follower, { text }]) => `\n    ${follower}: ${text}`);
      const what = `${softState.role} term ${hardState.term} lead ${softState.lead} commit ${hardState.commit} of ${lastIndex}`;
      return `${id}: ${what} applied ${applied} with ${JSON.stringify(confState)}${followers.join('')}`;
    });
    return lines.join('\n');
  }
}

function memberIds({ voters, votersOutgoing, learners }: ConfState): MemberId[] {
  return [...voters, ...votersOutgoing, ...learners];
}
