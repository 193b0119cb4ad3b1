import type { DeleteOptions, KubeObject, ListOf, WatchEvent } from '../api/objects.ts';

/** Where objects of a kind are served, and their type. */
export interface Resource<T extends KubeObject> {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly kind: string;
  readonly namespaced: boolean;
  /** Carries the type only; never set. */
  readonly example?: T;
}

/** Which objects to list, and how; as the query parameters of the API. */
export interface ListOptions {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: 'Exact' | 'NotOlderThan';
  readonly signal?: AbortSignal;
}

/** What to watch, from which version on; as the query parameters of the API. */
export interface WatchOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion: string;
  readonly allowWatchBookmarks?: boolean;
  readonly timeoutSeconds?: number;
  readonly signal: AbortSignal;
}

/** Of every call on one object. */
export interface CallOptions {
  readonly signal?: AbortSignal;
  readonly subresource?: string;
  readonly dryRun?: boolean;
}

/** Of a read of one object. */
export interface GetOptions extends CallOptions {
  /** '0': as the API server last saw it, which costs the store nothing and may be a moment old. Absent: as it is. */
  readonly resourceVersion?: '0';
}

/** `body` of a json patch is an array of operations, of the others a partial object. */
export interface Patch {
  readonly type: 'json' | 'merge' | 'strategic';
  readonly body: unknown;
}

/**
 * The Kubernetes API as our parts use it. Every failure that the server spoke is a StatusError. So is its silence:
 * ServiceUnavailable when no server answers and the request has had no effect, Timeout when it may have had one.
 */
export interface ApiClient {
  get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, options?: GetOptions): Promise<T>;
  /** The items carry apiVersion and kind, which servers leave out of lists. */
  list<T extends KubeObject>(resource: Resource<T>, options?: ListOptions): Promise<ListOf<T>>;
  /**
   * Events after `resourceVersion` until the server ends the watch, or until aborted, which is no error. An ERROR event
   * is thrown, not given. @throws StatusError Expired: list again
   */
  watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  /** Creates in `object.metadata.namespace`. With a subresource (binding, eviction, token), of the object of that name. */
  create<T extends KubeObject>(resource: Resource<T>, object: T, options?: CallOptions): Promise<T>;
  /** Writes the whole object; a stale metadata.resourceVersion is a Conflict. */
  update<T extends KubeObject>(resource: Resource<T>, object: T, options?: CallOptions): Promise<T>;
  patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options?: CallOptions): Promise<T>;
  delete<T extends KubeObject>(
    resource: Resource<T>,
    key: ObjectKey,
    options?: Omit<DeleteOptions, 'apiVersion' | 'kind' | 'dryRun'> & { readonly signal?: AbortSignal },
  ): Promise<void>;
  /** Any other path, JSON in and out: `/version`, `/api/v1/namespaces/x/serviceaccounts/y/token`. */
  request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown>;
}

/** `namespace` is the empty string for cluster-scoped objects. */
export interface ObjectKey {
  readonly namespace: string;
  readonly name: string;
}
