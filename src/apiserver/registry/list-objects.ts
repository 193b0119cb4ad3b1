import { badRequest, isReason } from '../../api/status.ts';
import { CachedObject } from '../storage/cached-object.ts';
import { tooLargeResourceVersion } from '../storage/storage-error.ts';
import type { ListRange } from '../storage/storage.ts';
import { ObjectFilter } from '../watch/object-filter.ts';
import type { WatchCache } from '../watch/watch-cache.ts';
import { ContinueExpired, decodeContinue, encodeContinue } from './continue-token.ts';
import type { RegistryCore } from './core.ts';
import type { KindView } from './kind-view.ts';
import type { ListParameters } from './list-parameters.ts';

export interface ObjectList {
  readonly items: readonly CachedObject[];
  readonly revision: number;
  /** Empty: this was the last page. */
  readonly continueToken: string;
  readonly remainingItemCount: number | undefined;
}

/** How long a list waits for a revision that the cache has not seen (cacher's blockTimeout). */
const FRESH_TIMEOUT_MS = 3000;
/** The same where the store can answer instead. */
const LATEST_TIMEOUT_MS = 1000;
/** Pages of the store are at most so long while a selector leaves little of them. */
const PAGE_MAX = 10_000;

/**
 * Lists objects with upstream's meaning of resourceVersion, resourceVersionMatch, limit and continue. Whatever the cache
 * can answer it does, after a progress check where the list has to see every write; pages come from the store.
 * @throws StatusError Expired, Timeout (a revision from the future), BadRequest
 */
export async function listObjects(
  core: RegistryCore,
  view: KindView,
  namespace: string,
  parameters: ListParameters,
  signal: AbortSignal,
): Promise<ObjectList> {
  const { labels, fields, name, limit, continueToken, resourceVersion, match } = parameters;
  const filter = new ObjectFilter(view, { namespace, name, labels, fields });
  if (continueToken !== '') return nextPage(core, filter, parameters, signal);
  const isExact = match === 'Exact' || (match === undefined && limit > 0 && (resourceVersion ?? 0) > 0);
  if (isExact) return page(core, filter, { revision: resourceVersion ?? 0, start: '' }, limit, signal);
  const cache = await freshCache(core, view, resourceVersion, signal);
  if (cache === null) return page(core, filter, { revision: 0, start: '' }, limit, signal);
  const items = select(cache, filter);
  // Upstream ignores the limit for resourceVersion=0.
  if (limit === 0 || items.length <= limit || resourceVersion === 0)
    return { items, revision: cache.revision, continueToken: '', remainingItemCount: undefined };
  return page(core, filter, { revision: cache.revision, start: '' }, limit, signal);
}

/**
 * The cache, at least as new as asked: undefined asks for every acknowledged write. Null when the store cannot say how
 * far its watch is, so that only the store itself can answer.
 * @throws StatusError Timeout
 */
export async function freshCache(
  core: RegistryCore,
  view: KindView,
  resourceVersion: number | undefined,
  signal: AbortSignal,
): Promise<WatchCache | null> {
  const cache = core.caches.of(view.prefix);
  const isLatest = resourceVersion === undefined;
  if (isLatest && !(await core.storage.hasProgress(signal))) return null;
  const revision = isLatest ? await core.storage.currentRevision(signal) : resourceVersion;
  if (cache.revision >= revision && cache.revision > 0) return cache;
  if (isLatest && !cache.isFollowing) return null;
  const patience = AbortSignal.any([signal, AbortSignal.timeout(isLatest ? LATEST_TIMEOUT_MS : FRESH_TIMEOUT_MS)]);
  try {
    await cache.waitFor(revision, patience);
    return cache;
  } catch {
    signal.throwIfAborted();
    // The watch lags (or cannot be made): the store knows the answer itself.
    if (isLatest || revision === 0) return null;
    throw tooLargeResourceVersion(`Too large resource version: ${revision}, current: ${cache.revision}`);
  }
}

/** The objects of the cache that the filter wants, in key order. */
export function select(cache: WatchCache, filter: ObjectFilter): CachedObject[] {
  if (filter.exactKey !== undefined) {
    const one = cache.get(filter.exactKey);
    return one !== undefined && filter.matches(one) ? [one] : [];
  }
  const all = cache.list(filter.keyPrefix);
  return filter.hasSelectors ? all.filter((object) => filter.matches(object)) : all;
}

async function nextPage(
  core: RegistryCore,
  filter: ObjectFilter,
  { continueToken, limit, resourceVersion = 0 }: ListParameters,
  signal: AbortSignal,
): Promise<ObjectList> {
  const { revision, start } = decodeContinue(continueToken);
  if (resourceVersion > 0) throw badRequest('specifying resource version is not allowed when using continue');
  try {
    return await page(core, filter, { revision: Math.max(revision, 0), start }, limit, signal);
  } catch (error) {
    throw isReason(error, 'Expired') ? new ContinueExpired(start) : error;
  }
}

/** Reads a page from the store, as of `revision` (0: now). */
async function page(
  core: RegistryCore,
  filter: ObjectFilter,
  { revision, start }: { readonly revision: number; readonly start: string },
  limit: number,
  signal: AbortSignal,
): Promise<ObjectList> {
  const prefix = filter.exactKey ?? filter.keyPrefix;
  const items: CachedObject[] = [];
  let at = revision;
  let startKey = filter.keyPrefix + start;
  let pageLimit = limit;
  for (;;) {
    const range: ListRange = {
      ...(at === 0 ? {} : { revision: at }),
      ...(pageLimit === 0 ? {} : { limit: pageLimit }),
      startKey: start === '' && filter.exactKey !== undefined ? filter.exactKey : startKey,
    };
    const read = await core.storage.list(prefix, range, signal);
    at = read.revision;
    const found = read.items.map(({ key, text, revision: written }) => new CachedObject(key, text, written));
    let last = '';
    for (const object of found) {
      last = object.key;
      if (filter.matches(object)) items.push(object);
      if (limit > 0 && items.length === limit) break;
    }
    const consumed = found.findIndex(({ key }) => key === last) + 1;
    const left = read.count - consumed;
    if (left <= 0) return { items, revision: at, continueToken: '', remainingItemCount: undefined };
    if (limit > 0 && items.length === limit) {
      const token = encodeContinue({ revision: at, start: `${last.slice(filter.keyPrefix.length)}\0` });
      const remainingItemCount = filter.hasSelectors ? undefined : left;
      return { items, revision: at, continueToken: token, remainingItemCount };
    }
    startKey = `${last}\0`;
    pageLimit = Math.min(pageLimit * 2, PAGE_MAX);
  }
}
