import { field, message, optional, present, repeated } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { responseHeader } from './response-header.ts';
import type { ResponseHeader } from './response-header.ts';
import { keyValue } from './key-value.ts';
import type { KeyValue } from './key-value.ts';

/** Reads keys in [key, rangeEnd). Empty rangeEnd: one key; `\\0`: all from key on. `revision` 0 is now. */
export interface RangeRequest {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  readonly limit: number;
  readonly revision: number;
  readonly sortOrder: number;
  readonly sortTarget: number;
  readonly serializable: boolean;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}
/** The wire form of `RangeRequest`. */
const rangeRequest: MessageType<RangeRequest> = message<RangeRequest>('RangeRequest', {
  key: field(1, 'bytes'),
  rangeEnd: field(2, 'bytes'),
  limit: field(3, 'int64'),
  revision: field(4, 'int64'),
  sortOrder: field(5, 'int32'),
  sortTarget: field(6, 'int32'),
  serializable: field(7, 'bool'),
  keysOnly: field(8, 'bool'),
  countOnly: field(9, 'bool'),
  minModRevision: field(10, 'int64'),
  maxModRevision: field(11, 'int64'),
  minCreateRevision: field(12, 'int64'),
  maxCreateRevision: field(13, 'int64'),
});

/** Keys found; `count` is the whole range even when `limit` cut it, and then `more` is set. */
export interface RangeResponse {
  readonly header: ResponseHeader;
  readonly kvs: readonly KeyValue[];
  readonly more: boolean;
  readonly count: number;
}
/** The wire form of `RangeResponse`. */
const rangeResponse: MessageType<RangeResponse> = message<RangeResponse>('RangeResponse', {
  header: present(1, responseHeader),
  kvs: repeated(2, keyValue),
  more: field(3, 'bool'),
  count: field(4, 'int64'),
});

/** Writes one key; `ignoreValue` and `ignoreLease` keep what the key has. */
export interface PutRequest {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly lease: bigint;
  readonly prevKv: boolean;
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}
/** The wire form of `PutRequest`. */
export const putRequest: MessageType<PutRequest> = message<PutRequest>('PutRequest', {
  key: field(1, 'bytes'),
  value: field(2, 'bytes'),
  lease: field(3, 'bigint64'),
  prevKv: field(4, 'bool'),
  ignoreValue: field(5, 'bool'),
  ignoreLease: field(6, 'bool'),
});

/** `prevKv` only when asked for and when there was one. */
export interface PutResponse {
  readonly header: ResponseHeader;
  readonly prevKv: KeyValue | undefined;
}
/** The wire form of `PutResponse`. */
const putResponse: MessageType<PutResponse> = message<PutResponse>('PutResponse', {
  header: present(1, responseHeader),
  prevKv: field(2, keyValue),
});

/** Deletes keys in [key, rangeEnd). */
export interface DeleteRangeRequest {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  readonly prevKv: boolean;
}
/** The wire form of `DeleteRangeRequest`. */
export const deleteRangeRequest: MessageType<DeleteRangeRequest> = message<DeleteRangeRequest>('DeleteRangeRequest', {
  key: field(1, 'bytes'),
  rangeEnd: field(2, 'bytes'),
  prevKv: field(3, 'bool'),
});

/** How many keys were deleted; `prevKvs` only when asked for. */
export interface DeleteRangeResponse {
  readonly header: ResponseHeader;
  readonly deleted: number;
  readonly prevKvs: readonly KeyValue[];
}
/** The wire form of `DeleteRangeResponse`. */
const deleteRangeResponse: MessageType<DeleteRangeResponse> = message<DeleteRangeResponse>('DeleteRangeResponse', {
  header: present(1, responseHeader),
  deleted: field(2, 'int64'),
  prevKvs: repeated(3, keyValue),
});

/** One condition of a transaction: `target` of key (or of every key up to rangeEnd) against the one set value. */
export interface Compare {
  readonly result: number;
  readonly target: number;
  readonly key: Buffer;
  readonly version: number | undefined;
  readonly createRevision: number | undefined;
  readonly modRevision: number | undefined;
  readonly value: Buffer | undefined;
  readonly lease: bigint | undefined;
  readonly rangeEnd: Buffer;
}
/** The wire form of `Compare`. */
const compare: MessageType<Compare> = message<Compare>('Compare', {
  result: field(1, 'int32'),
  target: field(2, 'int32'),
  key: field(3, 'bytes'),
  version: optional(4, 'int64'),
  createRevision: optional(5, 'int64'),
  modRevision: optional(6, 'int64'),
  value: optional(7, 'bytes'),
  lease: optional(8, 'bigint64'),
  rangeEnd: field(64, 'bytes'),
});

/** One operation of a transaction: exactly one member is set. */
export interface RequestOp {
  readonly requestRange: RangeRequest | undefined;
  readonly requestPut: PutRequest | undefined;
  readonly requestDeleteRange: DeleteRangeRequest | undefined;
  readonly requestTxn: TxnRequest | undefined;
}
/** The wire form of `RequestOp`. */
const requestOp: MessageType<RequestOp> = message<RequestOp>('RequestOp', {
  requestRange: field(1, rangeRequest),
  requestPut: field(2, putRequest),
  requestDeleteRange: field(3, deleteRangeRequest),
  requestTxn: field(4, () => txnRequest),
});

/** The answer to one operation: the member of the same name is set. */
export interface ResponseOp {
  readonly responseRange: RangeResponse | undefined;
  readonly responsePut: PutResponse | undefined;
  readonly responseDeleteRange: DeleteRangeResponse | undefined;
  readonly responseTxn: TxnResponse | undefined;
}
/** The wire form of `ResponseOp`. */
const responseOp: MessageType<ResponseOp> = message<ResponseOp>('ResponseOp', {
  responseRange: field(1, rangeResponse),
  responsePut: field(2, putResponse),
  responseDeleteRange: field(3, deleteRangeResponse),
  responseTxn: field(4, () => txnResponse),
});

/** When all of `compare` hold, does `success`, else `failure`, as one revision. */
export interface TxnRequest {
  readonly compare: readonly Compare[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}
/** The wire form of `TxnRequest`. */
export const txnRequest: MessageType<TxnRequest> = message<TxnRequest>('TxnRequest', {
  compare: repeated(1, compare),
  success: repeated(2, requestOp),
  failure: repeated(3, requestOp),
});

/** Which branch was taken, and its answers in order. */
export interface TxnResponse {
  readonly header: ResponseHeader;
  readonly succeeded: boolean;
  readonly responses: readonly ResponseOp[];
}
/** The wire form of `TxnResponse`. */
const txnResponse: MessageType<TxnResponse> = message<TxnResponse>('TxnResponse', {
  header: present(1, responseHeader),
  succeeded: field(2, 'bool'),
  responses: repeated(3, responseOp),
});

/** Forgets the history before `revision`. `physical`: answer only when the memory is given back. */
export interface CompactionRequest {
  readonly revision: number;
  readonly physical: boolean;
}
/** The wire form of `CompactionRequest`. */
export const compactionRequest: MessageType<CompactionRequest> = message<CompactionRequest>('CompactionRequest', {
  revision: field(1, 'int64'),
  physical: field(2, 'bool'),
});

/** Compaction is done. */
export interface CompactionResponse {
  readonly header: ResponseHeader;
}
/** The wire form of `CompactionResponse`. */
const compactionResponse: MessageType<CompactionResponse> = message<CompactionResponse>('CompactionResponse', {
  header: present(1, responseHeader),
});

/** One piece of a streamed range; only the last carries header, count and more. */
export interface RangeStreamResponse {
  readonly rangeResponse: RangeResponse | undefined;
}
/** The wire form of `RangeStreamResponse`. */
const rangeStreamResponse: MessageType<RangeStreamResponse> = message<RangeStreamResponse>('RangeStreamResponse', {
  rangeResponse: field(1, rangeResponse),
});
/** Values of `Compare.result`. */
export const COMPARE_RESULT = { equal: 0, greater: 1, less: 2, notEqual: 3 } as const;
/** Values of `Compare.target`. */
export const COMPARE_TARGET = { version: 0, create: 1, mod: 2, value: 3, lease: 4 } as const;
/** Values of `RangeRequest.sortOrder`. */
export const SORT_ORDER = { none: 0, ascend: 1, descend: 2 } as const;
/** Values of `RangeRequest.sortTarget`. */
export const SORT_TARGET = { key: 0, version: 1, create: 2, mod: 3, value: 4 } as const;

/** The service etcdserverpb.KV. */
export const KV = {
  range: grpcMethod('/etcdserverpb.KV/Range', rangeRequest, rangeResponse),
  rangeStream: grpcMethod('/etcdserverpb.KV/RangeStream', rangeRequest, rangeStreamResponse),
  put: grpcMethod('/etcdserverpb.KV/Put', putRequest, putResponse),
  deleteRange: grpcMethod('/etcdserverpb.KV/DeleteRange', deleteRangeRequest, deleteRangeResponse),
  txn: grpcMethod('/etcdserverpb.KV/Txn', txnRequest, txnResponse),
  compact: grpcMethod('/etcdserverpb.KV/Compact', compactionRequest, compactionResponse),
};
