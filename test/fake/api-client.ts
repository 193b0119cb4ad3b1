import { isDeepStrictEqual } from 'node:util';
import type { KubeObject, ListOf, WatchEvent } from '../../src/api/objects.ts';
import { parseLabelSelector } from '../../src/api/label-selector-parser.ts';
import { matchesFields, matchesLabels, parseFieldSelector } from '../../src/api/selector.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  expired,
  forbidden,
  notFound,
  StatusError,
} from '../../src/api/status.ts';
import type {
  ApiClient,
  CallOptions,
  ListOptions,
  ObjectKey,
  Patch,
  Resource,
  WatchOptions,
} from '../../src/client/api-client.ts';
import { ObjectStore, type Change, type Stored } from './object-store.ts';
import { patched } from './patch.ts';
import { bound, isDone, planDelete, prepareForCreate, prepareForUpdate, qualified } from './strategy.ts';

/** One call that the fake got. */
export interface Call {
  readonly verb: 'get' | 'list' | 'watch' | 'create' | 'update' | 'patch' | 'delete' | 'request';
  readonly plural: string;
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/** ApiClient over objects in memory, for unit tests; test/contract/api-client.contract.ts holds it to the real one. */
export class FakeApiClient implements ApiClient {
  /** Every call so far, oldest first. */
  readonly calls: Call[] = [];
  /** Runs before each call; what it throws, the caller gets. */
  onCall: (call: Call) => void | Promise<void> = () => undefined;
  /** Answers `request`; the default knows `/version` only. */
  onRequest: (method: string, path: string, body: unknown) => unknown = answerVersion;
  readonly #store = new ObjectStore();
  readonly #now: () => Date;
  #watchEpoch = 0;
  #bookmarkEpoch = 0;

  constructor(now: () => Date) {
    this.#now = now;
  }

  /** Puts objects in as they are, status included: for arranging. */
  seed<T extends KubeObject>(resource: Resource<T>, ...objects: readonly T[]): void {
    for (const object of objects) {
      const { status } = plainObject(object);
      const next = prepareForCreate(plain(resource), structuredClone(plainObject(object)), this.#now());
      const metadata = { ...next.metadata, ...structuredClone(object.metadata) };
      const whole = { ...next, metadata, ...(status === undefined ? {} : { status }) };
      this.#store.put(qualified(resource), keyOf(resource, next), whole);
    }
  }

  /** Ends every open watch, as a server that closes. */
  endWatches(): void {
    this.#watchEpoch += 1;
    this.#store.poke();
  }

  /** Forgets history, so that watches from an older resourceVersion get 410. */
  compact(): void {
    this.#store.compact();
  }

  /** A bookmark to every watch that asked for them. */
  sendBookmarks(): void {
    this.#bookmarkEpoch += 1;
    this.#store.poke();
  }

  async get<T extends KubeObject>(resource: Resource<T>, namespace: string, name: string, options?: CallOptions) {
    await this.#called('get', resource, { namespace, name }, options);
    return copyAs(resource, this.#mustGet(resource, namespace, name));
  }

  async list<T extends KubeObject>(resource: Resource<T>, options: ListOptions = {}) {
    await this.#called('list', resource, { namespace: options.namespace ?? '' }, options);
    return page(this.#store, resource, options);
  }

  async *watch<T extends KubeObject>(resource: Resource<T>, options: WatchOptions): AsyncGenerator<WatchEvent<T>> {
    await this.#called('watch', resource, { namespace: options.namespace ?? '' });
    const matches = matcher(options);
    const table = qualified(resource);
    const store = this.#store;
    const watchEpoch = this.#watchEpoch;
    let bookmarkEpoch = this.#bookmarkEpoch;
    let revision = Number(options.resourceVersion) || store.revision;
    const ends = [options.signal];
    if (options.timeoutSeconds !== undefined) ends.push(AbortSignal.timeout(options.timeoutSeconds * 1000));
    const ended = AbortSignal.any(ends);
    while (!ended.aborted && watchEpoch === this.#watchEpoch) {
      if (revision < store.compacted) throw expired(`too old resource version: ${revision} (${store.compacted})`);
      for (const change of store.changesAfter(table, revision)) {
        revision = change.revision;
        const event = eventOf(resource, change, matches);
        if (event !== undefined) yield event;
      }
      if (bookmarkEpoch !== this.#bookmarkEpoch) {
        bookmarkEpoch = this.#bookmarkEpoch;
        revision = store.revision;
        if (options.allowWatchBookmarks === true) yield bookmark(resource, revision);
      }
      if (store.changesAfter(table, revision).length === 0 && revision >= store.compacted) await store.changed(ended);
    }
  }

  async create<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    await this.#called('create', resource, { namespace, name }, options);
    const wanted = structuredClone(plainObject(object));
    if (resource.namespaced && namespace === '') throw badRequest('an empty namespace may not be set during creation');
    if (options.subresource !== undefined) return copyAs(resource, this.#createSubresource(resource, wanted, options));
    const parent = resource.namespaced ? this.#store.get('namespaces', namespace) : undefined;
    if (parent?.metadata?.deletionTimestamp !== undefined) {
      const why = `unable to create new content in namespace ${namespace} because it is being terminated`;
      throw forbidden(qualified(resource), name, why);
    }
    const next = prepareForCreate(plain(resource), wanted, this.#now());
    const table = qualified(resource);
    const key = keyOf(resource, next);
    if (this.#store.get(table, key) !== undefined) throw alreadyExists(table, next.metadata?.name ?? '');
    return copyAs(resource, options.dryRun === true ? next : this.#store.put(table, key, next));
  }

  async update<T extends KubeObject>(resource: Resource<T>, object: T, options: CallOptions = {}) {
    const { namespace = '', name = '' } = object.metadata ?? {};
    await this.#called('update', resource, { namespace, name }, options);
    const before = this.#mustGet(resource, namespace, name);
    const wanted = structuredClone(plainObject(object));
    const next = prepareForUpdate(plain(resource), before, wanted, options.subresource);
    return copyAs(resource, this.#write(resource, before, next, options));
  }

  async patch<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, patch: Patch, options: CallOptions = {}) {
    await this.#called('patch', resource, key, options);
    const before = this.#mustGet(resource, key.namespace, key.name);
    const next = prepareForUpdate(
      plain(resource),
      before,
      patched(resource.group, resource.plural, before, patch),
      options.subresource,
    );
    return copyAs(resource, this.#write(resource, before, next, options));
  }

  async delete<T extends KubeObject>(resource: Resource<T>, key: ObjectKey, options: DeleteCallOptions = {}) {
    await this.#called('delete', resource, key, options);
    this.#remove(resource, this.#mustGet(resource, key.namespace, key.name), options);
  }

  async request(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<unknown> {
    signal?.throwIfAborted();
    this.calls.push({ verb: 'request', plural: '', namespace: '', name: `${method} ${path}`, subresource: '' });
    return this.onRequest(method, path, body);
  }

  async #called(verb: Call['verb'], resource: { plural: string }, key: Partial<ObjectKey>, options: CallOptions = {}) {
    options.signal?.throwIfAborted();
    const { namespace = '', name = '' } = key;
    const call: Call = { verb, plural: resource.plural, namespace, name, subresource: options.subresource ?? '' };
    this.calls.push(call);
    await this.onCall(call);
  }

  /** Keeps what an update or patch made of an object, unless nothing changed. */
  #write(resource: Resource<KubeObject>, before: Stored, next: Stored, options: CallOptions): Stored {
    const table = qualified(resource);
    if (options.dryRun === true || isDeepStrictEqual(before, next)) return next;
    if (!isDone(plain(resource), next)) return this.#store.put(table, keyOf(resource, before), next);
    this.#store.remove(table, keyOf(resource, before));
    return next;
  }

  #mustGet(resource: Resource<KubeObject>, namespace: string, name: string): Stored {
    const object = this.#store.get(qualified(resource), resource.namespaced ? `${namespace}/${name}` : name);
    if (object === undefined) throw notFound(qualified(resource), name);
    return object;
  }

  #createSubresource(resource: Resource<KubeObject>, body: Stored, options: CallOptions): Stored {
    const { namespace = '', name = '' } = body.metadata ?? {};
    const parent = this.#mustGet(resource, namespace, name);
    switch (options.subresource) {
      case 'binding': {
        const target = body['target'] as { name?: string } | undefined;
        this.#write(resource, parent, bound(parent, target?.name ?? ''), options);
        return { apiVersion: 'v1', kind: 'Status', status: 'Success' } as unknown as Stored;
      }
      case 'eviction':
        this.#remove(resource, parent, body['deleteOptions'] ?? {});
        return body;
      case 'token': {
        const expirationTimestamp = new Date(this.#now().getTime() + 3_600_000).toISOString();
        return { ...body, status: { token: `fake-token-of-${name}`, expirationTimestamp } };
      }
      default:
        throw notFound(`${qualified(resource)}/${options.subresource}`, name);
    }
  }

  #remove(resource: Resource<KubeObject>, before: Stored, options: DeleteCallOptions): void {
    const table = qualified(resource);
    const { uid, resourceVersion } = options.preconditions ?? {};
    const { metadata } = before;
    const name = metadata?.name ?? '';
    if (uid !== undefined && uid !== metadata?.uid)
      throw conflict(
        table,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${metadata?.uid}`,
      );
    if (resourceVersion !== undefined && resourceVersion !== metadata?.resourceVersion)
      throw conflict(table, name, `Precondition failed: ResourceVersion in precondition: ${resourceVersion}`);
    const plan = planDelete(plain(resource), before, options, this.#now());
    if (plan === 'remove') this.#store.remove(table, keyOf(resource, before));
    else if (plan !== 'keep') this.#store.put(table, keyOf(resource, before), plan);
  }
}

/** @param now the time of creationTimestamp and deletionTimestamp */
export function createFakeApiClient(now: () => Date = () => new Date()): FakeApiClient {
  return new FakeApiClient(now);
}

type DeleteCallOptions = NonNullable<Parameters<ApiClient['delete']>[2]>;

function answerVersion(method: string, path: string): unknown {
  if (method === 'GET' && path === '/version') return { major: '1', minor: '36', gitVersion: 'v1.36.0+fake' };
  throw new StatusError('NotFound', 'the server could not find the requested resource');
}

/** The same row, its objects seen as plain fields. */
function plain<T extends KubeObject>(resource: Resource<T>): Resource<Stored> {
  const { group, version, plural, kind, namespaced } = resource;
  return { group, version, plural, kind, namespaced };
}

function plainObject(object: KubeObject): Stored {
  return object as Stored;
}

/** A copy for the caller; `_resource` says what it is. */
function copyAs<T extends KubeObject>(_resource: Resource<T>, object: Stored): T {
  return structuredClone(object) as unknown as T;
}

function keyOf<T extends KubeObject>(resource: Resource<T>, object: Stored): string {
  const { namespace = '', name = '' } = object.metadata ?? {};
  return resource.namespaced ? `${namespace}/${name}` : name;
}

type Matcher = (object: Stored) => boolean;

function matcher(options: Pick<ListOptions, 'namespace' | 'labelSelector' | 'fieldSelector'>): Matcher {
  const labels = parseLabelSelector(options.labelSelector ?? '');
  const fields = parseFieldSelector(options.fieldSelector ?? '');
  const { namespace = '' } = options;
  return (object) =>
    (namespace === '' || object.metadata?.namespace === namespace) &&
    matchesLabels(labels, object.metadata?.labels) &&
    matchesFields(fields, (path) => fieldOf(object, path));
}

function fieldOf(object: unknown, path: string): string {
  let value = object;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return ['string', 'number', 'boolean'].includes(typeof value) ? JSON.stringify(value).replaceAll('"', '') : '';
}

/** A page of the table as it was when the first page was read. */
function page<T extends KubeObject>(store: ObjectStore, resource: Resource<T>, options: ListOptions): ListOf<T> {
  const [continueRevision, ...after] = (options.continue ?? '').split(' ');
  const exact = options.resourceVersionMatch === 'Exact' ? Number(options.resourceVersion) : store.revision;
  const revision = options.continue === undefined ? exact : Number(continueRevision);
  if (revision < store.compacted)
    throw expired('The provided continue parameter is too old to display a consistent list result.');
  const matches = matcher(options);
  const found = store
    .at(qualified(resource), revision)
    .filter(([key, object]) => (options.continue === undefined || key > after.join(' ')) && matches(object));
  const limit = options.limit ?? found.length;
  const shown = found.slice(0, limit);
  const metadata: ListOf<T>['metadata'] = { resourceVersion: String(revision) };
  if (found.length > shown.length) {
    metadata.continue = `${revision} ${shown.at(-1)?.[0]}`;
    metadata.remainingItemCount = found.length - shown.length;
  }
  const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
  return {
    apiVersion,
    kind: `${resource.kind}List`,
    metadata,
    items: shown.map(([, object]) => copyAs(resource, object)),
  };
}

/** What a watcher with this selector sees of a change: leaving the selection is a deletion, entering it an addition. */
function eventOf<T extends KubeObject>(
  resource: Resource<T>,
  { before, after, revision }: Change,
  matches: Matcher,
): WatchEvent<T> | undefined {
  const was = before !== undefined && matches(before);
  if (after !== undefined && matches(after))
    return { type: was ? 'MODIFIED' : 'ADDED', object: copyAs(resource, after) };
  if (!was) return undefined;
  const gone = copyAs(resource, before);
  gone.metadata = { ...gone.metadata, resourceVersion: String(revision) };
  return { type: 'DELETED', object: gone };
}

function bookmark<T extends KubeObject>(resource: Resource<T>, revision: number): WatchEvent<T> {
  const { kind } = resource;
  return { type: 'BOOKMARK', object: copyAs(resource, { kind, metadata: { resourceVersion: String(revision) } }) };
}
