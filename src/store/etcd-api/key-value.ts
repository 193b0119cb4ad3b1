import { field, message } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';

/** A key with its value at some revision. `version` counts the writes since its creation; `lease` 0 is none. */
export interface KeyValue {
  readonly key: Buffer;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly value: Buffer;
  readonly lease: bigint;
}
/** The wire form of `KeyValue`. */
export const keyValue: MessageType<KeyValue> = message<KeyValue>('KeyValue', {
  key: field(1, 'bytes'),
  createRevision: field(2, 'int64'),
  modRevision: field(3, 'int64'),
  version: field(4, 'int64'),
  value: field(5, 'bytes'),
  lease: field(6, 'bigint64'),
});

/** One change of one key: `type` as in `EVENT_TYPE`; of a deletion `kv` has only the key and the revision. */
export interface WatchEvent {
  readonly type: number;
  readonly kv: KeyValue | undefined;
  readonly prevKv: KeyValue | undefined;
}
/** The wire form of `WatchEvent`. */
export const watchEvent: MessageType<WatchEvent> = message<WatchEvent>('Event', {
  type: field(1, 'int32'),
  kv: field(2, keyValue),
  prevKv: field(3, keyValue),
});
/** Values of `WatchEvent.type`. */
export const EVENT_TYPE = { put: 0, delete: 1 } as const;
