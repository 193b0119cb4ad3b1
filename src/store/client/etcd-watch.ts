import type { BidiCall } from '../../host/grpc/grpc-channel.ts';
import { GrpcError } from '../../host/grpc/grpc-error.ts';
import { EtcdError, fromGrpcError } from '../etcd-api/etcd-error.ts';
import type { WatchEvent } from '../etcd-api/key-value.ts';
import type { WatchCreateRequest, WatchRequest, WatchResponse } from '../etcd-api/watch.ts';

/** What a watch tells: the changes of whole revisions, or (no events) only that it has seen everything up to `revision`. */
export interface WatchUpdate {
  /** The store's revision; every event up to it has been told. */
  readonly revision: number;
  readonly events: readonly WatchEvent[];
}

/**
 * One watch on a stream of its own. Iterating throws when the connection is
 * lost (start again from the last revision + 1) and `EtcdError` Compacted when
 * the start revision is gone (list again). Leaving the loop ends the watch.
 */
export class EtcdWatch implements AsyncIterable<WatchUpdate> {
  /** The store's revision when the watch was made: with `startRevision` 0, events after it follow. */
  readonly createdRevision: number;
  readonly #call: BidiCall<WatchRequest, WatchResponse>;
  readonly #responses: AsyncIterator<WatchResponse>;

  private constructor(
    call: BidiCall<WatchRequest, WatchResponse>,
    responses: AsyncIterator<WatchResponse>,
    created: number,
  ) {
    this.#call = call;
    this.#responses = responses;
    this.createdRevision = created;
  }

  /** Makes the watch and waits until the server has it. @throws EtcdError, GrpcError */
  static async open(
    call: BidiCall<WatchRequest, WatchResponse>,
    request: Partial<WatchCreateRequest>,
  ): Promise<EtcdWatch> {
    const responses = call[Symbol.asyncIterator]();
    try {
      await call.send({ createRequest: { ...EMPTY_REQUEST, ...request } }).catch(() => undefined);
      const first = await responses.next();
      if (first.done === true) throw new GrpcError('UNAVAILABLE', 'the watch ended before it was created');
      if (first.value.canceled) throw cancelError(first.value);
      return new EtcdWatch(call, responses, first.value.header.revision);
    } catch (error) {
      call.cancel(new GrpcError('CANCELLED', 'the watch was not created'));
      throw fromGrpcError(error);
    }
  }

  /** Asks for an update without events as soon as everything has been told (RequestWatchProgress). */
  async requestProgress(): Promise<void> {
    await this.#call.send({ progressRequest: {} });
  }

  /** Ends the watch; an iteration under way rejects. */
  cancel(): void {
    this.#call.cancel(new GrpcError('CANCELLED', 'the watch was cancelled'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<WatchUpdate, void> {
    let fragments: WatchEvent[] = [];
    try {
      for (;;) {
        const { value: response, done } = await this.#responses.next();
        if (done === true) throw new GrpcError('UNAVAILABLE', 'the server ended the watch');
        if (response.canceled) throw cancelError(response);
        if (response.created) continue;
        const events = fragments.length === 0 ? response.events : [...fragments, ...response.events];
        fragments = response.fragment ? [...events] : [];
        if (!response.fragment) yield { revision: response.header.revision, events };
      }
    } catch (error) {
      throw fromGrpcError(error);
    } finally {
      this.cancel();
    }
  }
}

const EMPTY_REQUEST: WatchCreateRequest = {
  key: Buffer.alloc(0),
  rangeEnd: Buffer.alloc(0),
  startRevision: 0,
  progressNotify: false,
  filters: [],
  prevKv: false,
  watchId: 0,
  fragment: false,
};

function cancelError(response: WatchResponse): Error {
  const { compactRevision, cancelReason } = response;
  if (compactRevision !== 0) return new EtcdError('Compacted', { compactRevision });
  return new GrpcError('UNKNOWN', cancelReason === '' ? 'etcdserver: watch canceled' : cancelReason);
}
