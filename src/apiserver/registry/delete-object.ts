import type { DeleteOptions, UnknownObject } from '../../api/objects.ts';
import { conflict, notFound, StatusError } from '../../api/status.ts';
import { rfc3339 } from '../../api/time.ts';
import { parseStored, storedText } from '../storage/object-text.ts';
import type { StoredItem } from '../storage/storage.ts';
import { admissionAttributes, strategyContext, type ObjectRequest, type RegistryCore } from './core.ts';
import type { KindView } from './kind-view.ts';
import { metaOf } from './object-meta.ts';
import { logFailure } from './update-object.ts';

/** What a delete came to. */
export interface DeleteOutcome {
  /** The object as it was at last, or as it is while it goes. */
  readonly object: UnknownObject;
  readonly isGone: boolean;
}

const ORPHAN = 'orphan';
const FOREGROUND = 'foregroundDeletion';
const ATTEMPTS_MAX = 20;

/**
 * Deletes an object, or begins to: while finalizers or a grace period hold it, it gets a deletionTimestamp and stays.
 * @throws StatusError NotFound, Conflict (preconditions), and what admission says
 */
export async function deleteObject(
  core: RegistryCore,
  request: ObjectRequest,
  options: DeleteOptions,
): Promise<DeleteOutcome> {
  const { view, name, namespace, signal } = request;
  const key = view.key(namespace, name);
  let current = (await core.storage.get(key, signal)).item;
  if (current === null) throw notFound(view.resource, name);
  if (request.isAdmitted) {
    const old = view.fromStored(parseStored(current.text, current.revision));
    await core.admission.mutate(admissionAttributes(core, request, 'DELETE', null, old), signal);
    await core.admission.validate(admissionAttributes(core, request, 'DELETE', null, old), signal);
  }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    if (current === null) throw notFound(view.resource, name);
    const result = await deleteOnce(core, request, current, options);
    if (result.outcome !== undefined) return result.outcome;
    current = result.current;
  }
  throw new StatusError('Timeout', `could not delete ${view.resource} "${name}": it changes all the time`);
}

interface Attempt {
  readonly outcome?: DeleteOutcome;
  readonly current: StoredItem | null;
}

async function deleteOnce(
  core: RegistryCore,
  request: ObjectRequest,
  current: StoredItem,
  options: DeleteOptions,
): Promise<Attempt> {
  const { view, isDryRun, signal } = request;
  const stored = parseStored(current.text, current.revision);
  checkPreconditions(stored, options, request);
  const object = view.fromStored(stored);
  const before = JSON.stringify(object);
  const isHeld = markDeletion(object, options, view, core.clock.nowMs());
  if (isDryRun) return { outcome: { object, isGone: !isHeld }, current };
  if (isHeld) {
    if (JSON.stringify(object) === before) return { outcome: { object, isGone: false }, current };
    const text = storedText(view.toStored(object));
    const result = await core.storage.put({ key: current.key, text, expectedRevision: current.revision }, signal);
    if (!result.ok) return { current: result.current };
    metaOf(object).resourceVersion = String(result.revision);
    return { outcome: { object, isGone: false }, current };
  }
  const result = await core.storage.delete(current.key, current.revision, signal);
  if (!result.ok) return { current: result.current };
  metaOf(object).resourceVersion = String(result.revision);
  await view.strategy.afterDelete?.(object, strategyContext(core, request)).catch(logFailure(core, view));
  return { outcome: { object, isGone: true }, current };
}

/**
 * Marks the deletion on the object, in place; gives whether something still holds it (rest.BeforeDelete and the
 * registry's deletionFinalizersForGarbageCollection). A second delete may only shorten the grace period.
 */
function markDeletion(object: UnknownObject, options: DeleteOptions, view: KindView, nowMs: number): boolean {
  const meta = metaOf(object);
  const finalizers = finalizersAfter(meta.finalizers ?? [], options);
  const graceSeconds = view.strategy.gracefulDeletion?.(object, options).graceSeconds ?? 0;
  const isMarked = meta.deletionTimestamp !== undefined;
  const isRemovable = finalizers.length === 0 && (view.strategy.isRemovable?.(object) ?? true);
  if (isRemovable && graceSeconds === 0) return false;
  if (finalizers.length > 0) meta.finalizers = finalizers;
  else delete meta.finalizers;
  const leftSeconds = meta.deletionGracePeriodSeconds ?? 0;
  const isShorter = isMarked && graceSeconds < leftSeconds && options.gracePeriodSeconds !== undefined;
  if (isMarked && !isShorter) return true;
  const requestedMs = isMarked ? Date.parse(meta.deletionTimestamp ?? '') - leftSeconds * 1000 : nowMs;
  meta.deletionTimestamp = rfc3339((isMarked ? Math.max(requestedMs, 0) : nowMs) + graceSeconds * 1000);
  meta.deletionGracePeriodSeconds = graceSeconds;
  if (!isMarked && (meta.generation ?? 0) > 0) meta.generation = (meta.generation ?? 0) + 1;
  view.strategy.markDeleting?.(object);
  return true;
}

function finalizersAfter(current: readonly string[], options: DeleteOptions): string[] {
  const { propagationPolicy, orphanDependents } = options;
  if (propagationPolicy === undefined && orphanDependents === undefined) return [...current];
  const others = current.filter((finalizer) => finalizer !== ORPHAN && finalizer !== FOREGROUND);
  if (propagationPolicy === 'Orphan' || orphanDependents === true) return [...others, ORPHAN];
  if (propagationPolicy === 'Foreground') return [...others, FOREGROUND];
  return others;
}

function checkPreconditions(
  object: UnknownObject,
  { preconditions }: DeleteOptions,
  { view, name }: ObjectRequest,
): void {
  const { uid, resourceVersion } = metaOf(object);
  if (preconditions?.uid !== undefined && preconditions.uid !== uid)
    throw conflict(
      view.qualifiedKind,
      name,
      `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`,
    );
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion)
    throw conflict(
      view.qualifiedKind,
      name,
      `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`,
    );
}
