import { SORT_ORDER, SORT_TARGET } from '../etcd-api/kv.ts';
import type { RangeRequest, RangeResponse } from '../etcd-api/kv.ts';
import { keyOf } from './key-history.ts';
import type { Version } from './key-history.ts';
import { toKeyValue } from './key-value-of.ts';
import type { KeyRange, MvccStore } from './mvcc-store.ts';
import { valueBytes } from './value-heap.ts';

/** The range of a request: `rangeEnd` empty is one key, a single zero byte is everything from `key` on. */
export function rangeOf(key: Uint8Array, rangeEnd: Uint8Array): KeyRange {
  if (rangeEnd.length === 0) return { key: keyOf(key) };
  return { key: keyOf(key), end: rangeEnd.length === 1 && rangeEnd[0] === 0 ? null : keyOf(rangeEnd) };
}

/**
 * Answers a range request; the header is for the caller to fill in, but for the revision.
 *
 * @throws EtcdError Compacted, FutureRevision
 */
export function queryRange(store: MvccStore, request: RangeRequest): Omit<RangeResponse, 'header'> {
  const order = sortOrder(request);
  const isFiltered = hasFilter(request);
  // With an order or a filter, what is left out is known only at the end (server/etcdserver/txn/range.go).
  const limit = request.limit > 0 ? request.limit : Infinity;
  const takeMax = request.countOnly ? 0 : order === SORT_ORDER.none && !isFiltered ? limit : Infinity;
  let count = 0;
  let found: Version[] = [];
  store.visit(rangeOf(request.key, request.rangeEnd), request.revision, (version) => {
    count += 1;
    if (found.length < takeMax) found.push(version);
  });
  if (isFiltered) found = found.filter((version) => passes(version, request));
  if (order !== SORT_ORDER.none) found.sort(comparison(request.sortTarget, order));
  const isCut = found.length > limit || (takeMax === limit && count > found.length);
  if (found.length > limit) found.length = limit;
  return {
    kvs: found.map((version) => toKeyValue(version, request.keysOnly)),
    more: isCut && !request.countOnly,
    count,
  };
}

/** A target other than the key asks for an order, if only implicitly. */
function sortOrder({ sortOrder: order, sortTarget }: RangeRequest): number {
  if (order === SORT_ORDER.none) return sortTarget === SORT_TARGET.key ? SORT_ORDER.none : SORT_ORDER.ascend;
  return order === SORT_ORDER.ascend && sortTarget === SORT_TARGET.key ? SORT_ORDER.none : order;
}

function hasFilter(request: RangeRequest): boolean {
  return (
    request.minModRevision !== 0 ||
    request.maxModRevision !== 0 ||
    request.minCreateRevision !== 0 ||
    request.maxCreateRevision !== 0
  );
}

function passes(version: Version, request: RangeRequest): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request;
  return (
    (minModRevision === 0 || version.main >= minModRevision) &&
    (maxModRevision === 0 || version.main <= maxModRevision) &&
    (minCreateRevision === 0 || version.create >= minCreateRevision) &&
    (maxCreateRevision === 0 || version.create <= maxCreateRevision)
  );
}

function comparison(target: number, order: number): (a: Version, b: Version) => number {
  const sign = order === SORT_ORDER.descend ? -1 : 1;
  const compare = TARGETS[target] ?? TARGETS[SORT_TARGET.key];
  return (a, b) => sign * (compare?.(a, b) ?? 0);
}

const TARGETS: Record<number, (a: Version, b: Version) => number> = {
  [SORT_TARGET.key]: (a, b) => (a.history.key < b.history.key ? -1 : 1),
  [SORT_TARGET.version]: (a, b) => a.version - b.version,
  [SORT_TARGET.create]: (a, b) => a.create - b.create,
  [SORT_TARGET.mod]: (a, b) => a.main - b.main || a.sub - b.sub,
  [SORT_TARGET.value]: (a, b) => Buffer.compare(valueBytes(a.value), valueBytes(b.value)),
};
