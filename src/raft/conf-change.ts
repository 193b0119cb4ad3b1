import { EMPTY } from './entry.ts';
import type { Entry, EntryType, MemberId } from './entry.ts';
import { ProtoReader, ProtoWriter } from './protobuf.ts';

/** What is done to one member. 'update' changes nothing here: it carries `context` (say, an address) to every member. */
export type ConfChangeType = 'addVoter' | 'remove' | 'update' | 'addLearner';

/** One step of a membership change; member 0 is skipped. */
export interface ConfChangeStep {
  readonly type: ConfChangeType;
  readonly id: MemberId;
}

/**
 * How a change takes effect: 'auto' goes through a joint configuration only if it has several steps; 'implicit' and
 * 'explicit' always do, the latter until an empty change is proposed to leave it (Raft thesis section 4.3).
 */
export type Transition = 'auto' | 'implicit' | 'explicit';

/** A change of membership. No steps and 'auto': leave the joint configuration. */
export interface ConfChange {
  readonly transition: Transition;
  readonly steps: readonly ConfChangeStep[];
  /** Opaque, for the owner. */
  readonly context: Uint8Array;
  /** Encode as the older raftpb.ConfChange, which holds exactly one step. Default false. */
  readonly isV1?: boolean;
}

const TYPES: readonly ConfChangeType[] = ['addVoter', 'remove', 'update', 'addLearner'];
const TRANSITIONS: readonly Transition[] = ['auto', 'implicit', 'explicit'];

/** Leaves a joint configuration. Encoded to no bytes, so that no size limit can hold it up. */
export const LEAVE_JOINT: ConfChange = { transition: 'auto', steps: [], context: EMPTY };

/** Whether the change leaves a joint configuration. */
export function isLeaveJoint({ transition, steps }: ConfChange): boolean {
  return transition === 'auto' && steps.length === 0;
}

/** Whether the change goes through a joint configuration. */
export function isEnterJoint({ transition, steps }: ConfChange): boolean {
  return transition !== 'auto' || steps.length > 1;
}

/** The entry to propose, in the bytes of etcd's raftpb.ConfChange or raftpb.ConfChangeV2. */
export function encodeConfChange(change: ConfChange): { readonly type: EntryType; readonly data: Uint8Array } {
  const writer = new ProtoWriter();
  const [step] = change.steps;
  if (change.isV1 === true && step !== undefined) {
    writer.number(2, TYPES.indexOf(step.type));
    writer.number(3, step.id);
    writer.bytes(4, change.context);
    return { type: 'EntryConfChange', data: writer.finish() };
  }
  if (change.transition !== 'auto') writer.number(1, TRANSITIONS.indexOf(change.transition));
  for (const { type, id } of change.steps) {
    const inner = new ProtoWriter();
    inner.number(1, TYPES.indexOf(type));
    inner.number(2, id);
    writer.message(2, inner.finish());
  }
  writer.bytes(3, change.context);
  return { type: 'EntryConfChangeV2', data: writer.finish() };
}

/** The change in an entry; null if the entry is a normal one. @throws InvariantError on damaged bytes */
export function decodeConfChange({ type, data }: Pick<Entry, 'type' | 'data'>): ConfChange | null {
  if (type === 'EntryNormal') return null;
  return type === 'EntryConfChange' ? decodeV1(data) : decodeV2(data);
}

function decodeV1(data: Uint8Array): ConfChange {
  let type: ConfChangeType = 'addVoter';
  let id = 0;
  let context = EMPTY;
  for (const { field, number, bytes } of new ProtoReader(data)) {
    if (field === 2) type = TYPES[number] ?? type;
    if (field === 3) id = number;
    if (field === 4) context = bytes;
  }
  return { transition: 'auto', steps: [{ type, id }], context, isV1: true };
}

function decodeV2(data: Uint8Array): ConfChange {
  let transition: Transition = 'auto';
  const steps: ConfChangeStep[] = [];
  let context = EMPTY;
  for (const { field, number, bytes } of new ProtoReader(data)) {
    if (field === 1) transition = TRANSITIONS[number] ?? transition;
    if (field === 2) steps.push(decodeStep(bytes));
    if (field === 3) context = bytes;
  }
  return { transition, steps, context };
}

function decodeStep(data: Uint8Array): ConfChangeStep {
  let type: ConfChangeType = 'addVoter';
  let id = 0;
  for (const { field, number } of new ProtoReader(data)) {
    if (field === 1) type = TYPES[number] ?? type;
    if (field === 2) id = number;
  }
  return { type, id };
}

const TYPE_TEXTS: Record<ConfChangeType, string> = {
  addVoter: 'ConfChangeAddNode',
  remove: 'ConfChangeRemoveNode',
  update: 'ConfChangeUpdateNode',
  addLearner: 'ConfChangeAddLearnerNode',
};

const TRANSITION_TEXTS: Record<Transition, string> = {
  auto: 'ConfChangeTransitionAuto',
  implicit: 'ConfChangeTransitionJointImplicit',
  explicit: 'ConfChangeTransitionJointExplicit',
};

/** A change as it stands in a line for an operator. */
export function describeConfChange({ transition, steps }: ConfChange): string {
  const changes = steps.map(({ type, id }) => ` changes:{type:${TYPE_TEXTS[type]} node_id:${id}}`);
  return `transition:${TRANSITION_TEXTS[transition]}${changes.join('')}`;
}
