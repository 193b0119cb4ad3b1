import { EtcdError } from '../etcd-api/etcd-error.ts';
import { SORT_ORDER, SORT_TARGET } from '../etcd-api/kv.ts';
import type { DeleteRangeRequest, PutRequest, RangeRequest, RequestOp, TxnRequest } from '../etcd-api/kv.ts';
import { keyOf } from './key-history.ts';
import type { Key } from './key-history.ts';

/** Operations in one list of a transaction (etcd --max-txn-ops). */
const TXN_OPS_MAX = 128;

/** What is wrong with a range request by itself. @throws EtcdError EmptyKey, InvalidSortOption */
export function checkRangeRequest({ key, sortOrder, sortTarget }: RangeRequest): void {
  if (key.length === 0) throw new EtcdError('EmptyKey');
  const isKnown = sortOrder <= SORT_ORDER.descend && sortTarget <= SORT_TARGET.value;
  if (!isKnown || sortOrder < 0 || sortTarget < 0) throw new EtcdError('InvalidSortOption');
}

/** What is wrong with a put by itself. @throws EtcdError EmptyKey, ValueProvided, LeaseProvided */
export function checkPutRequest({ key, value, lease, ignoreValue, ignoreLease }: PutRequest): void {
  if (key.length === 0) throw new EtcdError('EmptyKey');
  if (ignoreValue && value.length > 0) throw new EtcdError('ValueProvided');
  if (ignoreLease && lease !== 0n) throw new EtcdError('LeaseProvided');
}

/** What is wrong with a deletion by itself. @throws EtcdError EmptyKey */
export function checkDeleteRequest({ key }: DeleteRangeRequest): void {
  if (key.length === 0) throw new EtcdError('EmptyKey');
}

/** What is wrong with a transaction by itself. @throws EtcdError TooManyOps, EmptyKey, DuplicateKey, ... */
export function checkTxnRequest(txn: TxnRequest): void {
  checkOps(txn, TXN_OPS_MAX);
  checkIntervals(txn.success);
  checkIntervals(txn.failure);
}

function checkOps({ compare, success, failure }: TxnRequest, opsMax: number): void {
  const opsCount = Math.max(compare.length, success.length, failure.length);
  if (opsCount > opsMax) throw new EtcdError('TooManyOps');
  for (const { key } of compare) if (key.length === 0) throw new EtcdError('EmptyKey');
  for (const op of [...success, ...failure]) {
    if (op.requestRange !== undefined) checkRangeRequest(op.requestRange);
    else if (op.requestPut !== undefined) checkPutRequest(op.requestPut);
    else if (op.requestDeleteRange !== undefined) checkDeleteRequest(op.requestDeleteRange);
    else if (op.requestTxn !== undefined) checkOps(op.requestTxn, opsMax - opsCount);
    else throw new EtcdError('KeyNotFound');
  }
}

interface Interval {
  readonly from: Key;
  /** Exclusive; undefined: to the last key. */
  readonly end: Key | undefined;
}

interface Touched {
  readonly puts: Set<Key>;
  readonly deletes: Interval[];
}

/** One revision writes a key once: no second put of it, and none of a key that the same list deletes (v3rpc/key.go). */
function checkIntervals(ops: readonly RequestOp[]): Touched {
  const deletes = ops.flatMap(({ requestDeleteRange: request }) =>
    request === undefined ? [] : [intervalOf(request)],
  );
  const puts = new Set<Key>();
  for (const { requestTxn } of ops) {
    if (requestTxn === undefined) continue;
    const then = checkIntervals(requestTxn.success);
    const otherwise = checkIntervals(requestTxn.failure);
    // The two branches never both run, so they may write the same keys.
    for (const key of new Set([...then.puts, ...otherwise.puts])) addPut(puts, deletes, key);
    const nested = [...then.deletes, ...otherwise.deletes];
    for (const key of puts)
      if (!then.puts.has(key) && !otherwise.puts.has(key) && nested.some((interval) => contains(interval, key)))
        throw new EtcdError('DuplicateKey');
    deletes.push(...nested);
  }
  for (const { requestPut } of ops) if (requestPut !== undefined) addPut(puts, deletes, keyOf(requestPut.key));
  return { puts, deletes };
}

function addPut(puts: Set<Key>, deletes: readonly Interval[], key: Key): void {
  if (puts.has(key) || deletes.some((interval) => contains(interval, key))) throw new EtcdError('DuplicateKey');
  puts.add(key);
}

function intervalOf({ key, rangeEnd }: DeleteRangeRequest): Interval {
  const from = keyOf(key);
  if (rangeEnd.length === 0) return { from, end: `${from}\0` };
  return { from, end: rangeEnd.length === 1 && rangeEnd[0] === 0 ? undefined : keyOf(rangeEnd) };
}

function contains({ from, end }: Interval, key: Key): boolean {
  return key >= from && (end === undefined || key < end);
}
