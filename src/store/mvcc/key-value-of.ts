import { EVENT_TYPE } from '../etcd-api/key-value.ts';
import type { KeyValue, WatchEvent } from '../etcd-api/key-value.ts';
import { isTombstone, keyBytes, previous } from './key-history.ts';
import type { Version } from './key-history.ts';
import { valueBytes } from './value-heap.ts';

const NO_BYTES = Buffer.alloc(0);

/** A write as the API shows it; the value is a view, and left out with `isKeysOnly`. */
export function toKeyValue(version: Version, isKeysOnly = false): KeyValue {
  return {
    key: keyBytes(version.history.key),
    createRevision: version.create,
    modRevision: version.main,
    version: version.version,
    value: isKeysOnly ? NO_BYTES : valueBytes(version.value),
    lease: version.lease,
  };
}

/** A write as a watch tells it. */
export function toEvent(version: Version, withPrevious: boolean): WatchEvent {
  const before = withPrevious ? previous(version) : undefined;
  return {
    type: isTombstone(version) ? EVENT_TYPE.delete : EVENT_TYPE.put,
    kv: toKeyValue(version),
    prevKv: before === undefined ? undefined : toKeyValue(before),
  };
}
