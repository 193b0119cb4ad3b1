import { field, message, repeated } from '../host/protobuf.ts';
import { alarmRequest } from './etcd-api/maintenance.ts';
import type { AlarmRequest } from './etcd-api/maintenance.ts';
import { compactionRequest, deleteRangeRequest, putRequest, txnRequest } from './etcd-api/kv.ts';
import type { CompactionRequest, DeleteRangeRequest, PutRequest, TxnRequest } from './etcd-api/kv.ts';
import { leaseGrantRequest, leaseRevokeRequest } from './etcd-api/lease.ts';
import type { LeaseGrantRequest, LeaseRevokeRequest } from './etcd-api/lease.ts';

/** What a member says of itself once it runs. */
export interface MemberAttributes {
  readonly id: number;
  readonly name: string;
  readonly clientUrls: readonly string[];
}

/** A change of the state, as an entry of the Raft log: exactly one member beside the two ids is set. */
export interface Command {
  /** Number of the proposal in its session, and the session: one life of the member that proposed it. */
  readonly id: number;
  readonly session: number;
  readonly put: PutRequest | undefined;
  readonly deleteRange: DeleteRangeRequest | undefined;
  readonly txn: TxnRequest | undefined;
  readonly compact: CompactionRequest | undefined;
  readonly leaseGrant: LeaseGrantRequest | undefined;
  readonly leaseRevoke: LeaseRevokeRequest | undefined;
  readonly alarm: AlarmRequest | undefined;
  readonly attributes: MemberAttributes | undefined;
}

/** The change alone, before it is proposed. */
export type Change = Partial<Omit<Command, 'id' | 'session'>>;

const memberAttributes = message<MemberAttributes>('MemberAttributes', {
  id: field(1, 'uint64'),
  name: field(2, 'string'),
  clientUrls: repeated(3, 'string'),
});

/** The form of a command in the log; field numbers are never given to something else. */
export const command = message<Command>('Command', {
  id: field(1, 'uint64'),
  session: field(2, 'uint64'),
  put: field(3, putRequest),
  deleteRange: field(4, deleteRangeRequest),
  txn: field(5, txnRequest),
  compact: field(6, compactionRequest),
  leaseGrant: field(7, leaseGrantRequest),
  leaseRevoke: field(8, leaseRevokeRequest),
  alarm: field(9, alarmRequest),
  attributes: field(10, memberAttributes),
});
