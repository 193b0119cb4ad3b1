import { COMPARE_RESULT, COMPARE_TARGET } from '../../store/etcd-api/kv.ts';
import type { Compare, RangeRequest, RequestOp } from '../../store/etcd-api/kv.ts';

/** The absent range end. */
export const NOTHING = Buffer.alloc(0);
/** A put without options. */
export const EMPTY_PUT = { prevKv: false, ignoreValue: false, ignoreLease: false };

/** One operation of a transaction. */
export function operation(one: Partial<RequestOp>): RequestOp {
  return {
    requestRange: undefined,
    requestPut: undefined,
    requestDeleteRange: undefined,
    requestTxn: undefined,
    ...one,
  };
}

/** A read of one key as it is now. */
export function rangeOf(key: Buffer): RangeRequest {
  return {
    key,
    rangeEnd: NOTHING,
    limit: 0,
    revision: 0,
    sortOrder: 0,
    sortTarget: 0,
    serializable: false,
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
  };
}

/** The condition that a key's revision is this one; 0: that the key is not there. */
export function revisionIs(key: Buffer, modRevision: number): Compare {
  return {
    result: COMPARE_RESULT.equal,
    target: COMPARE_TARGET.mod,
    key,
    modRevision,
    version: undefined,
    createRevision: undefined,
    value: undefined,
    lease: undefined,
    rangeEnd: NOTHING,
  };
}
