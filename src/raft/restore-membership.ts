import { changeSimply, enterJoint } from './change-membership.ts';
import type { Configuration, JoinOptions } from './change-membership.ts';
import type { ConfChangeStep, ConfChangeType } from './conf-change.ts';
import type { MemberId } from './entry.ts';
import { EMPTY_MEMBERSHIP } from './membership.ts';
import type { ConfState } from './snapshot.ts';

/**
 * The configuration that a snapshot recorded.
 *
 * It is reached by the same changes as a living one, so that it obeys the same rules: first the outgoing voters, one by
 * one, then a joint change that removes them all and adds those who stay or come.
 *
 * @throws ConfChangeError on one that no sequence of changes could have made
 */
export function restoreMembership(confState: ConfState, options: JoinOptions): Configuration {
  const incoming = [
    ...steps('remove', confState.votersOutgoing),
    ...steps('addVoter', confState.voters),
    ...steps('addLearner', confState.learners),
    ...steps('addLearner', confState.learnersNext),
  ];
  const empty: Configuration = { membership: EMPTY_MEMBERSHIP, progress: new Map() };
  const oneByOne = (start: Configuration, list: readonly ConfChangeStep[]) =>
    list.reduce((current, step) => changeSimply(current, [step], options), start);
  if (confState.votersOutgoing.length === 0) return oneByOne(empty, incoming);
  const outgoing = oneByOne(empty, steps('addVoter', confState.votersOutgoing));
  return enterJoint(outgoing, incoming, confState.autoLeave, options);
}

function steps(type: ConfChangeType, ids: readonly MemberId[]): ConfChangeStep[] {
  return ids.map((id) => ({ type, id }));
}
