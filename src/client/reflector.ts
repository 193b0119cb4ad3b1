import type { KubeObject } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { ApiClient, Resource } from './api-client.ts';

/** The writing side of a cache. */
export interface ReflectorSink<T extends KubeObject> {
  replace(objects: readonly T[]): void;
  put(object: T): void;
  remove(namespace: string, name: string, last?: T): void;
}

/** What to keep equal to what. */
export interface ReflectorOptions<T extends KubeObject> {
  readonly client: ApiClient;
  readonly resource: Resource<T>;
  readonly scope: { readonly namespace?: string; readonly labelSelector?: string; readonly fieldSelector?: string };
  readonly sink: ReflectorSink<T>;
  readonly clock: Clock;
  readonly log: Log;
  /** Objects per page of a list. */
  readonly pageSize: number;
  /** 0 up to 1; spreads the retries of many watchers. */
  readonly random: () => number;
}

/** Between tries, doubling, each lengthened by up to itself at random. On one LAN the servers' peace needs no more. */
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;
/** A watch that lived this long was a good one: the next failure starts from the shortest retry. */
const HEALTHY_MS = 5000;
/** The server ends a watch after one to two times this, so that watchers spread over the API servers again. */
const WATCH_TIMEOUT_SECONDS = 300;

/**
 * Keeps `sink` equal to the server's objects until `signal` is aborted: list, watch, and after a lost connection watch on
 * from the last resourceVersion seen, bookmarks included. Lists again only when the server has forgotten that version (410).
 */
export async function runReflector<T extends KubeObject>(
  options: ReflectorOptions<T>,
  signal: AbortSignal,
): Promise<void> {
  const { clock, resource, log } = options;
  let position: string | undefined;
  let retryMs = RETRY_MIN_MS;
  while (!signal.aborted) {
    const startMs = clock.monotonicMs();
    try {
      position ??= await listAll(options, signal);
      await watchFrom(options, position, (next) => (position = next), signal);
    } catch (error) {
      if (signal.aborted) return;
      // 410 Gone only says that the watch is too old to resume: list again.
      if (isReason(error, 'Expired') || isReason(error, 'Gone')) position = undefined;
      else log.warn('watch failed', { resource: resource.plural, retryMs, error });
    }
    if (clock.monotonicMs() - startMs >= HEALTHY_MS) retryMs = RETRY_MIN_MS;
    await clock.sleepMs(retryMs * (1 + options.random()), signal).catch(() => undefined); // rejects only when aborted
    retryMs = Math.min(retryMs * 2, RETRY_MAX_MS);
  }
}

/** Fills the sink and gives the resourceVersion of the list. */
async function listAll<T extends KubeObject>(options: ReflectorOptions<T>, signal: AbortSignal): Promise<string> {
  const { client, resource, scope, sink, pageSize } = options;
  let items: T[] = [];
  let page = await client.list(resource, { ...scope, limit: pageSize, signal });
  for (;;) {
    items = items.length === 0 ? page.items : items.concat(page.items);
    const { continue: next = '', resourceVersion = '' } = page.metadata;
    if (next === '') {
      sink.replace(items);
      return resourceVersion;
    }
    try {
      page = await client.list(resource, { ...scope, limit: pageSize, continue: next, signal });
    } catch (error) {
      if (!isReason(error, 'Expired')) throw error;
      // Compaction overtook the paging: one list without pages cannot be overtaken.
      items = [];
      page = await client.list(resource, { ...scope, signal });
    }
  }
}

async function watchFrom<T extends KubeObject>(
  options: ReflectorOptions<T>,
  resourceVersion: string,
  moved: (resourceVersion: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const { client, resource, scope, sink, random } = options;
  const timeoutSeconds = Math.round(WATCH_TIMEOUT_SECONDS * (1 + random()));
  const watch = { ...scope, resourceVersion, allowWatchBookmarks: true, timeoutSeconds, signal };
  for await (const { type, object } of client.watch(resource, watch)) {
    const { namespace = '', name = '', resourceVersion: version = '' } = object.metadata ?? {};
    if (type === 'ADDED' || type === 'MODIFIED') sink.put(object);
    else if (type === 'DELETED') sink.remove(namespace, name, object);
    if (version !== '') moved(version);
  }
}
