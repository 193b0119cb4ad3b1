import type { KubeObject } from '../api/objects.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import type { ApiClient, Resource } from './api-client.ts';
import { IndexedCache, type IndexFunction } from './indexed-cache.ts';
import { runReflector } from './reflector.ts';

/** A read-only cache of the server's objects of one kind. Objects in it are shared: never change one. */
export interface Lister<T extends KubeObject> {
  get(namespace: string, name: string): T | undefined;
  /** All, or those of one namespace. */
  list(namespace?: string): readonly T[];
  /** Those whose index function `index` gave `value`. */
  byIndex(index: string, value: string): readonly T[];
}

/** What happened to one object: added (`before` undefined), changed, or deleted (`now` undefined). */
export type ChangeHandler<T extends KubeObject> = (before: T | undefined, now: T | undefined) => void;

/** Keeps a Lister equal to the server and says what changed. Several parts may share one. */
export interface Informer<T extends KubeObject> {
  readonly lister: Lister<T>;
  /** One more index for `lister.byIndex`; a second one of the same name changes nothing. */
  addIndex(name: string, of: IndexFunction<T>): void;
  /** Tells of each change after this call; of what is already there first, as additions. Returns how to stop it. */
  onChange(handler: ChangeHandler<T>): () => void;
  /** Settles when the first list is in. Rejects when aborted. */
  synced(signal: AbortSignal): Promise<void>;
  /** Lists and watches until aborted. */
  run(signal: AbortSignal): Promise<void>;
}

/** Which objects an informer keeps, and how. */
export interface InformerOptions<T extends KubeObject> {
  /** Absent: all namespaces. */
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  /** Index functions by the name that `lister.byIndex` takes. */
  readonly indexers?: Readonly<Record<string, IndexFunction<T>>>;
  /** Changes or slims each object before it is kept. The default drops managedFields, which no part of ours reads. */
  readonly transform?: (object: T) => T;
  readonly clock?: Clock;
  readonly log?: Log;
  /** Objects per page of the list; 500. */
  readonly pageSize?: number;
  readonly random?: () => number;
}

/** A cache of one resource that is kept up by list and watch once it is run. */
export function createInformer<T extends KubeObject>(
  client: ApiClient,
  resource: Resource<T>,
  options: InformerOptions<T> = {},
): Informer<T> {
  return new ReflectedCache(client, resource, options);
}

class ReflectedCache<T extends KubeObject> implements Informer<T> {
  readonly #client: ApiClient;
  readonly #resource: Resource<T>;
  readonly #options: InformerOptions<T>;
  readonly #cache: IndexedCache<T>;
  readonly #handlers = new Set<ChangeHandler<T>>();
  readonly #firstList = Promise.withResolvers<undefined>();
  readonly #log: Log;

  constructor(client: ApiClient, resource: Resource<T>, options: InformerOptions<T>) {
    this.#client = client;
    this.#resource = resource;
    this.#options = options;
    this.#log = options.log ?? createLog('informer');
    this.#cache = new IndexedCache<T>((before, now) => {
      for (const handler of this.#handlers) this.#call(handler, before, now);
    });
    for (const [name, of] of Object.entries(options.indexers ?? {})) this.#cache.addIndex(name, of);
  }

  get lister(): Lister<T> {
    return this.#cache;
  }

  addIndex(name: string, of: IndexFunction<T>): void {
    this.#cache.addIndex(name, of);
  }

  onChange(handler: ChangeHandler<T>): () => void {
    for (const object of this.#cache.list()) this.#call(handler, undefined, object);
    this.#handlers.add(handler);
    return () => this.#handlers.delete(handler);
  }

  async synced(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', onAbort, { once: true });
    await Promise.race([this.#firstList.promise, aborted.promise]);
    signal.removeEventListener('abort', onAbort);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { namespace, labelSelector, fieldSelector, transform = dropManagedFields } = this.#options;
    const cache = this.#cache;
    await runReflector<T>(
      {
        client: this.#client,
        resource: this.#resource,
        scope: {
          ...(namespace === undefined ? {} : { namespace }),
          ...(labelSelector === undefined ? {} : { labelSelector }),
          ...(fieldSelector === undefined ? {} : { fieldSelector }),
        },
        sink: {
          replace: (objects) => {
            cache.replace(objects.map(transform));
            this.#firstList.resolve(undefined);
          },
          put: (object) => cache.put(transform(object)),
          remove: (namespace, name, last) => cache.remove(namespace, name, last),
        },
        clock: this.#options.clock ?? systemClock,
        log: this.#log,
        pageSize: this.#options.pageSize ?? 500,
        random: this.#options.random ?? Math.random,
      },
      signal,
    );
  }

  /** One handler's fault must neither starve the others nor make the reflector list again. */
  #call(handler: ChangeHandler<T>, before: T | undefined, now: T | undefined): void {
    try {
      handler(before, now);
    } catch (error) {
      this.#log.error('a change handler failed', { resource: this.#resource.plural, error });
    }
  }
}

function dropManagedFields<T extends KubeObject>(object: T): T {
  if (object.metadata?.managedFields !== undefined) delete object.metadata.managedFields;
  return object;
}
