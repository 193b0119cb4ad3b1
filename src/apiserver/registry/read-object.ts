import { notFound } from '../../api/status.ts';
import { CachedObject } from '../storage/cached-object.ts';
import { freshCache } from './list-objects.ts';
import type { RegistryCore } from './core.ts';
import type { KindView } from './kind-view.ts';

/**
 * One object. Without a resourceVersion it is the latest one, from the store; with one, the cache's, at least that new.
 * @throws StatusError NotFound, Timeout (a revision from the future)
 */
export async function readObject(
  core: RegistryCore,
  view: KindView,
  { namespace, name }: { readonly namespace: string; readonly name: string },
  resourceVersion: number | undefined,
  signal: AbortSignal,
): Promise<CachedObject> {
  const key = view.key(namespace, name);
  if (resourceVersion !== undefined) {
    const cache = await freshCache(core, view, resourceVersion, signal);
    const object = cache?.get(key);
    if (object !== undefined) return object;
    if (cache !== null) throw notFound(view.resource, name);
  }
  const { item } = await core.storage.get(key, signal);
  if (item === null) throw notFound(view.resource, name);
  return new CachedObject(item.key, item.text, item.revision);
}
