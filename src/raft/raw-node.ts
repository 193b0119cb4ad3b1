import { applyConfChange } from './change-applied.ts';
import { encodeConfChange } from './conf-change.ts';
import type { ConfChange } from './conf-change.ts';
import { settle, tickFaults } from './config.ts';
import type { RaftConfig } from './config.ts';
import { entriesSize } from './entry.ts';
import type { Entry, MemberId } from './entry.ts';
import { invariant } from './invariant.ts';
import { createMessage, isLocalMessage, isLocalThread, isResponseMessage } from './message.ts';
import type { Message } from './message.ts';
import { Raft } from './raft.ts';
import type { Ready, SoftState } from './ready.ts';
import type { Refusal } from './refusal.ts';
import type { ConfState } from './snapshot.ts';
import { statusOf } from './status.ts';
import type { Status } from './status.ts';
import { isEmptyHardState, isSameHardState } from './storage.ts';
import type { HardState } from './storage.ts';
import { storageAppend, storageAppendReply, storageApply, storageApplyReply } from './storage-messages.ts';

/**
 * One member of a Raft group, as its owner drives it: ticks, proposals and messages in, `Ready` out.
 * README.md in this folder says what the owner must do, in which order.
 */
export class RawNode {
  readonly #raft: Raft;
  readonly #isAsync: boolean;
  #softState: SoftState;
  #hardState: HardState;
  /** Delivered to ourselves by `advance()`. */
  #stepsOnAdvance: Message[] = [];
  #isReadyOut = false;

  /** @throws RangeError on a wrong configuration, InvariantError on a storage that contradicts itself */
  constructor(config: RaftConfig) {
    const settings = settle(config);
    this.#raft = new Raft(settings);
    this.#isAsync = settings.asyncStorageWrites;
    this.#softState = this.#raft.core.softState();
    this.#hardState = this.#raft.core.hardState();
  }

  /** Lets one tick of the owner's clock pass. */
  tick(): void {
    this.#raft.tick();
  }

  /** Takes in a message from another member, or a storage thread's response. @returns why it was refused, or null */
  step(message: Message): Refusal | null {
    const { type, from } = message;
    if (!isLocalThread(from)) {
      if (isLocalMessage(type)) return 'raft: cannot step raft local message';
      const isKnown = this.#raft.core.tracker.progress.has(from);
      if (isResponseMessage(type) && !isKnown) return 'raft: cannot step as peer not found';
    }
    return this.#raft.step(message);
  }

  /** Proposes a command. It may be lost even if it was not refused: the owner proposes again, and tells twins apart. */
  propose(data: Uint8Array): Refusal | null {
    return this.#propose({ type: 'EntryNormal', data });
  }

  /** Proposes several commands, which stand in the log one after the other. */
  proposeAll(commands: readonly Uint8Array[]): Refusal | null {
    return this.#propose(...commands.map((data) => ({ type: 'EntryNormal' as const, data })));
  }

  /** Proposes a change of membership. Not allowed at the moment, it becomes an empty entry, which the owner sees pass. */
  proposeConfChange(change: ConfChange): Refusal | null {
    return this.#propose(encodeConfChange(change));
  }

  /**
   * Puts a change in force: to be called for each committed entry with one, unless the owner decides against it.
   *
   * @returns the membership now, for the owner's records and snapshots
   */
  applyConfChange(change: ConfChange): ConfState {
    return applyConfChange(this.#raft.core, change);
  }

  /** Starts an election now. */
  campaign(): void {
    this.#raft.step(createMessage({ type: 'MsgHup' }));
  }

  /** Asks the leader to make another voter its successor, within an election timeout; proposals are dropped meanwhile. */
  transferLeader(to: MemberId): void {
    this.#raft.step(createMessage({ type: 'MsgTransferLeader', from: to }));
  }

  /** As a follower, stops believing in the leader, without a change of term. */
  forgetLeader(): void {
    this.#raft.step(createMessage({ type: 'MsgForgetLeader' }));
  }

  /**
   * Asks for an index to read at. It comes as a `ReadState` with this context in a later `Ready`, or never: the owner
   * asks again after a while.
   *
   * @param context tells the owner's reads apart, across its restarts too
   */
  readIndex(context: Uint8Array): void {
    const entries: Entry[] = [{ term: 0, index: 0, type: 'EntryNormal', data: context }];
    this.#raft.step(createMessage({ type: 'MsgReadIndex', entries }));
  }

  /** Tells that what was sent to a member last probably did not arrive. */
  reportUnreachable(id: MemberId): void {
    this.#raft.step(createMessage({ type: 'MsgUnreachable', from: id }));
  }

  /** Tells how the sending of a `MsgSnap` ended: to be called for each one, or its target stays without entries. */
  reportSnapshot(id: MemberId, isSent: boolean): void {
    this.#raft.step(createMessage({ type: 'MsgSnapStatus', from: id, reject: !isSent }));
  }

  /**
   * Changes the timeouts, in ticks, from now on. Safety never depends on them, except that of reads by lease.
   *
   * @throws RangeError as the constructor does
   */
  setTicks(electionTicks: number, heartbeatTicks: number): void {
    const wrong = tickFaults(electionTicks, heartbeatTicks);
    if (wrong.length > 0) throw new RangeError(wrong.join('; '));
    const { core } = this.#raft;
    const isChanged = electionTicks !== core.electionTicks;
    core.heartbeatTicks = heartbeatTicks;
    core.electionTicks = electionTicks;
    if (isChanged) core.resetElectionTimeout();
  }

  /** Sets the time to the next election, until the role changes: for tests. */
  setRandomizedElectionTicks(ticks: number): void {
    this.#raft.core.randomizedElectionTicks = ticks;
  }

  /** Who leads, as far as we know, and what we are: cheaper than `status()`. */
  softState(): SoftState {
    return this.#raft.core.softState();
  }

  status(): Status {
    return statusOf(this.#raft.core);
  }

  /** Whether `ready()` has anything to hand out. */
  hasReady(): boolean {
    const { core } = this.#raft;
    const { unstable } = core.raftLog;
    const hardState = core.hardState();
    return (
      core.outbox.length > 0 ||
      core.outboxAfterAppend.length > 0 ||
      core.readStates.length > 0 ||
      !this.#isSameSoftState() ||
      (!isEmptyHardState(hardState) && !isSameHardState(hardState, this.#hardState)) ||
      unstable.nextSnapshot() !== null ||
      unstable.hasNextEntries() ||
      core.raftLog.hasNextCommitted(!this.#isAsync)
    );
  }

  /**
   * Hands out the work that has gathered. Without `asyncStorageWrites`, `advance()` must come before the next call.
   * All of it must be done; nothing is handed out twice.
   */
  ready(): Ready {
    invariant(!this.#isReadyOut, 'two accepted Ready structs without call to advance');
    const { core } = this.#raft;
    const { unstable } = core.raftLog;
    const hardState = core.hardState();
    const stored = this.#hardState;
    const entries = unstable.nextEntries();
    const work = {
      softState: this.#isSameSoftState() ? null : core.softState(),
      hardState: isSameHardState(hardState, stored) || isEmptyHardState(hardState) ? null : hardState,
      readStates: core.readStates,
      entries,
      snapshot: unstable.nextSnapshot(),
      committedEntries: core.raftLog.nextCommitted(!this.#isAsync),
      mustSync: entries.length > 0 || hardState.vote !== stored.vote || hardState.term !== stored.term,
    };
    const messages = [...core.outbox, ...(this.#isAsync ? this.#storageWork(work) : this.#promisesToOthers())];
    const ready: Ready = { ...work, messages };
    this.#accept(ready);
    return ready;
  }

  /** Tells that all of the last `Ready` is done. Not with `asyncStorageWrites`: the responses take its place. */
  advance(): void {
    invariant(!this.#isAsync, 'advance must not be called with asyncStorageWrites');
    this.#isReadyOut = false;
    const steps = this.#stepsOnAdvance;
    this.#stepsOnAdvance = [];
    for (const message of steps) this.#raft.step(message);
  }

  #propose(...proposals: readonly Pick<Entry, 'type' | 'data'>[]): Refusal | null {
    const entries = proposals.map(({ type, data }) => ({ term: 0, index: 0, type, data }));
    return this.#raft.step(createMessage({ type: 'MsgProp', from: this.#raft.core.id, entries }));
  }

  #isSameSoftState(): boolean {
    const { lead, role } = this.#raft.core;
    return lead === this.#softState.lead && role === this.#softState.role;
  }

  #storageWork(work: Omit<Ready, 'messages'>): Message[] {
    const { core } = this.#raft;
    const append = storageAppend(core, work);
    const messages = append === null ? [] : [append];
    if (work.committedEntries.length > 0) messages.push(storageApply(core, work.committedEntries));
    return messages;
  }

  #promisesToOthers(): Message[] {
    const { core } = this.#raft;
    return core.outboxAfterAppend.filter((message) => message.to !== core.id);
  }

  #accept({ softState, hardState, snapshot, committedEntries }: Ready): void {
    const { core } = this.#raft;
    if (softState !== null) this.#softState = softState;
    if (hardState !== null) this.#hardState = hardState;
    if (!this.#isAsync) {
      this.#isReadyOut = true;
      this.#stepsOnAdvance = core.outboxAfterAppend.filter((message) => message.to === core.id);
      const stored = storageAppendReply(core, snapshot);
      if (stored !== null) this.#stepsOnAdvance.push(stored);
      if (committedEntries.length > 0) this.#stepsOnAdvance.push(storageApplyReply(core, committedEntries));
    }
    core.readStates = [];
    core.outbox = [];
    core.outboxAfterAppend = [];
    core.raftLog.unstable.accept();
    const last = committedEntries.at(-1);
    if (last !== undefined) core.raftLog.acceptApplying(last.index, entriesSize(committedEntries), !this.#isAsync);
  }
}
