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
import type { Change } from './command.ts';
import type { Member as ApiMember } from './etcd-api/cluster.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import { LeaderQuestions } from './leader-questions.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { CheckpointMeta } from './log/checkpoint-file.ts';
import type { SegmentedLog } from './log/segmented-log.ts';
import { LogStorage } from './log-storage.ts';
import { encodeMemberChange } from './membership-change.ts';
import { MembershipKeeper } from './membership-keeper.ts';
import type { Identity, OpenedMember } from './open-member.ts';
import { OwnRecord } from './own-record.ts';
import type { ClusterInfo, LeaderRequest, LeaderResponse } from './peer/peer-api.ts';
import type { PeerHandler } from './peer/peer-service.ts';
import { Peers } from './peer/peers.ts';
import { Proposer } from './proposer.ts';
import { RaftLoop } from './raft-loop.ts';
import type { RaftOwner } from './raft-loop.ts';
import { ReadBarrier } from './read-barrier.ts';
import { SnapshotStates } from './snapshot-states.ts';
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
  readonly #proposer: Proposer;
  readonly #membership: MembershipKeeper;
  readonly #barrier: ReadBarrier;
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
    this.#proposer = this.#makeProposer();
    this.#membership = this.#makeMembership();
    this.#applier = this.#makeApplier(meta);
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
      change: async (change) => this.#membership.change(change),
    });
    this.#peers = this.#makePeers();
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
      this.#proposer.fail(new EtcdError('Stopped'));
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
    return this.#membership.apiMembers;
  }

  get clusterId(): number {
    return this.#identity.clusterId;
  }

  get info(): ClusterInfo {
    return this.#membership.info;
  }

  /** What the member measures of itself. */
  get measures(): { readonly flushMs: number; readonly appendedBytes: number; readonly entriesWaiting: number } {
    const entriesWaiting = this.#loop.commit - this.#applier.index;
    return { flushMs: this.#loop.timeouts.flushMs, appendedBytes: this.#log.appendedBytes, entriesWaiting };
  }

  async propose(change: Change): Promise<Applied> {
    return this.#proposer.propose(change);
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
    await this.#membership.moveLeader(id);
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
      this.#proposer.leaderChanged(nowMs);
      this.#barrier.leaderChanged(nowMs);
    }
    this.#notify();
  }

  onTick(): void {
    const nowMs = performance.now();
    this.#proposer.tick(nowMs);
    this.#barrier.tick(nowMs);
    this.#leases.tick(nowMs);
    this.#peers.keepOpen();
    if (this.#softState.lead !== 0) this.#record.publish(this.state.members);
  }

  get #isLeader(): boolean {
    return this.#softState.role === 'StateLeader';
  }

  #makeProposer(): Proposer {
    return new Proposer({
      memberId: this.#identity.memberId,
      state: this.state,
      loop: this.#loop,
      hasLeader: () => this.#softState.lead !== 0,
      quotaBytes: this.#options.quotaBytes,
      requestBytesMax: this.#options.requestBytesMax,
    });
  }

  #makeMembership(): MembershipKeeper {
    return new MembershipKeeper({
      clusterId: this.#identity.clusterId,
      members: this.state.members,
      confState: () => this.#applier.confState,
      status: () => this.#loop.raw.status(),
      proposer: this.#proposer,
      transferLeader: (to) => {
        this.#loop.raw.transferLeader(to);
        this.#loop.schedule();
      },
      leader: () => this.#softState.lead,
    });
  }

  #makeApplier(meta: CheckpointMeta): Applier {
    return new Applier(this.state, meta.index, meta.confState, {
      onApplied: (session, id, applied) => this.#proposer.applied(session, id, applied),
      applyConfChange: (change) => this.#loop.raw.applyConfChange(change),
      onMembers: () => this.#membersChanged(),
      onLeaseGranted: (id) => this.#leases.granted(id, performance.now()),
    });
  }

  #makePeers(): Peers {
    return new Peers({
      ownId: this.#identity.memberId,
      clusterId: this.#identity.clusterId,
      ...(this.#options.peerTls === undefined ? {} : { tls: this.#options.peerTls }),
      log: this.#options.log,
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
