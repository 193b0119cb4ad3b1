import type { Transition } from '../../../src/raft/conf-change.ts';
import { EMPTY } from '../../../src/raft/entry.ts';
import { createMessage, isLocalThread } from '../../../src/raft/message.ts';
import type { Message } from '../../../src/raft/message.ts';
import type { RaftConfig } from '../../../src/raft/config.ts';
import { voterIds } from '../../../src/raft/quorum.ts';
import { EMPTY_CONF_STATE, EMPTY_SNAPSHOT } from '../../../src/raft/snapshot.ts';
import type { Snapshot } from '../../../src/raft/snapshot.ts';
import { numbersOf, valueOf } from './data-driven.ts';
import type { Argument, Case } from './data-driven.ts';
import { describeEntries, describeMessage, describeReady, parseSteps } from './describe.ts';
import { TestMember } from './member.ts';
import { Output } from './output.ts';

const ELECTION_TICKS = 3;
const HEARTBEAT_TICKS = 1;
const INFLIGHT_MAX = 2 ** 31 - 1;

/** Plays etcd-io/raft's interaction files: a group of members, their messages on the way, and every step by command. */
export class Environment {
  readonly #members: TestMember[] = [];
  readonly #output = new Output();
  #messages: Message[] = [];

  /** Runs one case. @returns its output */
  run({ command, args, input }: Case): string {
    const output = this.#output;
    output.reset();
    const fault = this.#dispatch(command, args, input);
    if (fault !== null && output.isQuiet) return fault;
    if (fault !== null) output.write(fault);
    return output.text === '' ? 'ok' : output.text;
  }

  #dispatch(command: string, args: readonly Argument[], input: string): string | null {
    const [first = 0, second = 0] = numbersOf(args);
    const node = this.#members[first - 1]?.node;
    switch (command) {
      case '_breakpoint':
        return null;
      case 'add-nodes':
        return this.#addMembers(first, args);
      case 'log-level':
        this.#output.setLevel(args[0]?.key ?? '');
        return null;
      case 'raft-state':
        return this.#printRaftState();
      case 'stabilize':
        return this.#stabilize(args);
      case 'deliver-msgs':
        return this.#deliverCommand(args);
      case 'process-ready':
        return this.#forEach(args, 'handling Ready', (member) => this.#processReady(member));
      case 'process-append-thread':
        return this.#forEach(args, 'processing append thread', (member) => this.#processAppend(member));
      case 'process-apply-thread':
        return this.#forEach(args, 'processing apply thread', (member) => this.#processApply(member));
      case 'transfer-leadership':
        this.#member(Number(valueOf(args, 'from'))).node.transferLeader(Number(valueOf(args, 'to')));
        return null;
      case 'send-snapshot':
        return this.#sendSnapshot(first, second);
      case 'raft-log':
        return this.#printLog(first);
      case 'compact':
        this.#member(first).storage.compact(second);
        return this.#printLog(first);
      default:
        return node === undefined ? 'unknown command' : this.#onNode(command, args, input);
    }
  }

  /** Commands that call one method of one member. */
  #onNode(command: string, args: readonly Argument[], input: string): string | null {
    const [id = 0, other = 0] = numbersOf(args);
    const { node } = this.#member(id);
    switch (command) {
      case 'campaign':
        node.campaign();
        return null;
      case 'forget-leader':
        node.forgetLeader();
        return null;
      case 'propose':
        return node.propose(new TextEncoder().encode(args[1]?.key));
      case 'propose-conf-change':
        return node.proposeConfChange({
          transition: (valueOf(args, 'transition') ?? 'auto') as Transition,
          steps: parseSteps(input),
          context: EMPTY,
          isV1: valueOf(args, 'v1') === 'true',
        });
      case 'report-unreachable':
        node.reportUnreachable(other);
        return null;
      case 'set-randomized-election-timeout':
        node.setRandomizedElectionTicks(Number(valueOf(args, 'timeout')));
        return null;
      case 'status':
        for (const [member, { text }] of node.status().progress) this.#output.write(`${member}: ${text}\n`);
        return null;
      case 'tick-election':
        for (let tick = 0; tick < ELECTION_TICKS; tick += 1) node.tick();
        return null;
      case 'tick-heartbeat':
        node.tick();
        return null;
      default:
        return 'unknown command';
    }
  }

  #addMembers(count: number, args: readonly Argument[]): string | null {
    const ids = (key: string) => (args.find((arg) => arg.key === key)?.values ?? []).map(Number);
    const is = (key: string) => valueOf(args, key) === 'true';
    const index = Number(valueOf(args, 'index') ?? 0);
    const confState = { ...EMPTY_CONF_STATE, voters: ids('voters'), learners: ids('learners') };
    const data = new TextEncoder().encode(valueOf(args, 'content') ?? '');
    const snapshot: Snapshot = index === 0 ? EMPTY_SNAPSHOT : { index, term: 1, confState, data };
    const config: Omit<RaftConfig, 'storage' | 'id'> = {
      electionTicks: ELECTION_TICKS,
      heartbeatTicks: HEARTBEAT_TICKS,
      random: () => 0,
      log: this.#output,
      applied: index,
      maxMessageBytes: Infinity,
      maxApplyingBytes: Number(valueOf(args, 'max-committed-size-per-ready') ?? Infinity),
      maxUncommittedBytes: Infinity,
      maxInflightMessages: Number(valueOf(args, 'inflight') ?? INFLIGHT_MAX),
      maxInflightBytes: Infinity,
      asyncStorageWrites: is('async-storage-writes'),
      preVote: is('prevote'),
      checkQuorum: is('checkquorum'),
      readOnly: valueOf(args, 'read-only') === 'lease-based' ? 'lease' : 'safe',
      disableConfChangeValidation: is('disable-conf-change-validation'),
      stepDownOnRemoval: is('step-down-on-removal'),
    };
    for (let added = 0; added < count; added += 1) {
      this.#members.push(new TestMember({ ...config, id: this.#members.length + 1 }, snapshot));
    }
    return null;
  }

  #processReady(member: TestMember): void {
    const ready = member.node.ready();
    this.#output.write(describeReady(ready));
    this.#messages.push(...member.handle(ready));
  }

  #processAppend(member: TestMember): void {
    const message = member.appendWork.shift();
    if (message === undefined) return this.#output.write('no append work to perform');
    const { term, vote, commit, entries, snapshot } = message;
    this.#output.write(`Processing:\n${describeMessage({ ...message, responses: [] })}\n`);
    member.append({ hardState: { term, vote, commit }, entries, snapshot });
    this.#respond(message);
  }

  #processApply(member: TestMember): void {
    const message = member.applyWork.shift();
    if (message === undefined) return this.#output.write('no apply work to perform');
    this.#output.write(`Processing:\n${describeMessage({ ...message, responses: [] })}\n`);
    member.apply(message.entries);
    this.#respond(message);
  }

  #respond({ responses }: Message): void {
    this.#output.write('Responses:\n');
    for (const response of responses) this.#output.write(`${describeMessage(response)}\n`);
    this.#messages.push(...responses);
  }

  #deliverCommand(args: readonly Argument[]): null {
    const type = valueOf(args, 'type');
    const dropped = args.filter(({ key }) => key === 'drop').flatMap(({ values }) => values.map(Number));
    let count = 0;
    for (const id of numbersOf(args)) count += this.#deliver(id, false, type);
    for (const id of dropped) count += this.#deliver(id, true, type);
    if (count === 0) this.#output.write('no messages\n');
    return null;
  }

  #deliver(to: number, isDropped: boolean, type?: string): number {
    const isMeant = (message: Message) =>
      message.to === to && (type === undefined || message.type === type) && !(isDropped && isLocal(message));
    const { true: chosen = [], false: rest = [] } = Object.groupBy(this.#messages, (message) =>
      isMeant(message) ? 'true' : 'false',
    );
    this.#messages = rest;
    for (const message of chosen) {
      this.#output.write(`${isDropped ? 'dropped: ' : ''}${describeMessage(message)}\n`);
      const refusal = isDropped ? null : this.#member(to).node.step(message);
      if (refusal !== null) this.#output.write(`${refusal}\n`);
    }
    return chosen.length;
  }

  #stabilize(args: readonly Argument[]): null {
    const level = this.#output.level;
    const wanted = valueOf(args, 'log-level');
    if (wanted !== undefined) this.#output.setLevel(wanted);
    const ids = numbersOf(args);
    const members = ids.length === 0 ? this.#members : ids.map((id) => this.#member(id));
    while (this.#stabilizeOnce(members));
    this.#output.setLevel(level);
    return null;
  }

  #stabilizeOnce(members: readonly TestMember[]): boolean {
    let isBusy = false;
    const round = (title: string, hasWork: (member: TestMember) => boolean, act: (member: TestMember) => void) => {
      for (const member of members.filter(hasWork)) {
        isBusy = true;
        this.#output.write(`> ${member.id} ${title}\n`);
        this.#output.indented(() => act(member));
      }
    };
    round(
      'handling Ready',
      (member) => member.node.hasReady(),
      (member) => this.#processReady(member),
    );
    round(
      'receiving messages',
      (member) => this.#messages.some(({ to }) => to === member.id),
      (member) => this.#deliver(member.id, false),
    );
    const appendAll = (member: TestMember) => {
      while (member.appendWork.length > 0) this.#processAppend(member);
    };
    round('processing append thread', (member) => member.appendWork.length > 0, appendAll);
    const applyAll = (member: TestMember) => {
      while (member.applyWork.length > 0) this.#processApply(member);
    };
    round('processing apply thread', (member) => member.applyWork.length > 0, applyAll);
    return isBusy;
  }

  #sendSnapshot(from: number, to: number): null {
    const { node, storage } = this.#member(from);
    const { term } = node.status().hardState;
    const message = createMessage({ type: 'MsgSnap', term, from, to, snapshot: storage.snapshot() });
    this.#messages.push(message);
    this.#output.write(describeMessage(message));
    return null;
  }

  #printLog(id: number): null {
    const { storage } = this.#member(id);
    const [first, last] = [storage.firstIndex(), storage.lastIndex()];
    const entries = storage.entries(first, last + 1, Infinity) ?? [];
    const empty = `log is empty: first index=${first}, last index=${last}`;
    this.#output.write(last < first ? empty : describeEntries(entries));
    return null;
  }

  #printRaftState(): null {
    for (const { id, node } of this.#members) {
      const { membership, softState, hardState } = node.status();
      const kind = voterIds(membership.voters).includes(id) ? '(Voter)' : '(Non-Voter)';
      this.#output.write(`${id}: ${softState.role} ${kind} Term:${hardState.term} Lead:${softState.lead}\n`);
    }
    return null;
  }

  #forEach(args: readonly Argument[], title: string, act: (member: TestMember) => void): null {
    const ids = numbersOf(args);
    for (const id of ids) {
      const member = this.#member(id);
      if (ids.length === 1) {
        act(member);
      } else {
        this.#output.write(`> ${id} ${title}\n`);
        this.#output.indented(() => act(member));
      }
    }
    return null;
  }

  #member(id: number): TestMember {
    const member = this.#members[id - 1];
    if (member === undefined) throw new Error(`there is no member ${id}`);
    return member;
  }
}

function isLocal({ from, to }: Message): boolean {
  return from === to || isLocalThread(from) || isLocalThread(to);
}
