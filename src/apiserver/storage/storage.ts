/** A value of the store as the registry uses it: the object's JSON text without its resourceVersion. */
export interface StoredItem {
  readonly key: string;
  readonly text: string;
  /** The revision of its last write: the object's resourceVersion. */
  readonly revision: number;
}

/** What a write that depends on an expected revision came to. */
export type WriteResult =
  | { readonly ok: true; readonly revision: number }
  /** Somebody else was faster: how it stands now, null when it is gone. */
  | { readonly ok: false; readonly current: StoredItem | null };

export interface ListPage {
  readonly items: readonly StoredItem[];
  /** Of the whole range at that revision, this page included. */
  readonly count: number;
  /** The store's revision when the page was read; with `revision` given, that one. */
  readonly revision: number;
}

export interface ListRange {
  /** Read as of this revision. @throws StatusError Expired when it is compacted */
  readonly revision?: number;
  readonly limit?: number;
  /** First key of the page; must lie within the prefix. */
  readonly startKey?: string;
}

export interface StorageEvent {
  readonly type: 'put' | 'delete';
  readonly key: string;
  /** Empty for a delete. */
  readonly text: string;
  readonly revision: number;
}

/** One message of a watch: the events up to `revision`, none for a progress notice. */
export interface StorageBatch {
  readonly events: readonly StorageEvent[];
  /** Every event of the prefix up to this revision has been handed out. */
  readonly revision: number;
}

/** A running watch. */
export interface StorageWatch extends AsyncIterable<StorageBatch> {
  /** Asks that the watch says soon how far it is. */
  requestProgress(): Promise<void>;
}

/** The store as the API server uses it: keys, JSON texts and revisions. Errors are StatusErrors. */
export interface Storage {
  /** Linearizable. */
  get(key: string, signal: AbortSignal): Promise<{ readonly item: StoredItem | null; readonly revision: number }>;
  /** Linearizable unless a revision is given. In key order. */
  list(prefix: string, range: ListRange, signal: AbortSignal): Promise<ListPage>;
  /** The store's revision as of now: whoever has seen it has seen every acknowledged write. */
  currentRevision(signal: AbortSignal): Promise<number>;
  /** Writes when the key's revision is still the expected one; 0 expects it absent. */
  put(write: PutRequest, signal: AbortSignal): Promise<WriteResult>;
  delete(key: string, expectedRevision: number, signal: AbortSignal): Promise<WriteResult>;
  /**
   * The changes below a prefix after `revision`, until `signal` is aborted. Iterating ends by a throw.
   * @throws StatusError Expired: `revision` is compacted, list again; others: take it up again
   */
  watch(prefix: string, revision: number, signal: AbortSignal): Promise<StorageWatch>;
  /** Whether requestProgress can be trusted: etcd 3.4.31, 3.5.13 and later (upstream's feature check). */
  hasProgress(signal: AbortSignal): Promise<boolean>;
}

export interface PutRequest {
  readonly key: string;
  readonly text: string;
  readonly expectedRevision: number;
  /** The key goes by itself after about so long. */
  readonly ttlSeconds?: number;
}

/** The first key after all those that begin with `prefix`. */
export function prefixEnd(prefix: string): string {
  const last = prefix.charCodeAt(prefix.length - 1);
  return prefix.slice(0, -1) + String.fromCharCode(last + 1);
}
