import type { CachedObject } from '../storage/cached-object.ts';
import type { CacheEvent } from './event-ring.ts';
import type { ObjectFilter } from './object-filter.ts';

export interface SelectedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: CachedObject;
}

/**
 * What an event is to a watcher with this filter; null when it is nothing to it. An object that stops matching is
 * DELETED with its last matching state under the new revision, one that begins to match is ADDED (cacher's
 * convertToWatchEvent).
 */
export function selectEvent(event: CacheEvent, filter: ObjectFilter): SelectedEvent | null {
  const { type, object, previous, revision } = event;
  const is = type === 'put' && filter.matches(object);
  const was = previous !== undefined && filter.matches(previous);
  if (is) return { type: was ? 'MODIFIED' : 'ADDED', object };
  if (!was) return null;
  return { type: 'DELETED', object: type === 'delete' ? object : previous.at(revision) };
}
