import { changeMembership } from './change-membership.ts';
import type { ConfChange } from './conf-change.ts';
import type { Core } from './core.ts';
import { NONE } from './entry.ts';
import { toConfState } from './membership.ts';
import { broadcastAppend, maybeCommit, sendAppend } from './replication.ts';
import { voterIds } from './quorum.ts';
import type { ConfState } from './snapshot.ts';

/**
 * Puts a committed membership change in force, now that the owner applies it.
 *
 * @returns the membership, for the owner's next snapshot
 * @throws ConfChangeError on a change that the present membership does not allow
 */
export function applyConfChange(core: Core, change: ConfChange): ConfState {
  const { tracker } = core;
  const options = { lastIndex: core.raftLog.lastIndex(), limits: tracker.limits };
  const { membership, progress } = changeMembership(tracker, change, options);
  tracker.install(membership, progress);
  core.noteMembership();
  const confState = toConfState(membership);
  if (core.role === 'StateLeader') onChangeAsLeader(core, confState);
  return confState;
}

function onChangeAsLeader(core: Core, { voters }: ConfState): void {
  if (core.ownProgress === undefined || core.isLearner) {
    if (core.settings.stepDownOnRemoval) core.becomeFollower(core.term, NONE);
    return;
  }
  if (voters.length === 0) return;
  if (maybeCommit(core)) {
    broadcastAppend(core); // a smaller quorum has more in common
  } else {
    // Those who just joined need not wait for a heartbeat.
    for (const id of core.tracker.progress.keys()) {
      if (id !== core.id) sendAppend(core, id, false);
    }
  }
  if (!voterIds(core.tracker.membership.voters).includes(core.transferee)) core.transferee = NONE;
}
