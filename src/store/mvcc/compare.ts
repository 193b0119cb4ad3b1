import { COMPARE_RESULT, COMPARE_TARGET } from '../etcd-api/kv.ts';
import type { Compare } from '../etcd-api/kv.ts';
import type { Version } from './key-history.ts';
import type { MvccStore } from './mvcc-store.ts';
import { rangeOf } from './range-query.ts';
import { valueBytes } from './value-heap.ts';

/** Whether a condition holds: of a range, for every key in it; an absent key has revisions and version 0. */
export function holds(store: MvccStore, compare: Compare): boolean {
  let isAny = false;
  let isAll = true;
  store.visit(rangeOf(compare.key, compare.rangeEnd), 0, (version) => {
    isAny = true;
    isAll &&= isTrue(compare.result, difference(compare, version));
  });
  if (isAny) return isAll;
  // No value is not the empty value: nothing compares with it (server/etcdserver/txn/txn.go applyCompare).
  return compare.target !== COMPARE_TARGET.value && isTrue(compare.result, difference(compare, undefined));
}

function difference(compare: Compare, version: Version | undefined): number {
  switch (compare.target) {
    case COMPARE_TARGET.value:
      return version === undefined ? 0 : Buffer.compare(valueBytes(version.value), compare.value ?? NO_BYTES);
    case COMPARE_TARGET.create:
      return (version?.create ?? 0) - (compare.createRevision ?? 0);
    case COMPARE_TARGET.mod:
      return (version?.main ?? 0) - (compare.modRevision ?? 0);
    case COMPARE_TARGET.lease:
      return Number((version?.lease ?? 0n) - (compare.lease ?? 0n));
    default:
      return (version?.version ?? 0) - (compare.version ?? 0);
  }
}

const NO_BYTES = Buffer.alloc(0);

function isTrue(result: number, sign: number): boolean {
  switch (result) {
    case COMPARE_RESULT.greater:
      return sign > 0;
    case COMPARE_RESULT.less:
      return sign < 0;
    case COMPARE_RESULT.notEqual:
      return sign !== 0;
    default:
      return sign === 0;
  }
}
