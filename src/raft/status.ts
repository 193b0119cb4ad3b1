import type { Core } from './core.ts';
import type { Index, MemberId } from './entry.ts';
import type { Membership } from './membership.ts';
import type { ProgressState } from './progress.ts';
import type { SoftState } from './ready.ts';
import type { HardState } from './storage.ts';

/** One member's progress, as the leader sees it. */
export interface ProgressStatus {
  readonly match: Index;
  readonly next: Index;
  readonly state: ProgressState;
  readonly isLearner: boolean;
  readonly isRecentlyActive: boolean;
  readonly isPaused: boolean;
  readonly inflightCount: number;
  readonly pendingSnapshot: Index;
  /** All of it in a line, for an operator. */
  readonly text: string;
}

/** What a member is and knows, at one moment. */
export interface Status {
  readonly id: MemberId;
  readonly hardState: HardState;
  readonly softState: SoftState;
  readonly applied: Index;
  readonly lastIndex: Index;
  /** 0 unless the leader is handing over. */
  readonly transferee: MemberId;
  readonly isLearner: boolean;
  readonly membership: Membership;
  /** Empty unless this member leads. In ascending order of ids. */
  readonly progress: ReadonlyMap<MemberId, ProgressStatus>;
}

/** Copies a member's state. */
export function statusOf(core: Core): Status {
  const progress = new Map<MemberId, ProgressStatus>();
  for (const [id, one] of core.role === 'StateLeader' ? core.tracker.progress : []) {
    progress.set(id, {
      match: one.match,
      next: one.next,
      state: one.state,
      isLearner: one.isLearner,
      isRecentlyActive: one.isRecentlyActive,
      isPaused: one.isPaused,
      inflightCount: one.inflights.count,
      pendingSnapshot: one.pendingSnapshot,
      text: one.describe(),
    });
  }
  return {
    id: core.id,
    hardState: core.hardState(),
    softState: core.softState(),
    applied: core.raftLog.applied,
    lastIndex: core.raftLog.lastIndex(),
    transferee: core.transferee,
    isLearner: core.isLearner,
    membership: core.tracker.membership,
    progress,
  };
}
