import { field, message, present, repeated } from '../../host/protobuf.ts';
import type { MessageType } from '../../host/protobuf.ts';
import { grpcMethod } from '../../host/grpc/grpc-method.ts';
import { responseHeader } from './response-header.ts';
import type { ResponseHeader } from './response-header.ts';
import { watchEvent } from './key-value.ts';
import type { WatchEvent } from './key-value.ts';

/** Starts a watch of [key, rangeEnd) from `startRevision` on (0: from now). `watchId` 0 lets the server choose. */
export interface WatchCreateRequest {
  readonly key: Buffer;
  readonly rangeEnd: Buffer;
  readonly startRevision: number;
  readonly progressNotify: boolean;
  readonly filters: readonly number[];
  readonly prevKv: boolean;
  readonly watchId: number;
  readonly fragment: boolean;
}
/** The wire form of `WatchCreateRequest`. */
const watchCreateRequest: MessageType<WatchCreateRequest> = message<WatchCreateRequest>('WatchCreateRequest', {
  key: field(1, 'bytes'),
  rangeEnd: field(2, 'bytes'),
  startRevision: field(3, 'int64'),
  progressNotify: field(4, 'bool'),
  filters: repeated(5, 'int32'),
  prevKv: field(6, 'bool'),
  watchId: field(7, 'int64'),
  fragment: field(8, 'bool'),
});

/** Ends one watch of the stream. */
export interface WatchCancelRequest {
  readonly watchId: number;
}
/** The wire form of `WatchCancelRequest`. */
const watchCancelRequest: MessageType<WatchCancelRequest> = message<WatchCancelRequest>('WatchCancelRequest', {
  watchId: field(1, 'int64'),
});

/** Asks for one answer with watch id -1 as soon as every watch of the stream is up to date. */
export interface WatchProgressRequest {}
/** The wire form of `WatchProgressRequest`. */
const watchProgressRequest: MessageType<WatchProgressRequest> = message<WatchProgressRequest>(
  'WatchProgressRequest',
  {},
);

/** Exactly one member is set. */
export interface WatchRequest {
  readonly createRequest: WatchCreateRequest | undefined;
  readonly cancelRequest: WatchCancelRequest | undefined;
  readonly progressRequest: WatchProgressRequest | undefined;
}
/** The wire form of `WatchRequest`. */
const watchRequest: MessageType<WatchRequest> = message<WatchRequest>('WatchRequest', {
  createRequest: field(1, watchCreateRequest),
  cancelRequest: field(2, watchCancelRequest),
  progressRequest: field(3, watchProgressRequest),
});

/** Events of one watch; or, without events, that it was created, cancelled, or how far it is. */
export interface WatchResponse {
  readonly header: ResponseHeader;
  readonly watchId: number;
  readonly created: boolean;
  readonly canceled: boolean;
  readonly compactRevision: number;
  readonly cancelReason: string;
  readonly fragment: boolean;
  readonly events: readonly WatchEvent[];
}
/** The wire form of `WatchResponse`. */
const watchResponse: MessageType<WatchResponse> = message<WatchResponse>('WatchResponse', {
  header: present(1, responseHeader),
  watchId: field(2, 'int64'),
  created: field(3, 'bool'),
  canceled: field(4, 'bool'),
  compactRevision: field(5, 'int64'),
  cancelReason: field(6, 'string'),
  fragment: field(7, 'bool'),
  events: repeated(11, watchEvent),
});
/** Values of `WatchCreateRequest.filters`: events that the watch leaves out. */
export const WATCH_FILTER = { noPut: 0, noDelete: 1 } as const;

/** The service etcdserverpb.Watch. */
export const WATCH = { watch: grpcMethod('/etcdserverpb.Watch/Watch', watchRequest, watchResponse) };
