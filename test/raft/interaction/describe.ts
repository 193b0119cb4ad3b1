import { decodeConfChange } from '../../../src/raft/conf-change.ts';
import type { ConfChangeStep, ConfChangeType } from '../../../src/raft/conf-change.ts';
import { NONE } from '../../../src/raft/entry.ts';
import type { Entry } from '../../../src/raft/entry.ts';
import { LOCAL_APPEND_THREAD, LOCAL_APPLY_THREAD } from '../../../src/raft/message.ts';
import type { Message } from '../../../src/raft/message.ts';
import type { Ready } from '../../../src/raft/ready.ts';
import type { Snapshot } from '../../../src/raft/snapshot.ts';
import type { HardState } from '../../../src/raft/storage.ts';

const STEP_LETTERS: Record<ConfChangeType, string> = { addVoter: 'v', addLearner: 'l', remove: 'r', update: 'u' };

/** Parses `v1 l2 r3 u4`. */
export function parseSteps(text: string): ConfChangeStep[] {
  const types: Record<string, ConfChangeType> = { v: 'addVoter', l: 'addLearner', r: 'remove', u: 'update' };
  const tokens = text
    .trim()
    .split(' ')
    .filter((token) => token !== '');
  return tokens.map((token) => {
    const type = types[token.charAt(0)];
    if (type === undefined) throw new Error(`unknown input: ${token}`);
    return { type, id: Number(token.slice(1)) };
  });
}

/** A `Ready`, as etcd prints it. */
export function describeReady(ready: Ready): string {
  const parts: string[] = [];
  if (ready.softState !== null) parts.push(`Lead:${ready.softState.lead} State:${ready.softState.role}\n`);
  if (ready.hardState !== null) parts.push(`HardState ${describeHardState(ready.hardState)}\n`);
  if (ready.readStates.length > 0) {
    const states = ready.readStates.map(({ index, context }) => `{${index} [${context.join(' ')}]}`);
    parts.push(`ReadStates [${states.join(' ')}]\n`);
  }
  if (ready.entries.length > 0) parts.push(`Entries:\n${describeEntries(ready.entries)}`);
  if (ready.snapshot !== null) parts.push(`Snapshot ${describeSnapshot(ready.snapshot)}\n`);
  if (ready.committedEntries.length > 0) parts.push(`CommittedEntries:\n${describeEntries(ready.committedEntries)}`);
  if (ready.messages.length > 0) {
    parts.push('Messages:\n', ...ready.messages.map((message) => `${describeMessage(message)}\n`));
  }
  return parts.length === 0 ? '<empty Ready>' : `Ready MustSync=${ready.mustSync}:\n${parts.join('')}`;
}

/** Entries, one per line. */
export function describeEntries(entries: readonly Entry[]): string {
  return entries.map((entry) => `${describeEntry(entry)}\n`).join('');
}

/** A message, with the responses it carries. */
export function describeMessage(message: Message, indent = ''): string {
  const { from, to, type, term, logTerm, index, entries, responses } = message;
  const parts = [`${indent}${target(from)}->${target(to)} ${type} Term:${term} Log:${logTerm}/${index}`];
  if (message.reject) parts.push(` Rejected (Hint: ${message.rejectHint})`);
  if (message.commit !== 0) parts.push(` Commit:${message.commit}`);
  if (message.vote !== 0) parts.push(` Vote:${message.vote}`);
  const [entry] = entries;
  if (entry !== undefined && entries.length === 1) {
    parts.push(` Entries:[${describeEntry(entry)}]`);
  } else if (entries.length > 1) {
    const lines = entries.map((one) => `\n${indent}  ${describeEntry(one)}`);
    parts.push(` Entries:[${lines.join('')}\n${indent}]`);
  }
  if (message.snapshot !== null && message.snapshot.index > 0) {
    parts.push(`\n${indent}  Snapshot: ${describeSnapshot(message.snapshot)}`);
  }
  if (responses.length > 0) {
    const lines = responses.map((response) => `\n${describeMessage(response, `${indent}  `)}`);
    parts.push(` Responses:[${lines.join('')}\n${indent}]`);
  }
  return parts.join('');
}

function describeEntry(entry: Entry): string {
  const change = decodeConfChange(entry);
  const text =
    change === null
      ? JSON.stringify(new TextDecoder().decode(entry.data))
      : change.steps.map(({ type, id }) => `${STEP_LETTERS[type]}${id}`).join(' ');
  return `${entry.term}/${entry.index} ${entry.type}${text === '' ? '' : ` ${text}`}`;
}

function describeHardState({ term, vote, commit }: HardState): string {
  return `Term:${term}${vote === NONE ? '' : ` Vote:${vote}`} Commit:${commit}`;
}

function describeSnapshot({ index, term, confState }: Snapshot): string {
  const list = (ids: readonly number[]) => `[${ids.join(' ')}]`;
  const { voters, votersOutgoing, learners, learnersNext, autoLeave } = confState;
  const first = `Voters:${list(voters)} VotersOutgoing:${list(votersOutgoing)}`;
  const second = `Learners:${list(learners)} LearnersNext:${list(learnersNext)} AutoLeave:${autoLeave}`;
  return `Index:${index} Term:${term} ConfState:${first} ${second}`;
}

function target(id: number): string {
  if (id === NONE) return 'None';
  if (id === LOCAL_APPEND_THREAD) return 'AppendThread';
  return id === LOCAL_APPLY_THREAD ? 'ApplyThread' : id.toString(16);
}
