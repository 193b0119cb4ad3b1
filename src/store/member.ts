import type { ClientTls } from '../host/grpc/grpc-connection.ts';
import type { Log } from '../host/log.ts';
import { entriesSize } from '../raft/entry.ts';
import type { Message } from '../raft/message.ts';
import type { ReadState, SoftState } from '../raft/ready.ts';
import type { Snapshot } from '../raft/snapshot.ts';
import { AppendQueue } from './append-queue.ts';
import { Applier } from './applier.ts';
import type { Backend, MemberChange, RaftStatus } from './backend.ts';
import { encodeCheckpoint, restoreCheckpoint } from './checkpoint.ts';
import { Checkpointer } from './checkpointer.ts';
import { command } from './command.ts';
import type { Change } from './command.ts';
import type { Member as ApiMember } from './etcd-api/cluster.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import { ALARM_ACTION, ALARM_TYPE } from './etcd-api/maintenance.ts';
import { LEADER_TIMEOUT_MS, LeaderQuestions } from './leader-questions.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { SegmentedLog } from './log/segmented-log.ts';
import { LogStorage } from './log-storage.ts';
import { randomId, toApiMember } from './member-info.ts';
import { changeContext, encodeMemberChange, planMembershipChange } from './membership-change.ts';
import type { Identity, OpenedMember } from './open-member.ts';
import { OwnRecord } from './own-record.ts';
import type { ClusterInfo, LeaderRequest, LeaderResponse } from './peer/peer-api.ts';
import type { PeerHandler } from './peer/peer-service.ts';
import { Peers } from './peer/peers.ts';
import { Proposals } from './proposals.ts';
import { RaftLoop } from './raft-loop.ts';
import type { RaftOwner } from './raft-loop.ts';
import { ReadBarrier } from './read-barrier.ts';
import { SnapshotStates } from './snapshot-states.ts';
import { changeBytes } from './state-machine.ts';
import type { Applied, StateMachine } from './state-machine.ts';

/** What a member is told beside what is on its disk. */
export interface MemberOptions {
  readonly name: string;
  readonly clientUrls: readonly string[];
  /** For connections to other members; asked for at each. */
  readonly peerTls?: () => ClientTls;
  readonly quotaBytes: number;
  /** Largest change. */
  readonly requestBytesMax: number;
  readonly log: Log;
}

/** One member of the store: the Raft core, its log, the state, and the links to the others. */
export class Member implements Backend, RaftOwner, PeerHandler {
  readonly state: StateMachine;
  readonly #identity: Identity;
  /** As the API shows them: made once, for every answer carries them. */
  readonly #ids: { readonly clusterId: bigint; readonly memberId: bigint };
  #leader = 0n;
  readonly #log: SegmentedLog;
  readonly #options: MemberOptions;
  readonly #loop: RaftLoop;
  readonly #storage: LogStorage;
  readonly #queue: AppendQueue;
  readonly #applier: Applier;
  readonly #peers: Peers;
  readonly #leases: LeaseKeeper;
  readonly #proposals = new Proposals();
  readonly #barrier: ReadBarrier;
  /** This life of the member, in the log. */
  readonly #session = randomId();
  readonly #listeners = new Set<() => void>();
  readonly #states = new SnapshotStates();
  readonly #checkpointer: Checkpointer;
  readonly #questions: LeaderQuestions;
  readonly #record: OwnRecord;
  #softState: SoftState = { lead: 0, role: 'StateFollower' };
  #fail: (error: unknown) => void = () => undefined;

  constructor(opened: OpenedMember, options: MemberOptions) {
    // Not `opened` itself: it would keep the entries that were read.
    const { identity, meta, log, disk, hardState } = opened;
    this.#identity = identity;
    this.#ids = { clusterId: BigInt(identity.clusterId), memberId: BigInt(identity.memberId) };
    this.#log = log;
    this.#options = options;
    this.state = opened.state;
    const onFailed = (error: unknown): void => this.#fail(error);
    this.#checkpointer = new Checkpointer({
      disk,
      log,
      state: this.state,
      checkpointBytes: opened.checkpointBytes,
      loggedBytes: entriesSize(opened.entries),
      onFailed,
    });
    this.#record = new OwnRecord({
      identity,
      name: options.name,
      clientUrls: options.clientUrls,
      disk,
      publish: async (attributes) => this.propose({ attributes }),
      onFailed,
    });
    this.#storage = new LogStorage(() => this.#captureSnapshot());
    this.#storage.restore(hardState, meta, opened.entries);
    this.#loop = new RaftLoop(identity.memberId, this.#storage, meta.index, this, options.log.part('raft'));
    this.#applier = new Applier(this.state, meta.index, meta.confState, {
      onApplied: (session, id, applied) => {
        if (session === this.#session) this.#proposals.applied(id, applied);
      },
      applyConfChange: (change) => this.#loop.raw.applyConfChange(change),
      onMembers: () => this.#membersChanged(),
      onLeaseGranted: (id) => this.#leases.granted(id, performance.now()),
    });
    this.#queue = new AppendQueue(log, disk, hardState, {
      onDurable: (append) => this.#durable(append),
      onFlushed: (ms) => this.#loop.timeouts.flushed(ms),
      takeSnapshotState: (snapshot) => this.#states.accepted(snapshot),
    });
    this.#barrier = new ReadBarrier((context) => {
      this.#loop.raw.readIndex(context);
      this.#loop.schedule();
    });
    this.#leases = new LeaseKeeper(this.state.leases, (id) => this.propose({ leaseRevoke: { id } }));
    this.#questions = new LeaderQuestions({
      isLeader: () => this.#isLeader,
      leaderLink: () => this.#peers.link(this.#softState.lead),
      leases: this.#leases,
      change: async (change) => this.#changeAsLeader(change),
    });
    this.#peers = new Peers({
      ownId: identity.memberId,
      clusterId: identity.clusterId,
      ...(options.peerTls === undefined ? {} : { tls: options.peerTls }),
      log: options.log,
      onUnreachable: (id) => this.#loop.raw.reportUnreachable(id),
      onLost: (id) => {
        if (id === this.#softState.lead) this.#loop.leaderLost();
      },
      onSnapshotSent: (id, isSent) => {
        this.#loop.raw.reportSnapshot(id, isSent);
        this.#loop.schedule();
      },
    });
  }

  /** Takes part until `signal` is aborted. @throws what the disk throws; Error when the member was removed */
  async run(signal: AbortSignal): Promise<void> {
    this.#linkPeers();
    this.#loop.start();
    try {
      await new Promise<void>((resolve, reject) => {
        this.#fail = reject;
        this.#queue.failed.catch(reject);
        signal.addEventListener('abort', () => resolve(), { once: true });
        if (signal.aborted) resolve();
      });
      if (this.#isLeader) await this.#loop.resign();
    } finally {
      this.#loop.stop();
      this.#peers.close();
      this.#proposals.fail(new EtcdError('Stopped'));
      this.#barrier.fail(new EtcdError('Stopped'));
      await this.#checkpointer.idle();
      await this.#record.idle();
      await this.#queue.idle();
      await this.#log.close();
    }
  }

  get status(): RaftStatus {
    const { memberId } = this.#identity;
    return {
      ...this.#ids,
      leader: this.#leader,
      term: this.#loop.term,
      index: this.#loop.commit,
      appliedIndex: this.#applier.index,
      isLearner: this.#applier.confState.learners.includes(memberId),
    };
  }

  get members(): readonly ApiMember[] {
    const { learners } = this.#applier.confState;
    return [...this.state.members.values()].map((info) => toApiMember(info, learners.includes(info.id)));
  }

  get clusterId(): number {
    return this.#identity.clusterId;
  }

  get info(): ClusterInfo {
    const { learners } = this.#applier.confState;
    return { clusterId: this.#identity.clusterId, members: [...this.state.members.values()], learners };
  }

  /** What the member measures of itself. */
  get measures(): { readonly flushMs: number; readonly appendedBytes: number; readonly entriesWaiting: number } {
    const entriesWaiting = this.#loop.commit - this.#applier.index;
    return { flushMs: this.#loop.timeouts.flushMs, appendedBytes: this.#log.appendedBytes, entriesWaiting };
  }

  async propose(change: Change): Promise<Applied> {
    this.#checkQuota(change);
    const makeSend = (id: number) => {
      const data = command.encode({ ...change, session: this.#session, id });
      if (data.length > this.#options.requestBytesMax) throw new EtcdError('RequestTooLarge');
      return () => {
        if (this.#softState.lead === 0) return false;
        this.#loop.propose(data, () => this.#proposals.refused(id));
        return true;
      };
    };
    return this.#proposals.propose(performance.now(), makeSend, changeBytes(change));
  }

  async readBarrier(): Promise<void> {
    return this.#barrier.wait(performance.now());
  }

  async changeMembers(change: MemberChange): Promise<ApiMember | undefined> {
    const { memberId } = await this.#questions.ask({ changeMembers: encodeMemberChange(change) });
    // The change is in force at the leader; wait until it is known here.
    await this.readBarrier();
    return this.members.find(({ id }) => id === memberId);
  }

  async moveLeader(id: bigint): Promise<void> {
    if (!this.#isLeader) throw new EtcdError('NotLeader');
    if (!this.#applier.confState.voters.includes(Number(id))) throw new EtcdError('BadLeaderTransferee');
    this.#loop.raw.transferLeader(Number(id));
    this.#loop.schedule();
    for (const endMs = performance.now() + LEADER_TIMEOUT_MS; this.#softState.lead !== Number(id);) {
      if (performance.now() > endMs) throw new EtcdError('TimeoutLeaderFail');
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  }

  async renewLease(id: bigint): Promise<number> {
    return (await this.#questions.ask({ renewLease: id })).time;
  }

  async leaseRemainingMs(id: bigint): Promise<number> {
    return (await this.#questions.ask({ leaseRemaining: id })).time;
  }

  onProgress(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  receive(message: Message): void {
    // Meant for who had this address before: a member that was replaced because its log was damaged.
    if (message.to !== this.#identity.memberId) return;
    this.#loop.receive(message);
  }

  async receiveSnapshot(message: Message, state: readonly Buffer[]): Promise<void> {
    if (message.snapshot === null || message.to !== this.#identity.memberId) return;
    this.#options.log.info('snapshot received', { index: message.snapshot.index, bytes: lengthOf(state) });
    const { index } = message.snapshot;
    await this.#states.offer(index, state, () => this.#loop.receive(message));
  }

  async answerAsLeader(request: LeaderRequest): Promise<Partial<LeaderResponse>> {
    return this.#questions.answer(request);
  }

  append(message: Message): void {
    if (message.snapshot !== null) this.#states.accept(message.snapshot);
    this.#queue.push(message);
  }

  apply(message: Message): void {
    this.#applier.apply(message.entries);
    this.#barrier.applied(this.#applier.index);
    this.#storage.trim(this.#applier.index);
    this.#checkpointer.maybeWrite(() => {
      const { index, confState } = this.#applier;
      return { index, term: this.#storage.term(index) ?? 0, confState };
    });
    this.#notify();
  }

  send(messages: readonly Message[]): void {
    this.#peers.send(messages, ({ snapshot }) => this.#states.outgoing(snapshot));
  }

  onRead({ context, index }: ReadState): void {
    this.#barrier.confirmed(context, index, performance.now());
    this.#barrier.applied(this.#applier.index);
  }

  onSoftState(state: SoftState): void {
    const isNewLeader = state.lead !== this.#softState.lead && state.lead !== 0;
    const { term } = this.#loop;
    this.#options.log.info('raft role', { role: state.role, leader: state.lead.toString(16), term });
    this.#softState = state;
    this.#leader = BigInt(state.lead);
    const nowMs = performance.now();
    this.#leases.leadershipChanged(this.#isLeader, nowMs);
    if (isNewLeader) {
      this.#proposals.leaderChanged(nowMs);
      this.#barrier.leaderChanged(nowMs);
    }
    this.#notify();
  }

  onTick(): void {
    const nowMs = performance.now();
    this.#proposals.tick(nowMs);
    this.#barrier.tick(nowMs);
    this.#leases.tick(nowMs);
    this.#peers.keepOpen();
    if (this.#softState.lead !== 0) this.#record.publish(this.state.members);
  }

  get #isLeader(): boolean {
    return this.#softState.role === 'StateLeader';
  }

  async #changeAsLeader(change: MemberChange): Promise<bigint> {
    const {
      type,
      id: target,
      member,
    } = planMembershipChange(change, {
      members: this.state.members,
      confState: this.#applier.confState,
      status: this.#loop.raw.status(),
      freshId: randomId(),
    });
    await this.#proposals.propose(performance.now(), (id) => {
      const context = changeContext.encode({ session: this.#session, id, member });
      const confChange = { transition: 'auto' as const, steps: [{ type, id: target }], context };
      return () => {
        this.#loop.schedule();
        return this.#loop.raw.proposeConfChange(confChange) === null;
      };
    });
    return BigInt(target);
  }

  #checkQuota(change: Change): void {
    const bytes = changeBytes(change);
    if (bytes === 0 || this.state.store.bytes + bytes <= this.#options.quotaBytes) return;
    const alarm = { action: ALARM_ACTION.activate, memberId: this.status.memberId, alarm: ALARM_TYPE.noSpace };
    if (!this.state.isOutOfSpace) this.propose({ alarm }).catch(() => undefined); // the next write tries again
    throw new EtcdError('NoSpace');
  }

  #durable(append: Message): void {
    const { snapshot, entries } = append;
    if (snapshot !== null) {
      const chunks = this.#states.accepted(snapshot);
      this.#states.settle(snapshot);
      restoreCheckpoint(this.state, chunks);
      this.#storage.applySnapshot(snapshot);
      this.#applier.index = snapshot.index;
      this.#applier.confState = snapshot.confState;
      this.#checkpointer.replaced(lengthOf(chunks));
      this.#membersChanged();
    }
    this.#storage.append(entries);
    this.#loop.respond(append);
    if (snapshot === null) return;
    this.#barrier.applied(this.#applier.index);
    this.#notify();
  }

  #captureSnapshot(): Snapshot {
    const { index, confState } = this.#applier;
    const term = this.#storage.term(index) ?? 0;
    const snapshot: Snapshot = { index, term, confState, data: new Uint8Array(0) };
    this.#states.capture(snapshot, encodeCheckpoint(this.state));
    return snapshot;
  }

  #linkPeers(): void {
    const contacts = new Map((this.#identity.contacts ?? []).map((info) => [info.id, info]));
    this.#peers.update(this.state.members.size > 0 ? this.state.members : contacts);
  }

  #membersChanged(): void {
    this.#linkPeers();
    this.#record.remember(this.state.members);
    const { memberId } = this.#identity;
    if (!this.state.members.has(memberId)) this.#fail(new Error('this member was removed from the cluster'));
  }

  #notify(): void {
    for (const listener of this.#listeners) listener();
  }
}

function lengthOf(chunks: readonly Buffer[]): number {
  return chunks.reduce((bytes, { length }) => bytes + length, 0);
}
