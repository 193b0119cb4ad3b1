import { invalidObject } from '../../api/field-error.ts';
import { applyDefaults } from '../../api/defaults/apply-defaults.ts';
import type { UnknownObject } from '../../api/objects.ts';
import { alreadyExists, StatusError } from '../../api/status.ts';
import { dns1123Subdomain } from '../../api/validation/names.ts';
import { validateObjectMeta } from '../../api/validation/object-meta.ts';
import { storedText } from '../storage/object-text.ts';
import { admissionAttributes, strategyContext, type ObjectRequest, type RegistryCore } from './core.ts';
import type { KindView } from './kind-view.ts';
import { ensureNamespace, fillMeta, generateName, metaOf } from './object-meta.ts';
import type { StrategyContext } from './strategy.ts';

/** How often a generated name is made anew when it is taken (KEP-4420). */
const GENERATE_ATTEMPTS_MAX = 8;

/** Creates an object; gives it as stored. @throws StatusError AlreadyExists, Invalid, and what admission says */
export async function createObject(
  core: RegistryCore,
  request: ObjectRequest,
  body: UnknownObject,
): Promise<UnknownObject> {
  const { view } = request;
  const generateBase = body.metadata?.generateName;
  const isGenerated = !body.metadata?.name && generateBase !== undefined && generateBase !== '';
  for (let attempt = 1; ; attempt += 1) {
    const object = isGenerated ? structuredClone(body) : body;
    if (isGenerated) metaOf(object).name = generateName(generateBase);
    try {
      return await createOnce(core, request, object);
    } catch (error) {
      const isTaken = error instanceof StatusError && error.reason === 'AlreadyExists';
      if (!isTaken || !isGenerated) throw error;
      if (attempt >= GENERATE_ATTEMPTS_MAX)
        throw new StatusError(
          'AlreadyExists',
          `${view.resource} "${metaOf(object).name}" already exists, the server was not able to generate a unique name for the object`,
          { cause: error, ...(error.details === undefined ? {} : { details: error.details }) },
        );
    }
  }
}

async function createOnce(core: RegistryCore, request: ObjectRequest, object: UnknownObject): Promise<UnknownObject> {
  const { view, signal } = request;
  const context = strategyContext(core, request);
  ensureNamespace(object, view, request.namespace);
  if (view.strategy.review !== undefined) return review(core, request, object, context);
  if (metaOf(object).resourceVersion)
    throw new StatusError('Unknown', 'resourceVersion should not be set on objects to be created');
  fillMeta(object, view, context.nowMs);
  setDefaults(view, object);
  const attributes = admissionAttributes(core, request, 'CREATE', object, null);
  if (request.isAdmitted) {
    await core.admission.mutate(attributes, signal);
    setDefaults(view, object);
  }
  if (hasStatus(view) && view.strategy.keepsStatusOnCreate !== true) delete object['status'];
  await view.strategy.prepareForCreate?.(object, context);
  const named = { ...context, name: metaOf(object).name ?? '' };
  checkNew(object, view, named);
  view.strategy.canonicalize?.(object);
  if (request.isAdmitted) await core.admission.validate(attributes, signal);
  const stored = await store(core, request, object, named);
  await view.strategy.afterCreate?.(stored, named).catch((error: unknown) => {
    core.log.error('afterCreate failed', { resource: view.resource, name: named.name, error });
  });
  return stored;
}

async function review(
  core: RegistryCore,
  request: ObjectRequest,
  object: UnknownObject,
  context: StrategyContext,
): Promise<UnknownObject> {
  const { view, signal } = request;
  setDefaults(view, object);
  const attributes = admissionAttributes(core, request, 'CREATE', object, null);
  if (request.isAdmitted) await core.admission.mutate(attributes, signal);
  const errors = view.strategy.validate?.(object, context) ?? [];
  if (errors.length > 0) throw invalidObject(view.qualifiedKind, metaOf(object).name ?? '', errors);
  if (request.isAdmitted) await core.admission.validate(attributes, signal);
  return (await view.strategy.review?.(object, context)) ?? object;
}

async function store(
  core: RegistryCore,
  request: ObjectRequest,
  object: UnknownObject,
  context: StrategyContext,
): Promise<UnknownObject> {
  const { view, isDryRun, signal } = request;
  const reservation = await view.strategy.beginCreate?.(object, context);
  try {
    const key = view.key(context.namespace, context.name);
    if (isDryRun) {
      if ((await core.storage.get(key, signal)).item !== null) throw alreadyExists(view.resource, context.name);
      await reservation?.rollback();
      return object;
    }
    const ttlSeconds = view.strategy.ttlSeconds?.(object);
    const text = storedText(view.toStored(object));
    const write = { key, text, expectedRevision: 0, ...(ttlSeconds === undefined ? {} : { ttlSeconds }) };
    const result = await core.storage.put(write, signal);
    if (!result.ok) throw alreadyExists(view.resource, context.name);
    await reservation?.commit();
    metaOf(object).resourceVersion = String(result.revision);
    return object;
  } catch (error) {
    await reservation?.rollback();
    throw error;
  }
}

/** Fills in the kind's defaults, in place. */
export function setDefaults(view: KindView, object: UnknownObject): void {
  if (view.strategy.defaults !== undefined) view.strategy.defaults(object);
  else applyDefaults(view.qualifiedKind, object);
}

/** Whether the status is written through a subresource of its own only. */
export function hasStatus(view: KindView): boolean {
  return view.kind.subresources.some(({ name }) => name === 'status');
}

function checkNew(object: UnknownObject, view: KindView, context: StrategyContext): void {
  const rules = { namespaced: view.kind.namespaced, name: nameCheck(view) };
  const errors = [...validateObjectMeta(metaOf(object), rules), ...(view.strategy.validate?.(object, context) ?? [])];
  if (errors.length > 0) throw invalidObject(view.qualifiedKind, metaOf(object).name ?? '', errors);
}

function nameCheck({ strategy }: KindView): (name: string, isPrefix: boolean) => readonly string[] {
  return (name, isPrefix) => strategy.validateName?.(name, isPrefix) ?? dns1123Subdomain(name);
}
