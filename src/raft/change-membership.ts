import type { ConfChange, ConfChangeStep } from './conf-change.ts';
import { isEnterJoint, isLeaveJoint } from './conf-change.ts';
import type { Index, MemberId } from './entry.ts';
import { NONE } from './entry.ts';
import { invariant } from './invariant.ts';
import type { Membership } from './membership.ts';
import { isJoint } from './membership.ts';
import { Progress } from './progress.ts';
import type { InflightLimits, ProgressMap } from './progress.ts';

/** A membership with the progress of exactly its members. */
export interface Configuration {
  readonly membership: Membership;
  readonly progress: ProgressMap;
}

/** What a member that joins starts with. */
export interface JoinOptions {
  readonly lastIndex: Index;
  readonly limits: InflightLimits;
}

/** A change that the current membership does not allow. */
export class ConfChangeError extends Error {
  override readonly name = 'ConfChangeError';
}

/** A configuration being edited. Progress objects are those of the old one, until an edit changes them. */
interface Draft {
  readonly incoming: Set<MemberId>;
  readonly outgoing: Set<MemberId>;
  readonly learners: Set<MemberId>;
  readonly learnersNext: Set<MemberId>;
  readonly progress: Map<MemberId, Progress>;
  /** Members whose flag changes, applied only when the whole change is valid: a refused one leaves no trace. */
  readonly isLearner: Map<MemberId, boolean>;
  readonly options: JoinOptions;
}

/** Applies a change in the way its transition asks for. @throws ConfChangeError and changes nothing */
export function changeMembership(current: Configuration, change: ConfChange, options: JoinOptions): Configuration {
  if (isLeaveJoint(change)) return leaveJoint(current, options);
  if (isEnterJoint(change)) return enterJoint(current, change.steps, change.transition !== 'explicit', options);
  return changeSimply(current, change.steps, options);
}

/** Changes at most one voter, at once: any two majorities of the old and the new still meet (Raft thesis section 4.1). */
export function changeSimply(
  current: Configuration,
  steps: readonly ConfChangeStep[],
  options: JoinOptions,
): Configuration {
  refuseIf(isJoint(current.membership), "can't apply simple config change in joint config");
  const draft = draftOf(current, options);
  applySteps(draft, steps);
  const changed = draft.incoming.symmetricDifference(current.membership.voters.incoming);
  refuseIf(changed.size > 1, 'more than one voter changed without entering joint config');
  return finish(draft, false);
}

/** Makes the present voters the outgoing half and applies the steps to the incoming one (Raft paper section 6). */
export function enterJoint(
  current: Configuration,
  steps: readonly ConfChangeStep[],
  autoLeave: boolean,
  options: JoinOptions,
): Configuration {
  refuseIf(isJoint(current.membership), 'config is already joint');
  refuseIf(current.membership.voters.incoming.size === 0, "can't make a zero-voter config joint");
  const draft = draftOf(current, options);
  for (const id of draft.incoming) draft.outgoing.add(id);
  applySteps(draft, steps);
  return finish(draft, autoLeave);
}

/** Drops the outgoing half; those who were only in it are members no longer, or learners now. */
export function leaveJoint(current: Configuration, options: JoinOptions): Configuration {
  refuseIf(!isJoint(current.membership), "can't leave a non-joint config");
  const draft = draftOf(current, options);
  for (const id of draft.learnersNext) {
    draft.learners.add(id);
    draft.isLearner.set(id, true);
  }
  draft.learnersNext.clear();
  for (const id of draft.outgoing) {
    if (!draft.incoming.has(id) && !draft.learners.has(id)) draft.progress.delete(id);
  }
  draft.outgoing.clear();
  return finish(draft, false);
}

function draftOf({ membership, progress }: Configuration, options: JoinOptions): Draft {
  return {
    incoming: new Set(membership.voters.incoming),
    outgoing: new Set(membership.voters.outgoing),
    learners: new Set(membership.learners),
    learnersNext: new Set(membership.learnersNext),
    progress: new Map(progress),
    isLearner: new Map(),
    options,
  };
}

function applySteps(draft: Draft, steps: readonly ConfChangeStep[]): void {
  for (const step of steps) {
    const { id } = step;
    if (id === NONE) continue; // an owner zeroes the id of a step that it decided against
    switch (step.type) {
      case 'addVoter':
        makeVoter(draft, id);
        break;
      case 'addLearner':
        makeLearner(draft, id);
        break;
      case 'remove':
        remove(draft, id);
        break;
      case 'update':
        break;
      default:
        step.type satisfies never;
    }
  }
  refuseIf(draft.incoming.size === 0, 'removed all voters');
}

function makeVoter(draft: Draft, id: MemberId): void {
  draft.incoming.add(id);
  if (!draft.progress.has(id)) return join(draft, id, false);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  draft.isLearner.set(id, false);
}

function makeLearner(draft: Draft, id: MemberId): void {
  const progress = draft.progress.get(id);
  if (progress === undefined) {
    draft.learners.add(id);
    return join(draft, id, true);
  }
  if (draft.isLearner.get(id) ?? progress.isLearner) return;
  remove(draft, id);
  draft.progress.set(id, progress);
  if (draft.outgoing.has(id)) {
    draft.learnersNext.add(id); // it still votes in the outgoing half
  } else {
    draft.learners.add(id);
    draft.isLearner.set(id, true);
  }
}

function remove(draft: Draft, id: MemberId): void {
  if (!draft.progress.has(id)) return;
  draft.incoming.delete(id);
  draft.learners.delete(id);
  draft.learnersNext.delete(id);
  if (!draft.outgoing.has(id)) draft.progress.delete(id);
}

function join(draft: Draft, id: MemberId, isLearner: boolean): void {
  const progress = new Progress(Math.max(draft.options.lastIndex, 1), isLearner, draft.options.limits);
  // Else the next check of the quorum might count it as silent before it has had a chance to speak.
  progress.isRecentlyActive = true;
  draft.progress.set(id, progress);
  draft.isLearner.set(id, isLearner);
}

function finish(draft: Draft, autoLeave: boolean): Configuration {
  const { incoming, outgoing, learners, learnersNext, progress, isLearner } = draft;
  for (const id of [...incoming, ...outgoing, ...learners, ...learnersNext]) {
    invariant(progress.has(id), `no progress for ${id}`);
  }
  for (const id of learnersNext) invariant(outgoing.has(id), `${id} is in learnersNext, but not in the outgoing half`);
  for (const id of learners) {
    invariant(!incoming.has(id) && !outgoing.has(id), `${id} is a learner and a voter`);
  }
  for (const [id, value] of isLearner) {
    const member = progress.get(id);
    if (member !== undefined) member.isLearner = value;
  }
  return { membership: { voters: { incoming, outgoing }, learners, learnersNext, autoLeave }, progress };
}

function refuseIf(isRefused: boolean, text: string): void {
  if (isRefused) throw new ConfChangeError(text);
}
