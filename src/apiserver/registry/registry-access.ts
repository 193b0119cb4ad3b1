import type { DeleteOptions, KubeObject } from '../../api/objects.ts';

/** How fresh a read has to be: `cache` is the watch cache as it stands, `latest` sees every acknowledged write. */
type Freshness = 'cache' | 'latest';

export interface ReadOptions {
  /** Default `latest`. */
  readonly freshness?: Freshness;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

/** Called for every object of a kind, first for those that are there, then on each change, in order. Must not block. */
export interface Observer<T extends KubeObject> {
  /** All objects; forget what was known before. Comes again after the watch had to be taken up anew. */
  onReplace(objects: readonly T[]): void;
  onUpsert(object: T): void;
  onDelete(object: T): void;
}

/**
 * The API server's own objects for its inner parts (admission plugins, authenticators, authorizers, strategies, duties):
 * no HTTP, no authentication, authorization or admission; defaulting, strategies and validation apply as for any client.
 *
 * @param resource the plural with its group, as `pods` or `deployments.apps`
 * @param namespace the empty string for cluster-scoped resources; in list() the empty string is all namespaces
 */
export interface RegistryAccess {
  /** @throws StatusError NotFound */
  get<T extends KubeObject>(resource: string, namespace: string, name: string, options?: ReadOptions): Promise<T>;
  list<T extends KubeObject>(resource: string, namespace: string, options?: ReadOptions): Promise<readonly T[]>;
  /** @throws StatusError AlreadyExists, Invalid */
  create<T extends KubeObject>(resource: string, object: T): Promise<T>;
  /**
   * Reads, changes, writes, again after a conflict. `change` gets an object of its own to alter; returning null leaves
   * the stored object as it is.
   * @throws StatusError NotFound, Invalid, and what `change` throws
   */
  update<T extends KubeObject>(
    resource: string,
    namespace: string,
    name: string,
    change: (current: T) => T | null,
    subresource?: string,
  ): Promise<T>;
  /** @throws StatusError NotFound, Conflict (preconditions) */
  delete(resource: string, namespace: string, name: string, options?: DeleteOptions): Promise<void>;
  /** Follows a kind until `signal` is aborted; resolves after the first onReplace. */
  observe<T extends KubeObject>(resource: string, observer: Observer<T>, signal: AbortSignal): Promise<void>;
}
