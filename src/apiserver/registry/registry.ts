import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { KindTable } from '../../api/kinds/kind-table.ts';
import { qualifiedResource, type Kind } from '../../api/kinds/kind.ts';
import type { DeleteOptions, KubeObject, UnknownObject } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import type { AdmissionChain } from '../admission/admission.ts';
import { SYSTEM_USER } from '../authentication/authenticator.ts';
import type { CachedObject } from '../storage/cached-object.ts';
import type { Storage } from '../storage/storage.ts';
import { WatchCaches } from '../watch/watch-caches.ts';
import type { ObjectRequest, RegistryCore } from './core.ts';
import { createObject } from './create-object.ts';
import { deleteObject } from './delete-object.ts';
import { KindView } from './kind-view.ts';
import { listObjects, select } from './list-objects.ts';
import { listParameters } from './list-parameters.ts';
import { readObject } from './read-object.ts';
import type { Observer, ReadOptions, RegistryAccess } from './registry-access.ts';
import type { Strategy } from './strategy.ts';
import { Turns } from './turns.ts';
import { updateObject } from './update-object.ts';
import { ObjectFilter } from '../watch/object-filter.ts';

export interface RegistryOptions {
  readonly storage: Storage;
  readonly kinds: KindTable;
  readonly strategies: ReadonlyMap<string, Strategy>;
  readonly admission: AdmissionChain;
  readonly clock: Clock;
  readonly log: Log;
}

const GENERIC: Strategy = {};
const EVERYTHING = { namespace: '', name: '', labels: [], fields: [] };

/** All objects: kinds, strategies, store and caches put together, and the door to them for inner parts. */
export class Registry implements RegistryCore, RegistryAccess {
  readonly storage: Storage;
  readonly caches: WatchCaches;
  readonly kinds: KindTable;
  readonly admission: AdmissionChain;
  readonly clock: Clock;
  readonly log: Log;
  readonly turns = new Turns();
  readonly #strategies: ReadonlyMap<string, Strategy>;
  readonly #views = new Map<Kind, KindView>();
  readonly #stop = new AbortController();

  constructor({ storage, kinds, strategies, admission, clock, log }: RegistryOptions) {
    this.storage = storage;
    this.kinds = kinds;
    this.admission = admission;
    this.clock = clock;
    this.log = log;
    this.#strategies = strategies;
    this.caches = new WatchCaches(storage, clock, log);
  }

  get access(): RegistryAccess {
    return this;
  }

  view(kind: Kind): KindView {
    let view = this.#views.get(kind);
    if (view === undefined) {
      view = new KindView(kind, this.#strategies.get(qualifiedResource(kind)) ?? GENERIC);
      this.#views.set(kind, view);
    }
    return view;
  }

  async get<T extends KubeObject>(
    resource: string,
    namespace: string,
    name: string,
    options: ReadOptions = {},
  ): Promise<T> {
    const view = this.#viewOf(resource);
    const revision = options.freshness === 'cache' ? 0 : undefined;
    const object = await readObject(this, view, { namespace, name }, revision, this.#stop.signal);
    return objectOf(view, object) as T;
  }

  async list<T extends KubeObject>(
    resource: string,
    namespace: string,
    options: ReadOptions = {},
  ): Promise<readonly T[]> {
    const view = this.#viewOf(resource);
    const query = new URLSearchParams();
    if (options.freshness === 'cache') query.set('resourceVersion', '0');
    if (options.labelSelector !== undefined) query.set('labelSelector', options.labelSelector);
    if (options.fieldSelector !== undefined) query.set('fieldSelector', options.fieldSelector);
    const parameters = listParameters(query, view, false);
    const { items } = await listObjects(this, view, namespace, parameters, this.#stop.signal);
    return items.map((item) => objectOf(view, item) as T);
  }

  async create<T extends KubeObject>(resource: string, object: T): Promise<T> {
    const view = this.#viewOf(resource);
    const body = typed(object, view);
    const request = this.#ownRequest(view, object.metadata?.namespace ?? '', '');
    const created: KubeObject = await createObject(this, request, body);
    return created as T;
  }

  async update<T extends KubeObject>(
    resource: string,
    namespace: string,
    name: string,
    change: (current: T) => T | null,
    subresource = '',
  ): Promise<T> {
    const view = this.#viewOf(resource);
    const request = { ...this.#ownRequest(view, namespace, name), subresource };
    const { object }: { object: KubeObject } = await updateObject(this, request, (current: KubeObject) => {
      const changed = change(current as T);
      return changed === null ? null : typed(changed, view);
    });
    return object as T;
  }

  async delete(resource: string, namespace: string, name: string, options: DeleteOptions = {}): Promise<void> {
    const view = this.#viewOf(resource);
    await deleteObject(this, this.#ownRequest(view, namespace, name), options);
  }

  async observe<T extends KubeObject>(resource: string, observer: Observer<T>, signal: AbortSignal): Promise<void> {
    const view = this.#viewOf(resource);
    const cache = this.caches.of(view.prefix);
    await cache.waitFor(0, signal);
    let position = cache.ring.end;
    const replace = (): void => {
      position = cache.ring.end;
      observer.onReplace(
        select(cache, new ObjectFilter(view, EVERYTHING)).map((object) => objectOf(view, object) as T),
      );
    };
    const forward = (): void => {
      if (!cache.ring.has(position)) return replace();
      for (let event = cache.ring.at(position); event !== undefined; event = cache.ring.at(position)) {
        position += 1;
        const object = objectOf(view, event.object) as T;
        if (event.type === 'put') observer.onUpsert(object);
        else observer.onDelete(object);
      }
    };
    const stop = cache.listen({ onProgress: forward, onReset: replace });
    signal.addEventListener('abort', stop, { once: true });
    replace();
  }

  /**
   * Begins the caches of all kinds, so that a client that comes over from a server that died can go on where it was:
   * a cache that begins with its first reader knows nothing of before, and that reader would have to list again.
   */
  warm(): void {
    for (const kind of this.kinds.all()) if (kind.storagePrefix !== '') this.caches.of(this.view(kind).prefix);
  }

  /** Ends the caches; what is still being asked of the registry rejects. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.caches.close();
  }

  #viewOf(resource: string): KindView {
    const kind = this.kinds.byResource(resource);
    if (kind === undefined) throw new StatusError('NotFound', `the server could not find the resource ${resource}`);
    return this.view(kind);
  }

  #ownRequest(view: KindView, namespace: string, name: string): ObjectRequest {
    return {
      view,
      subresource: '',
      namespace,
      name,
      user: SYSTEM_USER,
      isDryRun: false,
      options: {},
      warn: () => undefined,
      signal: this.#stop.signal,
      isAdmitted: false,
    };
  }
}

function objectOf(view: KindView, object: CachedObject): KubeObject {
  return view.fromStored(object.parse());
}

function typed(object: KubeObject, view: KindView): UnknownObject {
  return { ...structuredClone(object), apiVersion: view.apiVersion, kind: view.kind.kind };
}
