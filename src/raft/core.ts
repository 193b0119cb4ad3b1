import { restoreMembership } from './restore-membership.ts';
import type { Settings } from './config.ts';
import { NONE, payloadSize } from './entry.ts';
import type { Entry, Index, MemberId, Term } from './entry.ts';
import { invariant } from './invariant.ts';
import { hex } from './log-sink.ts';
import { describeMembership, toConfState } from './membership.ts';
import { createMessage } from './message.ts';
import type { Message, MessageFields } from './message.ts';
import type { Progress } from './progress.ts';
import { voterIds } from './quorum.ts';
import { RaftLog } from './raft-log.ts';
import { ReadOnly } from './read-only.ts';
import type { ReadState, Role, SoftState } from './ready.ts';
import { isSameConfState } from './snapshot.ts';
import type { ConfState } from './snapshot.ts';
import { isEmptyHardState } from './storage.ts';
import type { HardState } from './storage.ts';
import { Tracker } from './tracker.ts';

/** Answers that promise something: they wait until what they promise is on our disk (Raft thesis section 3.8). */
const PROMISES: ReadonlySet<string> = new Set(['MsgAppResp', 'MsgVoteResp', 'MsgPreVoteResp']);

/** Messages whose term is the one asked for, set by the sender. */
const CAMPAIGN: ReadonlySet<string> = new Set(['MsgVote', 'MsgVoteResp', 'MsgPreVote', 'MsgPreVoteResp']);

/** A member's state and its transitions between roles. What each message does to it is in the files around it. */
export class Core {
  readonly id: MemberId;
  readonly settings: Settings;
  readonly raftLog: RaftLog;
  readonly tracker: Tracker;
  term: Term = 0;
  vote: MemberId = NONE;
  lead: MemberId = NONE;
  role: Role = 'StateFollower';
  /** We are a learner in the membership in force. */
  isLearner = false;
  /** Whom the leader is making its successor. */
  transferee: MemberId = NONE;
  /** No membership change may be proposed until this index is applied: one at a time. */
  pendingConfIndex: Index = 0;
  electionElapsed = 0;
  heartbeatElapsed = 0;
  electionTicks: number;
  heartbeatTicks: number;
  /** Of the role's period: from `electionTicks` to twice as many, less one. */
  randomizedElectionTicks = 0;
  /** Data in the leader's uncommitted tail; at most what there really is. */
  uncommittedBytes = 0;
  readOnly = new ReadOnly();
  /** Reads that came before this leader had committed an entry of its term. */
  earlyReads: Message[] = [];
  readStates: ReadState[] = [];
  /** To be sent at once. */
  outbox: Message[] = [];
  /** To be sent, or delivered to ourselves, when all that is unstable now is on the disk. */
  outboxAfterAppend: Message[] = [];

  constructor(settings: Settings) {
    const { storage, log } = settings;
    this.id = settings.id;
    this.settings = settings;
    this.electionTicks = settings.electionTicks;
    this.heartbeatTicks = settings.heartbeatTicks;
    this.raftLog = new RaftLog(storage, log, settings.maxApplyingBytes);
    this.tracker = new Tracker({ messages: settings.maxInflightMessages, bytes: settings.maxInflightBytes });
    const { hardState, confState } = storage.initialState();
    this.restoreMembership(confState);
    if (!isEmptyHardState(hardState)) {
      this.raftLog.loadCommit(hardState.commit);
      this.term = hardState.term;
      this.vote = hardState.vote;
    }
    if (settings.applied > 0) this.raftLog.appliedTo(settings.applied, 0);
    this.becomeFollower(this.term, NONE);
    this.#logStart();
  }

  softState(): SoftState {
    return { lead: this.lead, role: this.role };
  }

  hardState(): HardState {
    return { term: this.term, vote: this.vote, commit: this.raftLog.committed };
  }

  /** Our own progress; undefined when we are no member. */
  get ownProgress(): Progress | undefined {
    return this.tracker.progress.get(this.id);
  }

  /** Whether we may campaign: a voter whose state is whole. */
  get isPromotable(): boolean {
    return this.ownProgress?.isLearner === false && this.raftLog.unstable.snapshot === null;
  }

  /** Puts a message in the right outbox, with our id and term. */
  send(fields: MessageFields): void {
    const { type } = fields;
    const isTermless = type === 'MsgProp' || type === 'MsgReadIndex';
    const term = CAMPAIGN.has(type) ? fields.term : isTermless ? 0 : this.term;
    invariant(term !== undefined, () => `term should be set when sending ${type}`);
    const from = fields.from === undefined || fields.from === NONE ? this.id : fields.from;
    const message = createMessage({ ...fields, from, term });
    if (PROMISES.has(type)) {
      this.outboxAfterAppend.push(message);
    } else {
      invariant(message.to !== this.id, () => `message should not be self-addressed when sending ${type}`);
      this.outbox.push(message);
    }
  }

  becomeFollower(term: Term, lead: MemberId): void {
    this.#reset(term);
    this.lead = lead;
    this.role = 'StateFollower';
    this.settings.log.info(`${hex(this.id)} became follower at term ${this.term}`);
  }

  /** Raises the term and votes for ourselves. */
  becomeCandidate(): void {
    invariant(this.role !== 'StateLeader', 'invalid transition [leader -> candidate]');
    this.#reset(this.term + 1);
    this.vote = this.id;
    this.role = 'StateCandidate';
    this.settings.log.info(`${hex(this.id)} became candidate at term ${this.term}`);
  }

  /** Asks whether an election could be won; neither term nor vote change. */
  becomePreCandidate(): void {
    invariant(this.role !== 'StateLeader', 'invalid transition [leader -> pre-candidate]');
    this.tracker.resetVotes();
    this.lead = NONE;
    this.role = 'StatePreCandidate';
    this.settings.log.info(`${hex(this.id)} became pre-candidate at term ${this.term}`);
  }

  becomeLeader(): void {
    invariant(this.role !== 'StateFollower', 'invalid transition [follower -> leader]');
    this.#reset(this.term);
    this.lead = this.id;
    this.role = 'StateLeader';
    const own = this.ownProgress;
    invariant(own !== undefined, 'a leader is a member');
    own.becomeReplicate();
    own.isRecentlyActive = true;
    // Our log may hold a membership change that is not applied: take its last entry for one.
    this.pendingConfIndex = this.raftLog.lastIndex();
    // An entry of our own term, so that older ones can be committed (Raft paper section 8).
    const isAppended = this.appendEntries([{ type: 'EntryNormal', data: new Uint8Array(0) }]);
    invariant(isAppended, 'empty entry was dropped');
    this.settings.log.info(`${hex(this.id)} became leader at term ${this.term}`);
  }

  /** Adds entries of our term to our log. False, and nothing is added, if the uncommitted tail would grow too long. */
  appendEntries(proposals: readonly Pick<Entry, 'type' | 'data'>[]): boolean {
    let index = this.raftLog.lastIndex();
    const entries = proposals.map(({ type, data }) => ({ term: this.term, index: (index += 1), type, data }));
    const bytes = payloadSize(entries);
    // One entry of any size may pass when there is no other, and an empty one always.
    const isTooMuch = this.uncommittedBytes + bytes > this.settings.maxUncommittedBytes;
    if (this.uncommittedBytes > 0 && bytes > 0 && isTooMuch) {
      const reason = 'appending new entries to log would exceed uncommitted entry size limit; dropping proposal';
      this.settings.log.warn(`${hex(this.id)} ${reason}`);
      return false;
    }
    this.uncommittedBytes += bytes;
    // To ourselves, to be counted when the entries are on our disk: others may have made the quorum by then.
    this.send({ type: 'MsgAppResp', to: this.id, index: this.raftLog.append(entries) });
    return true;
  }

  /** Whether the leader has committed an entry of its term, and so knows what is committed (Raft paper section 8). */
  hasCommittedInTerm(): boolean {
    return this.raftLog.term(this.raftLog.committed) === this.term;
  }

  /** Draws the time to the next election anew. */
  resetElectionTimeout(): void {
    this.randomizedElectionTicks = this.electionTicks + this.settings.random(this.electionTicks);
  }

  /** Takes the membership from storage or a snapshot. */
  restoreMembership(confState: ConfState): void {
    const { limits } = this.tracker;
    const { membership, progress } = restoreMembership(confState, { lastIndex: this.raftLog.lastIndex(), limits });
    this.tracker.install(membership, progress);
    const restored = toConfState(membership);
    invariant(isSameConfState(restored, confState), 'the stored membership is not the one that was restored from it');
    this.noteMembership();
  }

  /** To be called after the membership changed. */
  noteMembership(): void {
    const text = describeMembership(this.tracker.membership);
    this.settings.log.info(`${hex(this.id)} switched to configuration ${text}`);
    this.isLearner = this.ownProgress?.isLearner === true;
  }

  #reset(term: Term): void {
    if (this.term !== term) {
      this.term = term;
      this.vote = NONE;
    }
    this.lead = NONE;
    this.electionElapsed = 0;
    this.heartbeatElapsed = 0;
    this.resetElectionTimeout();
    this.transferee = NONE;
    this.tracker.reset(this.id, this.raftLog.lastIndex());
    this.pendingConfIndex = 0;
    this.uncommittedBytes = 0;
    this.readOnly = new ReadOnly();
    this.earlyReads = [];
  }

  #logStart(): void {
    const { term, raftLog } = this;
    const peers = voterIds(this.tracker.membership.voters).map(hex).join(',');
    const last = raftLog.lastId();
    const positions = `term: ${term}, commit: ${raftLog.committed}, applied: ${raftLog.applied}`;
    const end = `lastindex: ${last.index}, lastterm: ${last.term}`;
    this.settings.log.info(`newRaft ${hex(this.id)} [peers: [${peers}], ${positions}, ${end}]`);
  }
}
