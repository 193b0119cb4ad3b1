/**
 * Why a message was not taken in, in etcd's words; whoever sent it may try again later, or elsewhere.
 *
 * - dropped: there is no leader, or it is handing over, or too much is uncommitted
 * - local message: only a member itself may send it
 * - peer not found: an answer from someone who is no member
 */
export type Refusal =
  | 'raft proposal dropped'
  | 'raft: cannot step raft local message'
  | 'raft: cannot step as peer not found';

/** See `Refusal`. */
export const PROPOSAL_DROPPED: Refusal = 'raft proposal dropped';
