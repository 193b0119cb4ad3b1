import type { Settings } from './config.ts';
import { learnCommit } from './commit-by-vote.ts';
import { Core } from './core.ts';
import { isRequestInLease, onHup, onVoteReply, onVoteRequest, rejectVoteRequest } from './election.ts';
import { NONE } from './entry.ts';
import { onAppend, onHeartbeat, onSnapshot } from './follower.ts';
import { onAppendReply, onBeat, onCheckQuorum, onHeartbeatReply, onSnapshotStatus, onUnreachable } from './leader.ts';
import { hex } from './log-sink.ts';
import { createMessage } from './message.ts';
import type { Message, MessageType } from './message.ts';
import { onProposal } from './proposal.ts';
import { onReadIndex, onReadIndexReply } from './read-index.ts';
import type { Refusal } from './refusal.ts';
import { onSnapshotStored, onStorageAppendReply, onStorageApplyReply } from './storage-replies.ts';
import { onForgetLeader, onTimeoutNow, onTransferLeader } from './transfer.ts';

/** Messages that only the leader of their term sends. */
const FROM_LEADER: ReadonlySet<MessageType> = new Set<MessageType>(['MsgApp', 'MsgHeartbeat', 'MsgSnap']);

/** Messages of elections. */
const VOTES: ReadonlySet<MessageType> = new Set<MessageType>([
  'MsgVote',
  'MsgVoteResp',
  'MsgPreVote',
  'MsgPreVoteResp',
]);

/** The state machine: messages and ticks in, messages and entries out, through `core`. */
export class Raft {
  readonly core: Core;

  constructor(settings: Settings) {
    this.core = new Core(settings);
  }

  /** Lets one tick pass. */
  tick(): void {
    if (this.core.role === 'StateLeader') this.#tickLeader();
    else this.#tickElection();
  }

  /** Takes in one message. @returns why it was refused, or null */
  step(message: Message): Refusal | null {
    if (VOTES.has(message.type)) learnCommit(this.core, message);
    if (message.term !== 0 && !this.#acceptsTerm(message)) return null;
    const { core } = this;
    switch (message.type) {
      case 'MsgProp':
        return onProposal(core, message);
      case 'MsgHup':
        onHup(core, core.settings.preVote ? 'preElection' : 'election');
        break;
      case 'MsgVote':
      case 'MsgPreVote':
        onVoteRequest(core, message);
        break;
      case 'MsgVoteResp':
      case 'MsgPreVoteResp':
        onVoteReply(core, message);
        break;
      case 'MsgApp':
        onAppend(core, message);
        break;
      case 'MsgHeartbeat':
        onHeartbeat(core, message);
        break;
      case 'MsgSnap':
        onSnapshot(core, message);
        break;
      case 'MsgBeat':
        onBeat(core);
        break;
      case 'MsgCheckQuorum':
        onCheckQuorum(core);
        break;
      case 'MsgAppResp':
        onAppendReply(core, message);
        break;
      case 'MsgHeartbeatResp':
        onHeartbeatReply(core, message);
        break;
      case 'MsgSnapStatus':
        onSnapshotStatus(core, message);
        break;
      case 'MsgUnreachable':
        onUnreachable(core, message);
        break;
      case 'MsgTransferLeader':
        onTransferLeader(core, message);
        break;
      case 'MsgTimeoutNow':
        onTimeoutNow(core, message);
        break;
      case 'MsgForgetLeader':
        onForgetLeader(core);
        break;
      case 'MsgReadIndex':
        onReadIndex(core, message);
        break;
      case 'MsgReadIndexResp':
        onReadIndexReply(core, message);
        break;
      case 'MsgStorageAppendResp':
        onStorageAppendReply(core, message);
        break;
      case 'MsgStorageApplyResp':
        onStorageApplyReply(core, message);
        break;
      case 'MsgStorageAppend':
      case 'MsgStorageApply':
        break; // for the storage threads, not for us
      default:
        message.type satisfies never;
    }
    return null;
  }

  /** Compares terms first (Raft paper section 5.1). @returns whether the message is still to be taken in */
  #acceptsTerm(message: Message): boolean {
    if (message.term > this.core.term) return this.#acceptsHigherTerm(message);
    if (message.term === this.core.term) return true;
    this.#onLowerTerm(message);
    return false;
  }

  #acceptsHigherTerm(message: Message): boolean {
    const { core } = this;
    const { type, from, term } = message;
    const isRequest = type === 'MsgVote' || type === 'MsgPreVote';
    if (isRequest && isRequestInLease(core, message)) return false;
    // A pre-vote is about a term in which nobody is yet: asking and granting leave everyone's term alone.
    if (type === 'MsgPreVote' || (type === 'MsgPreVoteResp' && !message.reject)) return true;
    const what = `received a ${type} message with higher term from ${hex(from)} [term: ${term}]`;
    core.settings.log.info(`${hex(core.id)} [term: ${core.term}] ${what}`);
    core.becomeFollower(term, FROM_LEADER.has(type) ? from : NONE);
    return true;
  }

  #onLowerTerm(message: Message): void {
    const { core } = this;
    const { type, from, term, snapshot } = message;
    const { settings } = core;
    const prefix = `${hex(core.id)} [term: ${core.term}]`;
    if ((settings.checkQuorum || settings.preVote) && (type === 'MsgHeartbeat' || type === 'MsgApp')) {
      // A leader whose term we have passed, while our requests for votes are ignored for its sake: tell it our term.
      core.send({ type: 'MsgAppResp', to: from });
    } else if (type === 'MsgPreVote') {
      // Silence could leave a candidate of a lower term, whose log is ahead of ours, without an answer for ever.
      rejectVoteRequest(core, message);
    } else if (type === 'MsgStorageAppendResp') {
      // Entries of a new term may be on their way to the same place, so these must not count as stable.
      if (message.index !== 0) {
        const what = `ignored entry appends from a ${type} message with lower term [term: ${term}]`;
        settings.log.info(`${prefix} ${what}`);
      }
      if (snapshot !== null) onSnapshotStored(core, snapshot);
    } else {
      settings.log.info(`${prefix} ignored a ${type} message with lower term from ${hex(from)} [term: ${term}]`);
    }
  }

  #tickElection(): void {
    const { core } = this;
    core.electionElapsed += 1;
    if (!core.isPromotable || core.electionElapsed < core.randomizedElectionTicks) return;
    core.electionElapsed = 0;
    this.step(createMessage({ type: 'MsgHup', from: core.id }));
  }

  #tickLeader(): void {
    const { core } = this;
    core.heartbeatElapsed += 1;
    core.electionElapsed += 1;
    if (core.electionElapsed >= core.electionTicks) {
      core.electionElapsed = 0;
      if (core.settings.checkQuorum) this.step(createMessage({ type: 'MsgCheckQuorum', from: core.id }));
      core.transferee = NONE; // the successor had its time
    }
    if (core.role !== 'StateLeader' || core.heartbeatElapsed < core.heartbeatTicks) return;
    core.heartbeatElapsed = 0;
    this.step(createMessage({ type: 'MsgBeat', from: core.id }));
  }
}
