import type { Field, FieldShape, ObjectShape, Shapes } from '../schema/shape.ts';
import { badRequest } from '../status.ts';
import { orderElements, orderScalars } from './element-order.ts';
import { isFields, refuseUnsafeKeys, type Fields } from './safe-keys.ts';

/** Strategic merge patch, as apimachinery's strategicpatch applies it: lists are merged by the keys that the schema names. */

const PATCH = '$patch';
const RETAIN_KEYS = '$retainKeys';
const SET_ORDER = '$setElementOrder/';
const DELETE_PRIMITIVES = '$deleteFromPrimitiveList/';

/** The object after the patch. `object` is altered. @throws StatusError BadRequest */
export function applyStrategicMerge(object: Fields, patch: unknown, shape: ObjectShape, shapes: Shapes): Fields {
  if (!isFields(patch)) throw badRequest('error decoding patch: a strategic merge patch is an object');
  refuseUnsafeKeys(patch);
  return mergeObject(object, patch, { type: 'shape', shape }, shapes);
}

/** What is known of the fields of an object: those of a definition, any (a map), or nothing. */
type Knowledge =
  | { readonly type: 'shape'; readonly shape: ObjectShape }
  | { readonly type: 'map'; readonly values: FieldShape }
  | { readonly type: 'unknown' };

const UNKNOWN: Knowledge = { type: 'unknown' };

function mergeObject(original: Fields, patch: Fields, known: Knowledge, shapes: Shapes): Fields {
  const directive = patch[PATCH];
  if (directive !== undefined) {
    const { [PATCH]: _directive, ...rest } = patch;
    if (directive === 'replace') return withoutDirectives(rest);
    if (directive === 'delete') return {};
    if (directive !== 'merge') throw badRequest(`invalid value: ${JSON.stringify(directive)} in ${PATCH}`);
  }
  retainKeys(original, patch);
  for (const [key, value] of Object.entries(patch)) {
    if (key.startsWith('$')) continue;
    if (value === null) delete original[key];
    else original[key] = mergeValue(original[key], value, { known, key, patch }, shapes);
  }
  for (const [key, value] of Object.entries(patch)) lateDirective(original, key, value, { known, patch });
  return original;
}

function retainKeys(original: Fields, patch: Fields): void {
  const keep = patch[RETAIN_KEYS];
  if (keep === undefined) return;
  if (!Array.isArray(keep)) throw badRequest(`${RETAIN_KEYS} must be a list of keys`);
  for (const key of Object.keys(original)) if (!keep.includes(key)) delete original[key];
}

interface Spot {
  readonly known: Knowledge;
  readonly key: string;
  readonly patch: Fields;
}

function mergeValue(original: unknown, value: unknown, spot: Spot, shapes: Shapes): unknown {
  const field = fieldOf(spot.known, spot.key);
  if (isFields(value)) {
    const base = isFields(original) ? original : {};
    // A patchStrategy of replace takes the patch's object as it is.
    if (field?.patchStrategy === 'replace') return withoutDirectives(value);
    return mergeObject(base, value, knowledgeOf(field?.shape, shapes), shapes);
  }
  if (Array.isArray(value)) return mergeList(original, value, { ...spot, field }, shapes);
  return value;
}

function mergeList(
  original: unknown,
  patch: readonly unknown[],
  spot: Spot & { readonly field: Field | undefined },
  shapes: Shapes,
): unknown[] {
  const { field, key } = spot;
  const isMerged = field?.patchStrategy?.split(',').includes('merge') ?? false;
  if (!isMerged) return [...withoutDirectives(patch)];
  const base: unknown[] = Array.isArray(original) ? original : [];
  const order = spot.patch[SET_ORDER + key];
  const mergeKey = field?.mergeKey;
  if (mergeKey === undefined) {
    const united = [...new Set([...base, ...patch])];
    return Array.isArray(order) ? orderScalars(united, order, base) : united;
  }
  const items = knowledgeOf(field?.shape.type === 'array' ? field.shape.items : undefined, shapes);
  const merged = mergeItems(base, patch, { mergeKey, items }, shapes);
  return Array.isArray(order) ? orderElements(merged, order, { server: base, mergeKey }) : merged;
}

function mergeItems(
  base: readonly unknown[],
  patch: readonly unknown[],
  { mergeKey, items }: { readonly mergeKey: string; readonly items: Knowledge },
  shapes: Shapes,
): unknown[] {
  const all = patch.map((item) => {
    if (isFields(item)) return item;
    throw badRequest(`expected an object with the merge key ${JSON.stringify(mergeKey)}, got ${JSON.stringify(item)}`);
  });
  if (all.some((item) => item[PATCH] === 'replace'))
    return all.filter((item) => item[PATCH] !== 'replace').map((item) => withoutDirectives(item));
  // Positions by key, and holes for what goes: a list of n items patched with n others takes n steps.
  const result: unknown[] = [...base];
  const places = new Map<unknown, number[]>();
  for (const [at, item] of base.entries()) if (isFields(item)) addPlace(places, item[mergeKey], at);
  for (const item of all) {
    const value = item[mergeKey];
    if (value === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${mergeKey}`);
    const [at] = places.get(value) ?? [];
    if (item[PATCH] === 'delete') {
      for (const gone of places.get(value) ?? []) result[gone] = HOLE;
      places.delete(value);
      continue;
    }
    const found = at === undefined ? {} : result[at];
    const merged = mergeObject(isFields(found) ? found : {}, item, items, shapes);
    if (at === undefined) addPlace(places, value, result.push(merged) - 1);
    else result[at] = merged;
  }
  return result.filter((item) => item !== HOLE);
}

const HOLE = Symbol('deleted');

function addPlace(places: Map<unknown, number[]>, key: unknown, at: number): void {
  const known = places.get(key);
  if (known === undefined) places.set(key, [at]);
  else known.push(at);
}

/** Directives that act on lists which the patch itself may not mention otherwise. */
function lateDirective(original: Fields, key: string, value: unknown, { known, patch }: Omit<Spot, 'key'>): void {
  if (key.startsWith(DELETE_PRIMITIVES)) {
    const target = key.slice(DELETE_PRIMITIVES.length);
    const list = original[target];
    if (!Array.isArray(list) || !Array.isArray(value)) return;
    const gone = new Set<unknown>(value);
    original[target] = list.filter((item) => !gone.has(item));
    return;
  }
  if (!key.startsWith(SET_ORDER)) return;
  const target = key.slice(SET_ORDER.length);
  const list = original[target];
  if (target in patch || !Array.isArray(list) || !Array.isArray(value)) return;
  const mergeKey = fieldOf(known, target)?.mergeKey;
  original[target] =
    mergeKey === undefined ? orderScalars(list, value, list) : orderElements(list, value, { server: list, mergeKey });
}

function fieldOf(known: Knowledge, key: string): Field | undefined {
  switch (known.type) {
    case 'shape':
      return known.shape.fields.get(key);
    case 'map':
      return { shape: known.values, mergeKey: undefined, patchStrategy: undefined };
    default:
      return undefined;
  }
}

function knowledgeOf(shape: FieldShape | undefined, shapes: Shapes): Knowledge {
  if (shape?.type === 'map') return { type: 'map', values: shape.values };
  if (shape?.type !== 'object') return UNKNOWN;
  const inner = shapes.get(shape.definition);
  return inner === undefined ? UNKNOWN : { type: 'shape', shape: inner };
}

/** What is left of a part of a patch that replaces instead of merging. */
function withoutDirectives<T>(value: T): T {
  return stripped(value) as T;
}

function stripped(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => stripped(item));
  if (!isFields(value)) return value;
  const kept = Object.entries(value).filter(([key, inner]) => !key.startsWith('$') && inner !== null);
  return Object.fromEntries(kept.map(([key, inner]) => [key, stripped(inner)]));
}
