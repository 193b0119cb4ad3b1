import { randomBytes, randomUUID } from 'node:crypto';
import { NAME_LETTERS } from '../../api/name-letters.ts';
import type { ObjectMeta, UnknownObject } from '../../api/objects.ts';
import { badRequest } from '../../api/status.ts';
import { rfc3339 } from '../../api/time.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import type { KindView } from './kind-view.ts';

const SUFFIX_LENGTH = 5;
/** A base longer than this is cut, so that the name fits 63 characters. */
const BASE_LENGTH_MAX = 63 - SUFFIX_LENGTH;

/** `web-` -> `web-x7k2p`. */
export function generateName(base: string): string {
  const letters = [...randomBytes(SUFFIX_LENGTH)].map((byte) => NAME_LETTERS[byte % NAME_LETTERS.length]);
  return base.slice(0, BASE_LENGTH_MAX) + letters.join('');
}

/** The object's metadata, made when it has none. */
export function metaOf(object: UnknownObject): ObjectMeta {
  object.metadata ??= {};
  return object.metadata;
}

/** What the server fills in on create, whatever the client said (rest.FillObjectMetaSystemFields). */
export function fillMeta(object: UnknownObject, view: KindView, nowMs: number): void {
  const meta = metaOf(object);
  meta.uid = randomUUID();
  meta.creationTimestamp = rfc3339(nowMs);
  delete meta.deletionTimestamp;
  delete meta.deletionGracePeriodSeconds;
  delete meta.managedFields;
  delete meta.selfLink;
  if (view.kind.hasGeneration === true) meta.generation = 1;
  else delete meta.generation;
}

/** The namespace of the path goes into the object; another one in it is an error. @throws StatusError BadRequest */
export function ensureNamespace(object: UnknownObject, view: KindView, namespace: string): void {
  const meta = metaOf(object);
  if (!view.kind.namespaced) {
    if ((meta.namespace ?? '') === '') delete meta.namespace;
    return;
  }
  if (meta.namespace === undefined || meta.namespace === '') meta.namespace = namespace;
  if (meta.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}

/** Takes over from the stored object what an update may leave out (rest.BeforeUpdate, ValidateObjectMetaUpdate). */
export function carryMeta(object: UnknownObject, old: UnknownObject): void {
  const meta = metaOf(object);
  const before = metaOf(old);
  meta.uid ??= before.uid ?? '';
  meta.creationTimestamp ??= before.creationTimestamp ?? '';
  if (meta.creationTimestamp === '') delete meta.creationTimestamp;
  if (before.deletionTimestamp !== undefined) meta.deletionTimestamp ??= before.deletionTimestamp;
  else delete meta.deletionTimestamp;
  if (before.deletionGracePeriodSeconds !== undefined)
    meta.deletionGracePeriodSeconds ??= before.deletionGracePeriodSeconds;
  else delete meta.deletionGracePeriodSeconds;
  if (before.generation !== undefined) meta.generation = before.generation;
  else delete meta.generation;
  delete meta.managedFields;
  delete meta.selfLink;
}

/** Counts the generation up when anything but metadata and status differs. */
export function countGeneration(object: UnknownObject, old: UnknownObject, view: KindView): void {
  if (view.kind.hasGeneration !== true) return;
  const { metadata: _meta, status: _status, ...rest } = object;
  const { metadata: _oldMeta, status: _oldStatus, ...oldRest } = old;
  if (!sameJson(rest, oldRest)) metaOf(object).generation = (old.metadata?.generation ?? 0) + 1;
}
