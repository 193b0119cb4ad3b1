import { decodeConfChange } from '../../../src/raft/conf-change.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import type { Entry, Index, MemberId } from '../../../src/raft/entry.ts';
import type { MemoryStorage } from '../../../src/raft/memory-storage.ts';
import { isLocalThread } from '../../../src/raft/message.ts';
import type { Message } from '../../../src/raft/message.ts';
import { RawNode } from '../../../src/raft/raw-node.ts';
import type { Ready } from '../../../src/raft/ready.ts';
import type { ConfState, Snapshot } from '../../../src/raft/snapshot.ts';
import type { Checker } from './checker.ts';
import type { DiskRecord, SimDisk } from './disk.ts';
import type { Random } from './random.ts';

/** A member's settings, without what differs between members. */
export type MemberConfig = Omit<RaftConfig, 'id' | 'storage' | 'random'>;

/** What a member needs of the world. */
export interface World {
  readonly random: Random;
  readonly checker: Checker;
  readonly config: MemberConfig;
  /** Ticks that a flush may take. */
  flushTicksMax: number;
  /** Ticks that applying takes, on average. */
  applyTicks: number;
  send(message: Message): void;
}

/** The owner's state: all commands in order, as a number; and the membership. */
interface Machine {
  readonly index: Index;
  readonly hash: number;
  readonly confState: ConfState;
}

const COMPACT_AFTER = 30;
const KEEP_MAX = 20;

/** One member with its owner: memory that a crash clears, and a disk that it does not. */
export class SimMember {
  readonly id: MemberId;
  readonly disk: SimDisk;
  readonly #world: World;
  #node: RawNode | null = null;
  #machine: Machine = { index: 0, hash: 0, confState: emptyConfState() };
  /** The log with what is not written yet. */
  #view: MemoryStorage;
  #appends: Message[] = [];
  #applies: Message[] = [];
  #flushing: Message[] = [];
  #flushedAt = 0;
  #commit: Index = 0;
  /** How far the commits of this member as a leader were checked. */
  #leaderCommit: Index = 0;
  readonly #reads = new Map<string, Index>();
  #readCount = 0;
  readsDone = 0;

  constructor(id: MemberId, disk: SimDisk, world: World) {
    this.id = id;
    this.disk = disk;
    disk.newest = () => this.#snapshot();
    this.#world = world;
    this.#view = disk.copy();
  }

  /** undefined while the member is down. */
  get node(): RawNode | undefined {
    return this.#node ?? undefined;
  }

  get isLeader(): boolean {
    return this.#node?.softState().role === 'StateLeader';
  }

  get applied(): Index {
    return this.#machine.index;
  }

  get confState(): ConfState {
    return this.#machine.confState;
  }

  boot(): void {
    const { config, random } = this.#world;
    const snapshot = this.disk.latestSnapshot();
    this.#machine = machineOf(snapshot);
    this.#view = this.disk.copy();
    this.#commit = 0;
    this.#leaderCommit = 0;
    const below = (n: number) => random.below(n);
    this.#node = new RawNode({ ...config, id: this.id, storage: this.disk, random: below, applied: snapshot.index });
    this.pump();
  }

  /** The plug is pulled. */
  crash(): void {
    this.#node = null;
    this.disk.crash();
    this.#appends = [];
    this.#applies = [];
    this.#flushing = [];
    this.#reads.clear();
  }

  /** Lets the member do something and takes care of what comes of it. */
  act(what: (node: RawNode) => void): void {
    if (this.#node === null) return;
    what(this.#node);
    this.#checkLeader(this.#node);
    this.pump();
  }

  read(): void {
    this.#readCount += 1;
    const context = `${this.id}.${this.#readCount}`;
    this.#reads.set(context, this.#world.checker.committedMax);
    this.act((node) => node.readIndex(new TextEncoder().encode(context)));
  }

  /** Lets the disk and the state machine go on for one tick. */
  work(now: number): void {
    const { random, flushTicksMax } = this.#world;
    if (this.#flushing.length > 0 && now >= this.#flushedAt) {
      this.disk.flush();
      const done = this.#flushing.splice(0);
      for (const message of done) this.#respond(message);
    }
    if (this.#flushing.length === 0 && this.#appends.length > 0) {
      this.#flushing = this.#appends.splice(0, 1 + random.below(this.#appends.length));
      for (const { term, vote, commit, entries, snapshot } of this.#flushing) {
        this.disk.write(recordsOf({ term, vote, commit }, snapshot, entries));
      }
      this.#flushedAt = now + random.below(flushTicksMax + 1);
    }
    if (this.#applies.length > 0 && random.oneIn(this.#world.applyTicks)) {
      const message = this.#applies.shift();
      if (message === undefined) return;
      this.#apply(message.entries);
      this.#respond(message);
    }
    this.#maybeCompact();
  }

  /** Handles all `Ready` there is, and has the result checked. */
  pump(): void {
    while (this.#node?.hasReady() === true) this.#handle(this.#node, this.#node.ready());
    if (this.#node === null) return;
    const status = this.#node.status();
    this.#world.checker.onStatus(status, this.#view, this.#commit);
    this.#commit = status.hardState.commit;
    this.#leaderCommit = Math.max(this.#leaderCommit, this.#commit);
  }

  #checkLeader(node: RawNode): void {
    if (node.softState().role !== 'StateLeader') return;
    const status = node.status();
    if (status.hardState.commit <= this.#leaderCommit) return;
    this.#leaderCommit = status.hardState.commit;
    this.#world.checker.onLeaderCommit(status, this.#view);
  }

  #handle(node: RawNode, ready: Ready): void {
    const { checker } = this.#world;
    if (ready.snapshot !== null) this.#view.applySnapshot(ready.snapshot);
    for (const entry of ready.entries) {
      checker.onAppend(this.id, entry, this.#view.term(entry.index - 1));
      this.#view.append([entry]);
    }
    for (const { index, context } of ready.readStates) this.#onReadState(index, new TextDecoder().decode(context));
    if (this.#world.config.asyncStorageWrites === true) this.#queue(ready);
    else this.#handleNow(node, ready);
  }

  #queue({ messages }: Ready): void {
    for (const message of messages) {
      if (!isLocalThread(message.to)) this.#world.send(message);
      else if (message.type === 'MsgStorageApply') this.#applies.push(message);
      else this.#queueAppend(message);
    }
  }

  /** A snapshot contains what is still waiting to be applied, and the core has its membership already. */
  #queueAppend(message: Message): void {
    if (message.snapshot !== null) this.#applies = this.#applies.map((apply) => ({ ...apply, entries: [] }));
    this.#appends.push(message);
  }

  #handleNow(node: RawNode, ready: Ready): void {
    this.disk.write(recordsOf(ready.hardState, ready.snapshot, ready.entries));
    if (ready.mustSync || ready.snapshot !== null) this.disk.flush();
    if (ready.snapshot !== null) this.#restore(ready.snapshot);
    for (const message of ready.messages) this.#world.send(message);
    this.#apply(ready.committedEntries);
    node.advance();
    this.#checkLeader(node);
  }

  #respond({ responses, snapshot }: Message): void {
    if (this.#node === null) return;
    if (snapshot !== null) this.#restore(snapshot);
    for (const response of responses) {
      this.#world.checker.onSend(response);
      if (response.to === this.id) this.act((node) => node.step(response));
      else this.#world.send(response);
    }
  }

  #restore(snapshot: Snapshot): void {
    if (snapshot.index <= this.#machine.index) return;
    this.#machine = machineOf(snapshot);
    this.#note();
  }

  #apply(entries: readonly Entry[]): void {
    for (const entry of entries) {
      const { index, hash, confState } = this.#machine;
      if (entry.index !== index + 1) throw new Error(`${this.id} applies ${entry.index} after ${index}`);
      const change = decodeConfChange(entry);
      const isChange = change !== null && this.#node !== null;
      const after = isChange ? this.#node?.applyConfChange(change) : confState;
      if (isChange && this.#node !== null) this.#checkLeader(this.#node);
      this.#machine = { index: entry.index, hash: mix(hash, entry.data), confState: after ?? confState };
      this.#note();
    }
  }

  #note(): void {
    const { index, hash, confState } = this.#machine;
    this.#world.checker.onApply(this.id, index, `${hash} ${JSON.stringify(confState)}`);
  }

  #onReadState(index: Index, context: string): void {
    const asked = this.#reads.get(context);
    if (asked === undefined) return;
    this.#world.checker.onRead(this.id, index, asked);
    this.#reads.delete(context);
    this.readsDone += 1;
  }

  #maybeCompact(): void {
    const { index } = this.#machine;
    if (index - this.disk.firstIndex() < COMPACT_AFTER || !this.#world.random.oneIn(20)) return;
    const snapshot = this.#snapshot();
    if (snapshot === undefined || index <= this.disk.latestSnapshot().index) return;
    const keep = Math.max(this.disk.firstIndex(), index - this.#world.random.below(KEEP_MAX));
    this.disk.write([{ kind: 'compact', snapshot, index: keep }]);
    if (keep >= this.#view.firstIndex()) this.#view.compact(keep);
  }

  #snapshot(): Snapshot | undefined {
    const { index, confState } = this.#machine;
    const term = this.disk.term(index);
    if (term === undefined || index === 0) return undefined;
    return { index, term, confState, data: new TextEncoder().encode(JSON.stringify(this.#machine)) };
  }
}

type State = { readonly term: number; readonly vote: MemberId; readonly commit: Index };

/** In the order that survives a tear anywhere: term and vote, then the log, then how much of it is committed. */
function recordsOf(state: State | null, snapshot: Snapshot | null, entries: readonly Entry[]): DiskRecord[] {
  const isEmpty = state === null || (state.term === 0 && state.vote === 0 && state.commit === 0);
  return [
    ...(isEmpty ? [] : [{ kind: 'vote' as const, term: state.term, vote: state.vote }]),
    ...(snapshot === null ? [] : [{ kind: 'snapshot' as const, snapshot }]),
    ...entries.map((entry) => ({ kind: 'entry' as const, entry })),
    ...(isEmpty ? [] : [{ kind: 'commit' as const, commit: state.commit }]),
  ];
}

function machineOf({ index, confState, data }: Snapshot): Machine {
  if (data.length === 0) return { index, hash: 0, confState };
  return JSON.parse(new TextDecoder().decode(data)) as Machine;
}

function emptyConfState(): ConfState {
  return { voters: [], votersOutgoing: [], learners: [], learnersNext: [], autoLeave: false };
}

/** FNV-1a, continued. */
function mix(hash: number, data: Uint8Array): number {
  let mixed = Math.imul(hash ^ 0x811c9dc5, 0x01000193);
  for (const byte of data) mixed = Math.imul(mixed ^ byte, 0x01000193);
  return mixed >>> 0;
}
