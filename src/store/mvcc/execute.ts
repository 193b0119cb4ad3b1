import { EtcdError } from '../etcd-api/etcd-error.ts';
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from '../etcd-api/kv.ts';
import type { ResponseHeader } from '../etcd-api/response-header.ts';
import { holds } from './compare.ts';
import { keyOf } from './key-history.ts';
import { toKeyValue } from './key-value-of.ts';
import type { LeaseTable } from './lease-table.ts';
import type { MvccStore } from './mvcc-store.ts';
import { queryRange, rangeOf } from './range-query.ts';
import { valueBytes } from './value-heap.ts';

/** What operations work on. */
export interface Space {
  readonly store: MvccStore;
  readonly leases: LeaseTable;
}

/** One operation of a transaction whose branches have all been taken. */
type Step =
  | { readonly range: RangeRequest }
  | { readonly put: PutRequest }
  | { readonly deleteRange: DeleteRangeRequest }
  | { readonly txn: Plan };

/** A transaction with its branches taken: conditions see the state before it, those of nested ones too. */
interface Plan {
  readonly succeeded: boolean;
  readonly steps: readonly Step[];
}

/** Reads a range as one answer. @throws EtcdError Compacted, FutureRevision */
export function executeRange({ store }: Space, request: RangeRequest): RangeResponse {
  const answer = queryRange(store, request);
  return { header: headerOf(store), ...answer };
}

/** Writes one key, as a revision of its own. @throws EtcdError LeaseNotFound, KeyNotFound */
export function executePut(space: Space, request: PutRequest): PutResponse {
  checkPut(space, request);
  return inTransaction(space, () => put(space, request));
}

/** Deletes a range, as a revision of its own if there was anything. */
export function executeDeleteRange(space: Space, request: DeleteRangeRequest): DeleteRangeResponse {
  return inTransaction(space, () => deleteRange(space, request));
}

/** Carries out a transaction; when any part would fail, nothing is done. @throws EtcdError */
export function executeTxn(space: Space, request: TxnRequest): TxnResponse {
  const plan = planTxn(space.store, request);
  checkPlan(space, plan);
  return inTransaction(space, () => runPlan(space, plan));
}

/** Ends a lease and deletes its keys, in one revision. @throws EtcdError LeaseNotFound */
export function executeLeaseRevoke(space: Space, id: bigint): void {
  const { keys } = space.leases.revoke(id);
  inTransaction(space, () => {
    // In byte order, so that every member numbers the deletions alike.
    for (const key of [...keys].sort()) space.store.delete({ key });
  });
}

function inTransaction<T>({ store }: Space, work: () => T): T {
  store.begin();
  try {
    return work();
  } finally {
    store.end();
  }
}

function headerOf({ revision }: MvccStore): ResponseHeader {
  return { clusterId: 0n, memberId: 0n, revision, raftTerm: 0 };
}

function planTxn(store: MvccStore, request: TxnRequest): Plan {
  const succeeded = request.compare.every((compare) => holds(store, compare));
  const steps: Step[] = [];
  for (const op of succeeded ? request.success : request.failure) {
    if (op.requestRange !== undefined) steps.push({ range: op.requestRange });
    else if (op.requestPut !== undefined) steps.push({ put: op.requestPut });
    else if (op.requestDeleteRange !== undefined) steps.push({ deleteRange: op.requestDeleteRange });
    else if (op.requestTxn !== undefined) steps.push({ txn: planTxn(store, op.requestTxn) });
  }
  return { succeeded, steps };
}

function checkPlan(space: Space, plan: Plan): void {
  for (const step of plan.steps) {
    if ('put' in step) checkPut(space, step.put);
    else if ('range' in step) checkRevision(space.store, step.range.revision);
    else if ('txn' in step) checkPlan(space, step.txn);
  }
}

function checkRevision(store: MvccStore, revision: number): void {
  if (revision > store.revision) throw new EtcdError('FutureRevision');
  if (revision > 0 && revision < store.compactRevision) throw new EtcdError('Compacted');
}

function checkPut({ store, leases }: Space, request: PutRequest): void {
  if (request.lease !== 0n && leases.get(request.lease) === undefined) throw new EtcdError('LeaseNotFound');
  const keepsOld = request.ignoreValue || request.ignoreLease;
  if (keepsOld && store.get(keyOf(request.key)) === undefined) throw new EtcdError('KeyNotFound');
}

function runPlan(space: Space, { succeeded, steps }: Plan): TxnResponse {
  const responses = steps.map((step): ResponseOp => {
    if ('range' in step) return { ...NO_RESPONSE, responseRange: executeRange(space, step.range) };
    if ('put' in step) return { ...NO_RESPONSE, responsePut: put(space, step.put) };
    if ('deleteRange' in step) return { ...NO_RESPONSE, responseDeleteRange: deleteRange(space, step.deleteRange) };
    return { ...NO_RESPONSE, responseTxn: runPlan(space, step.txn) };
  });
  return { header: headerOf(space.store), succeeded, responses };
}

const NO_RESPONSE: ResponseOp = {
  responseRange: undefined,
  responsePut: undefined,
  responseDeleteRange: undefined,
  responseTxn: undefined,
};

function put({ store, leases }: Space, request: PutRequest): PutResponse {
  const key = keyOf(request.key);
  const before = store.get(key);
  const prevKv = request.prevKv && before !== undefined ? toKeyValue(before) : undefined;
  const value = request.ignoreValue && before !== undefined ? valueBytes(before.value) : request.value;
  const lease = request.ignoreLease ? (before?.lease ?? 0n) : request.lease;
  store.put(key, value, lease);
  leases.move(key, before?.lease ?? 0n, lease);
  return { header: headerOf(store), prevKv };
}

function deleteRange({ store, leases }: Space, request: DeleteRangeRequest): DeleteRangeResponse {
  const deleted = store.delete(rangeOf(request.key, request.rangeEnd));
  for (const version of deleted) leases.move(version.history.key, version.lease, 0n);
  const prevKvs = request.prevKv ? deleted.map((version) => toKeyValue(version)) : [];
  return { header: headerOf(store), deleted: deleted.length, prevKvs };
}
