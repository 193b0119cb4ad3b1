import { EVENT_TYPE, type KeyValue } from '../../store/etcd-api/key-value.ts';
import type { RequestOp } from '../../store/etcd-api/kv.ts';
import type { EtcdClient } from '../../store/client/etcd-client.ts';
import type { EtcdWatch } from '../../store/client/etcd-watch.ts';
import { EMPTY_PUT, NOTHING, operation, rangeOf, revisionIs } from './etcd-request.ts';
import { LeasePool } from './lease-pool.ts';
import { ProgressSupport } from './progress-support.ts';
import { storageError } from './storage-error.ts';
import { valueText } from './stored-value.ts';
import {
  prefixEnd,
  type ListPage,
  type ListRange,
  type PutRequest,
  type Storage,
  type StorageBatch,
  type StorageWatch,
  type StoredItem,
  type WriteResult,
} from './storage.ts';

/** Read by currentRevision(): any key does, for only the header is looked at. */
const REVISION_KEY = Buffer.from('/registry');

/** Storage on any etcd v3, in kube-apiserver's request shapes. */
export class EtcdStorage implements Storage {
  readonly #client: EtcdClient;
  readonly #leases: LeasePool;
  #revisionRead: Promise<number> | undefined;
  #nextRevisionRead: Promise<number> | undefined;
  readonly #progress: ProgressSupport;

  constructor(client: EtcdClient) {
    this.#client = client;
    this.#leases = new LeasePool(client);
    this.#progress = new ProgressSupport(client);
  }

  async get(key: string, signal: AbortSignal): Promise<{ item: StoredItem | null; revision: number }> {
    const { kvs, header } = await this.#client
      .range({ key: Buffer.from(key), limit: 1 }, { signal })
      .catch(storageError('read'));
    const [found] = kvs;
    return { item: found === undefined ? null : itemOf(found), revision: header.revision };
  }

  async list(prefix: string, range: ListRange, signal: AbortSignal): Promise<ListPage> {
    const request = {
      key: Buffer.from(range.startKey ?? prefix),
      rangeEnd: Buffer.from(prefixEnd(prefix)),
      ...(range.limit === undefined ? {} : { limit: range.limit }),
      ...(range.revision === undefined ? {} : { revision: range.revision }),
    };
    const { kvs, header, count } = await this.#client.range(request, { signal }).catch(storageError('read'));
    return { items: kvs.map(itemOf), count, revision: range.revision ?? header.revision };
  }

  async currentRevision(signal: AbortSignal): Promise<number> {
    signal.throwIfAborted();
    // A read that is under way may have begun before a write that this caller knows of: all who come meanwhile share the next.
    if (this.#revisionRead === undefined) return this.#startRevisionRead();
    this.#nextRevisionRead ??= this.#revisionRead.then(
      () => this.#startRevisionRead(),
      () => this.#startRevisionRead(),
    );
    return this.#nextRevisionRead;
  }

  async put({ key, text, expectedRevision, ttlSeconds }: PutRequest, signal: AbortSignal): Promise<WriteResult> {
    const lease = ttlSeconds === undefined ? 0n : await this.#leases.lease(ttlSeconds, signal);
    const bytes = Buffer.from(key);
    const put = operation({ requestPut: { ...EMPTY_PUT, key: bytes, value: Buffer.from(text), lease } });
    return this.#ifUnchanged(bytes, expectedRevision, put, signal);
  }

  async delete(key: string, expectedRevision: number, signal: AbortSignal): Promise<WriteResult> {
    const bytes = Buffer.from(key);
    const removal = operation({ requestDeleteRange: { key: bytes, rangeEnd: NOTHING, prevKv: false } });
    return this.#ifUnchanged(bytes, expectedRevision, removal, signal);
  }

  /** The write, if the key's last change is `expectedRevision`; what stands there otherwise. */
  async #ifUnchanged(
    key: Buffer,
    expectedRevision: number,
    write: RequestOp,
    signal: AbortSignal,
  ): Promise<WriteResult> {
    const request = {
      compare: [revisionIs(key, expectedRevision)],
      success: [write],
      failure: [operation({ requestRange: rangeOf(key) })],
    };
    const { succeeded, header, responses } = await this.#client.txn(request, { signal }).catch(storageError('write'));
    if (succeeded) return { ok: true, revision: header.revision };
    const found = responses[0]?.responseRange?.kvs[0];
    return { ok: false, current: found === undefined ? null : itemOf(found) };
  }

  async watch(prefix: string, revision: number, signal: AbortSignal): Promise<StorageWatch> {
    const watch = await this.#client
      .watch(
        {
          key: Buffer.from(prefix),
          rangeEnd: Buffer.from(prefixEnd(prefix)),
          startRevision: revision + 1,
          // Progress is asked for where it is needed: a notice per kind every few seconds would be most of what a cluster at
          // rest does.
          progressNotify: false,
        },
        { signal },
      )
      .catch(storageError('read'));
    return { requestProgress: () => watch.requestProgress(), [Symbol.asyncIterator]: () => batchesOf(watch) };
  }

  hasProgress(signal: AbortSignal): Promise<boolean> {
    return this.#progress.isSupported(signal);
  }

  #startRevisionRead(): Promise<number> {
    this.#nextRevisionRead = undefined;
    const read = this.#client
      .range({ key: REVISION_KEY, limit: 1 })
      .catch(storageError('read'))
      .then(({ header }) => header.revision)
      .finally(() => {
        if (this.#revisionRead === read) this.#revisionRead = undefined;
      });
    this.#revisionRead = read;
    return read;
  }
}

async function* batchesOf(watch: EtcdWatch): AsyncGenerator<StorageBatch, void> {
  try {
    for await (const { revision, events } of watch) {
      yield {
        revision,
        events: events.map(({ type, kv }) => ({
          type: type === EVENT_TYPE.delete ? 'delete' : 'put',
          key: kv?.key.toString() ?? '',
          text: type === EVENT_TYPE.delete || kv === undefined ? '' : valueText(kv.value),
          revision: kv?.modRevision ?? revision,
        })),
      };
    }
  } catch (error) {
    storageError('read')(error);
  }
}

function itemOf({ key, value, modRevision }: KeyValue): StoredItem {
  return { key: key.toString(), text: valueText(value), revision: modRevision };
}
