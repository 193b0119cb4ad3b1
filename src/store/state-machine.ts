import type { Change, MemberAttributes } from './command.ts';
import type { MemberInfo } from './member-info.ts';
import { EtcdError } from './etcd-api/etcd-error.ts';
import type {
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RequestOp,
  TxnRequest,
  TxnResponse,
} from './etcd-api/kv.ts';
import { ALARM_ACTION, ALARM_TYPE } from './etcd-api/maintenance.ts';
import type { AlarmMember, AlarmRequest } from './etcd-api/maintenance.ts';
import { executeDeleteRange, executeLeaseRevoke, executePut, executeTxn } from './mvcc/execute.ts';
import type { Space } from './mvcc/execute.ts';
import { LeaseTable } from './mvcc/lease-table.ts';
import { MvccStore } from './mvcc/mvcc-store.ts';
import { SessionWindow } from './session-window.ts';

/** What a change gave: the answer of its kind, or the failure that every member found alike. */
export interface Applied {
  readonly put?: PutResponse;
  readonly deleteRange?: DeleteRangeResponse;
  readonly txn?: TxnResponse;
  readonly alarms?: readonly AlarmMember[];
  readonly error?: EtcdError;
}

/**
 * The replicated state: keys, leases, alarms, members. Applying the same changes in
 * the same order makes the same state on every member; no clock is read here.
 */
export class StateMachine implements Space {
  readonly store = new MvccStore();
  readonly leases = new LeaseTable();
  readonly sessions = new SessionWindow();
  /** Who belongs to the cluster, by id. */
  readonly members = new Map<number, MemberInfo>();
  alarms: AlarmMember[] = [];

  /** Applies one change. Failures are a result, not thrown: they are part of the replicated history. */
  apply(change: Change): Applied {
    try {
      return this.#apply(change);
    } catch (error) {
      if (error instanceof EtcdError) return { error };
      throw error;
    }
  }

  /** Whether the store takes no more data until somebody made room and disarmed the alarm. */
  get isOutOfSpace(): boolean {
    return this.alarms.some(({ alarm }) => alarm === ALARM_TYPE.noSpace);
  }

  #apply(change: Change): Applied {
    if (change.put !== undefined) {
      this.#checkSpace(true);
      return { put: executePut(this, change.put) };
    }
    if (change.txn !== undefined) {
      this.#checkSpace(changeBytes(change) > 0);
      return { txn: executeTxn(this, change.txn) };
    }
    if (change.deleteRange !== undefined) return { deleteRange: executeDeleteRange(this, change.deleteRange) };
    if (change.compact !== undefined) this.store.compact(change.compact.revision);
    else if (change.leaseGrant !== undefined) {
      this.#checkSpace(true);
      this.leases.grant(change.leaseGrant.id, change.leaseGrant.ttl);
    } else if (change.leaseRevoke !== undefined) executeLeaseRevoke(this, change.leaseRevoke.id);
    else if (change.alarm !== undefined) return { alarms: this.#setAlarm(change.alarm) };
    else if (change.attributes !== undefined) this.#setAttributes(change.attributes);
    return {};
  }

  #setAttributes({ id, name, clientUrls }: MemberAttributes): void {
    const member = this.members.get(id);
    if (member !== undefined) this.members.set(id, { ...member, name, clientUrls });
  }

  #checkSpace(needsSpace: boolean): void {
    if (needsSpace && this.isOutOfSpace) throw new EtcdError('NoSpace');
  }

  #setAlarm({ action, memberId, alarm }: AlarmRequest): readonly AlarmMember[] {
    const isMeant = (one: AlarmMember): boolean =>
      (memberId === 0n || one.memberId === memberId) && (alarm === ALARM_TYPE.none || one.alarm === alarm);
    if (action === ALARM_ACTION.get) return this.alarms.filter(isMeant);
    if (action === ALARM_ACTION.activate) {
      if (alarm !== ALARM_TYPE.none && !this.alarms.some(isMeant)) this.alarms.push({ memberId, alarm });
      return [{ memberId, alarm }];
    }
    const cleared = this.alarms.filter(isMeant);
    this.alarms = this.alarms.filter((one) => !isMeant(one));
    return cleared;
  }
}

/** Bytes that a change may add to the store; 0 for one that only reads or deletes (etcd server/storage/quota.go). */
export function changeBytes(change: Change): number {
  if (change.put !== undefined) return putBytes(change.put);
  if (change.txn !== undefined) return txnBytes(change.txn);
  return change.leaseGrant === undefined ? 0 : LEASE_BYTES;
}

const PUT_OVERHEAD_BYTES = 256;
const LEASE_BYTES = 64;

function putBytes({ key, value }: PutRequest): number {
  return PUT_OVERHEAD_BYTES + key.length + value.length;
}

function txnBytes({ success, failure }: TxnRequest): number {
  const sum = (ops: readonly RequestOp[]): number =>
    ops.reduce(
      (bytes, { requestPut, requestTxn }) =>
        bytes +
        (requestPut === undefined ? 0 : putBytes(requestPut)) +
        (requestTxn === undefined ? 0 : txnBytes(requestTxn)),
      0,
    );
  return Math.max(sum(success), sum(failure));
}
