import type { Entry, Index, MemberId, Term } from '../../../src/raft/entry.ts';
import { majorityVote } from '../../../src/raft/quorum.ts';
import type { Message } from '../../../src/raft/message.ts';
import { EMPTY_HARD_STATE } from '../../../src/raft/storage.ts';
import type { HardState } from '../../../src/raft/storage.ts';
import type { Status } from '../../../src/raft/status.ts';

/** A property that must never fail has failed. */
export class ViolationError extends Error {
  override readonly name = 'ViolationError';
}

/** What the checker sees of a member's log: all that was handed out for writing, written or not. */
export interface LogView {
  firstIndex(): Index;
  lastIndex(): Index;
  term(index: Index): Term | undefined;
}

/** What would survive a crash of a member. */
export interface Durable {
  /** Whether this entry would, or a snapshot after it. */
  isDurable(index: Index, term: Term): boolean;
  durableState(): HardState;
  durableLastIndex(): Index;
}

/** A committed entry, and the term in which it was: leaders of later terms must have it. */
interface Committed {
  readonly term: Term;
  readonly inTerm: Term;
}

interface Known {
  readonly data: Uint8Array;
  readonly previousTerm: Term;
}

/** Sees everything that all members do, and throws when a property of Raft does not hold (Raft paper figure 3). */
export class Checker {
  readonly #leaders = new Map<Term, MemberId>();
  readonly #votes = new Map<string, MemberId>();
  readonly #entries = new Map<string, Known>();
  readonly #committed = new Map<Index, Committed>();
  readonly #states = new Map<Index, string>();
  readonly #diskOf: (id: MemberId) => Durable | undefined;
  /** Highest index that any member has known to be committed. */
  committedMax = 0;

  /** Elections won so far. */
  get leaderCount(): number {
    return this.#leaders.size;
  }

  constructor(diskOf: (id: MemberId) => Durable | undefined) {
    this.#diskOf = diskOf;
  }

  /** What leaves a member as a promise is on its disk already (Raft thesis section 3.8). */
  onSend(message: Message): void {
    if (message.reject) return;
    if (message.type === 'MsgVoteResp') this.#onVote(message);
    if (message.type !== 'MsgAppResp') return;
    const { from, index, term } = message;
    const disk = this.#diskOf(from);
    const stored = disk?.durableState().term ?? 0;
    this.#require(stored >= term, `${from} answers in term ${term}, on its disk is term ${stored}`);
    // The leader of a later term may have cut the log in the same flush: as if the answer had been late.
    const last = stored > term ? Infinity : (disk?.durableLastIndex() ?? 0);
    this.#require(index <= last, `${from} promises to hold up to ${index}, its disk has ${last}`);
  }

  /**
   * Log matching: a term and an index name one entry with one predecessor, wherever it stands. By induction, logs with a
   * common entry are the same up to it.
   */
  onAppend(id: MemberId, entry: Entry, previousTerm: Term | undefined): void {
    const key = `${entry.term}/${entry.index}`;
    const known = this.#entries.get(key) ?? { data: entry.data, previousTerm: previousTerm ?? 0 };
    this.#entries.set(key, known);
    this.#require(isSameBytes(known.data, entry.data), `${id} appends another entry ${key}`);
    const matches = previousTerm === undefined || known.previousTerm === previousTerm;
    this.#require(matches, `${id} appends ${key} after term ${previousTerm}, another after ${known.previousTerm}`);
  }

  /** What a leader commits is on the disks of a quorum. Called before the membership can have changed. */
  onLeaderCommit({ id, hardState, membership }: Status, log: LogView): void {
    const { incoming, outgoing } = membership.voters;
    const index = hardState.commit;
    const term = log.term(index) ?? 0;
    for (const half of [incoming, outgoing]) {
      const held = new Map([...half].map((voter) => [voter, this.#diskOf(voter)?.isDurable(index, term) === true]));
      const holders = [...held].filter(([, isHeld]) => isHeld).map(([voter]) => voter);
      const text = `${id} commits ${index}, which survives a crash on [${holders.join(' ')}] of [${[...half].join(' ')}]`;
      this.#require(majorityVote(half, held) === 'won', text);
    }
  }

  /** Election safety, leader completeness, and that everyone commits the same. */
  onStatus(status: Status, log: LogView, previousCommit: Index): void {
    const { id, softState, hardState } = status;
    const isLeader = softState.role === 'StateLeader';
    if (isLeader) this.#onLeader(id, hardState.term, log);
    this.#require(hardState.commit >= previousCommit, `${id} takes back commit ${previousCommit}`);
    for (let index = Math.max(previousCommit + 1, log.firstIndex()); index <= hardState.commit; index += 1) {
      const term = log.term(index);
      this.#require(term !== undefined, `${id} commits ${index}, which it does not hold`);
      const known = this.#committed.get(index) ?? { term, inTerm: hardState.term };
      this.#require(known.term === term, `${id} commits ${index} of term ${term}, another had term ${known.term}`);
      this.#committed.set(index, known);
    }
    this.committedMax = Math.max(this.committedMax, hardState.commit);
  }

  /** State machine safety: whoever has applied up to an index has the same state. */
  onApply(id: MemberId, index: Index, state: string): void {
    const known = this.#states.get(index) ?? state;
    this.#require(known === state, `${id} has at ${index} the state ${state}, another had ${known}`);
    this.#states.set(index, state);
  }

  /** Linearizable reads: a read sees all that anyone knew to be committed when it was asked for. */
  onRead(id: MemberId, index: Index, committedWhenAsked: Index): void {
    this.#require(index >= committedWhenAsked, `${id} may read at ${index}, committed was ${committedWhenAsked}`);
  }

  /** Election safety, from the voter's side: one vote in a term, also across a crash. */
  #onVote({ from, to, term }: Message): void {
    const key = `${from} in term ${term}`;
    const other = this.#votes.get(key) ?? to;
    this.#require(other === to, `${key} voted for ${other} and for ${to}`);
    this.#votes.set(key, to);
    const stored = this.#diskOf(from)?.durableState() ?? EMPTY_HARD_STATE;
    const isStored = stored.term > term || (stored.term === term && stored.vote === to);
    this.#require(isStored, `${key} votes for ${to}, on its disk is term ${stored.term} vote ${stored.vote}`);
  }

  #onLeader(id: MemberId, term: Term, log: LogView): void {
    const other = this.#leaders.get(term);
    this.#require(other === undefined || other === id, `${other} and ${id} both lead term ${term}`);
    if (other !== undefined) return;
    this.#leaders.set(term, id);
    for (let index = log.firstIndex(); index <= this.committedMax; index += 1) {
      const known = this.#committed.get(index);
      if (known === undefined || known.inTerm >= term) continue; // votes may arrive after a later term's election
      const ours = log.term(index);
      this.#require(ours === known.term, `${id} leads term ${term} with ${index} of term ${ours}, not ${known.term}`);
    }
  }

  #require(isTrue: boolean, text: string): asserts isTrue {
    if (!isTrue) throw new ViolationError(text);
  }
}

function isSameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left === right || (left.length === right.length && left.every((byte, at) => byte === right[at]));
}
