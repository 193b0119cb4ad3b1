import { invalidObject, invalid } from '../../api/field-error.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { badRequest, conflict, notFound, StatusError } from '../../api/status.ts';
import { validateObjectMetaUpdate } from '../../api/validation/object-meta.ts';
import { parseStored, storedText } from '../storage/object-text.ts';
import type { StoredItem } from '../storage/storage.ts';
import { admissionAttributes, strategyContext, type ObjectRequest, type RegistryCore } from './core.ts';
import { createObject, hasStatus, setDefaults } from './create-object.ts';
import type { KindView } from './kind-view.ts';
import { carryMeta, countGeneration, ensureNamespace, metaOf } from './object-meta.ts';
import type { StrategyContext, UpdateRules } from './strategy.ts';
import { viewRules } from './view-subresource.ts';

/**
 * Makes the new object from the current one, of which it gets a copy of its own; may be called again after a conflict.
 * Null leaves everything as it is.
 */
export type Change = (current: UnknownObject) => UnknownObject | null | Promise<UnknownObject | null>;

export interface UpdateOutcome {
  readonly object: UnknownObject;
  readonly isCreated: boolean;
}

const MODIFIED = 'the object has been modified; please apply your changes to the latest version and try again';

/**
 * Changes an object or a subresource of it. The first attempt starts from the watch cache where there is one: whatever it
 * leads to but a write that succeeds is tried again from the store.
 * @throws StatusError NotFound, Conflict, Invalid, and what admission says
 */
export async function updateObject(
  core: RegistryCore,
  request: ObjectRequest,
  change: Change,
  allowCreate = false,
): Promise<UpdateOutcome> {
  const { view, name, namespace, signal } = request;
  const key = view.key(namespace, name);
  const fromStore = async (): Promise<StoredItem | null> => (await core.storage.get(key, signal)).item;
  const cached = core.caches.of(view.prefix).get(key);
  let current: StoredItem | null = cached ?? (await fromStore());
  let isLatest = cached === undefined;
  let endTurn: (() => void) | undefined;
  try {
    for (;;) {
      signal.throwIfAborted();
      if (current === null) return await updateMissing(core, request, change, allowCreate);
      try {
        const written = await writeOnce(core, request, current, change);
        const isDone = written.type === 'done' && (isLatest || written.isWritten);
        if (isDone) return { object: written.object, isCreated: false };
        // Many writers of one object would make each other lose over and over: from now on they wait for each other.
        if (written.type === 'lost' && isLatest) endTurn ??= await core.turns.take(key, signal);
      } catch (error) {
        if (isLatest) throw error;
      }
      current = await fromStore();
      isLatest = true;
    }
  } finally {
    endTurn?.();
  }
}

async function updateMissing(
  core: RegistryCore,
  request: ObjectRequest,
  change: Change,
  allowCreate: boolean,
): Promise<UpdateOutcome> {
  const { view, name } = request;
  if (!allowCreate || view.strategy.allowCreateOnUpdate !== true) throw notFound(view.resource, name);
  const missing = await change({ apiVersion: view.apiVersion, kind: view.kind.kind, metadata: {} });
  if (missing === null) throw notFound(view.resource, name);
  return { object: await createMissing(core, request, missing), isCreated: true };
}

async function createMissing(
  core: RegistryCore,
  request: ObjectRequest,
  object: UnknownObject,
): Promise<UnknownObject> {
  if (metaOf(object).uid)
    throw conflict(
      request.view.resource,
      request.name,
      `Precondition failed: UID in precondition: ${metaOf(object).uid}, UID in object meta: `,
    );
  delete metaOf(object).resourceVersion;
  return createObject(core, request, object);
}

type Written =
  | { readonly type: 'done'; readonly object: UnknownObject; readonly isWritten: boolean }
  | { readonly type: 'lost' };

async function writeOnce(
  core: RegistryCore,
  request: ObjectRequest,
  current: StoredItem,
  change: Change,
): Promise<Written> {
  const { view, isDryRun, signal } = request;
  const read = (): UnknownObject => view.fromStored(parseStored(current.text, current.revision));
  const old = read();
  const changed = await change(read());
  if (changed === null) return { type: 'done', object: old, isWritten: false };
  checkIdentity(changed, old, request);
  const context = strategyContext(core, request);
  const object = await prepare(core, request, changed, old, context);
  const text = storedText(view.toStored(object));
  metaOf(object).resourceVersion = String(current.revision);
  const isGone = isFinished(object, old, view);
  if (text === current.text && !isGone) return { type: 'done', object, isWritten: false };
  if (isDryRun) return { type: 'done', object, isWritten: true };
  const reservation = await view.strategy.beginUpdate?.(object, old, context);
  try {
    const { key, revision: expectedRevision } = current;
    const ttlSeconds = view.strategy.ttlSeconds?.(object);
    const result = isGone
      ? await core.storage.delete(key, expectedRevision, signal)
      : await core.storage.put(
          {
            key,
            // What has been reserved (addresses, ports) is in the object only now.
            text: reservation === undefined ? text : storedText(view.toStored(object)),
            expectedRevision,
            ...(ttlSeconds === undefined ? {} : { ttlSeconds }),
          },
          signal,
        );
    if (!result.ok) {
      await reservation?.rollback();
      return { type: 'lost' };
    }
    await reservation?.commit();
    metaOf(object).resourceVersion = String(result.revision);
  } catch (error) {
    await reservation?.rollback();
    throw error;
  }
  if (isGone) await view.strategy.afterDelete?.(object, context).catch(logFailure(core, view));
  return { type: 'done', object, isWritten: true };
}

/** For hooks that run after a write: the write stands, so their failure is logged and goes no further. */
export function logFailure(core: RegistryCore, view: KindView): (error: unknown) => void {
  return (error) => core.log.error('a hook after a write failed', { resource: view.resource, error });
}

/** The object as it will be stored: admitted, with what the path may not change taken from the old one, and valid. */
async function prepare(
  core: RegistryCore,
  request: ObjectRequest,
  object: UnknownObject,
  old: UnknownObject,
  context: StrategyContext,
): Promise<UnknownObject> {
  const { view, subresource, signal } = request;
  ensureNamespace(object, view, request.namespace);
  metaOf(object).resourceVersion ||= metaOf(old).resourceVersion ?? '';
  carryMeta(object, old);
  setDefaults(view, object);
  const attributes = admissionAttributes(core, request, 'UPDATE', object, old);
  if (request.isAdmitted) {
    await core.admission.mutate(attributes, signal);
    setDefaults(view, object);
  }
  const rules = rulesOf(view, subresource);
  if (subresource === '' && hasStatus(view)) copyField('status', old, object);
  if (subresource === 'status') keepAllButStatus(object, old);
  await rules.prepareForUpdate?.(object, old, context);
  countGeneration(object, old, view);
  const errors = [
    ...validateObjectMetaUpdate(metaOf(object), metaOf(old)),
    ...(subresource === '' ? (view.strategy.validate?.(object, context) ?? []) : []),
    ...(rules.validateUpdate?.(object, old, context) ?? []),
  ];
  if (errors.length > 0) throw invalidObject(view.qualifiedKind, request.name, errors);
  view.strategy.canonicalize?.(object);
  if (request.isAdmitted) await core.admission.validate(attributes, signal);
  return object;
}

function rulesOf(view: KindView, subresource: string): UpdateRules {
  if (subresource === '') return view.strategy;
  const special = view.strategy.subresources?.[subresource];
  if (special?.type === 'update') return special;
  if (special?.type === 'view') return viewRules(view.strategy);
  if (subresource === 'status') return {};
  throw new StatusError('MethodNotAllowed', 'the server does not allow this method on the requested resource');
}

/** A status write changes status, and of metadata only what clients may need there. */
function keepAllButStatus(object: UnknownObject, old: UnknownObject): void {
  for (const field of Object.keys(object)) if (!(field in old) && field !== 'status') delete object[field];
  for (const field of Object.keys(old))
    if (field !== 'status' && field !== 'metadata') object[field] = structuredClone(old[field]);
}

function copyField(field: string, from: UnknownObject, to: UnknownObject): void {
  if (from[field] === undefined) delete to[field];
  else to[field] = structuredClone(from[field]);
}

/** Name, uid and resourceVersion of what the client sent must be those of what is there. */
function checkIdentity(object: UnknownObject, old: UnknownObject, { view, namespace, name }: ObjectRequest): void {
  const meta = metaOf(object);
  const before = metaOf(old);
  if (meta.name === undefined || meta.name === '')
    throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
  if (meta.name !== name)
    throw badRequest(`the name of the object (${meta.name}) does not match the name on the URL (${name})`);
  if (meta.uid && meta.uid !== before.uid)
    throw conflict(
      view.resource,
      name,
      `StorageError: invalid object, Code: 4, Key: ${view.key(namespace, name)}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${meta.uid}, UID in object meta: ${before.uid}`,
    );
  const said = revisionOf(meta.resourceVersion ?? '');
  if (said === 0n) {
    if (view.strategy.allowUnconditionalUpdate === false)
      throw invalidObject(view.qualifiedKind, name, [
        invalid('metadata.resourceVersion', 0, 'must be specified for an update'),
      ]);
    meta.resourceVersion = before.resourceVersion ?? '';
  } else if (said !== revisionOf(before.resourceVersion ?? '')) throw conflict(view.resource, name, MODIFIED);
  else meta.resourceVersion = before.resourceVersion ?? '';
}

/** The number, 0 for none. @throws StatusError Unknown, as upstream answers what is no number (ObjectResourceVersion) */
function revisionOf(text: string): bigint {
  const isNumber = /^\d*$/.test(text);
  if (isNumber && BigInt(text) < 2n ** 64n) return BigInt(text);
  const why = isNumber ? 'value out of range' : 'invalid syntax';
  throw new StatusError('Unknown', `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${why}`);
}

/** Whether an object that is being deleted has nothing left that holds it. */
function isFinished(object: UnknownObject, old: UnknownObject, { strategy }: KindView): boolean {
  const meta = metaOf(object);
  if (metaOf(old).deletionTimestamp === undefined) return false;
  if ((meta.finalizers ?? []).length > 0 || (meta.deletionGracePeriodSeconds ?? 0) > 0) return false;
  return strategy.isRemovable?.(object) ?? true;
}
