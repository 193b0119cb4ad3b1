import { Buffer } from 'node:buffer';
import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, required, tooLong } from '../field-error.ts';
import type { ObjectMeta, OwnerReference } from '../objects.ts';
import { dns1123Label, labelValue, qualifiedName } from './names.ts';

/** All annotations of an object together, keys and values. */
const ANNOTATIONS_BYTES_MAX = 256 * 1024;
const FINALIZER_NAMES = new Set(['orphan', 'foregroundDeletion', 'kubernetes']);

interface MetaRules {
  readonly namespaced: boolean;
  /** Complaints about the object's name; a prefix comes in the form that a name made from it has. */
  readonly name: (name: string, isPrefix: boolean) => readonly string[];
}

/** Metadata of any object (apimachinery pkg/api/validation/objectmeta.go, ValidateObjectMeta). */
export function validateObjectMeta(meta: ObjectMeta, { namespaced, name }: MetaRules): FieldError[] {
  const errors: FieldError[] = [];
  if (meta.generateName)
    errors.push(
      ...name(prefixForm(meta.generateName), true).map((why) =>
        invalid('metadata.generateName', meta.generateName, why),
      ),
    );
  if (!meta.name) errors.push(required('metadata.name', 'name or generateName is required'));
  else errors.push(...name(meta.name, false).map((why) => invalid('metadata.name', meta.name, why)));
  if (namespaced) {
    if (!meta.namespace) errors.push(required('metadata.namespace'));
    else errors.push(...dns1123Label(meta.namespace).map((why) => invalid('metadata.namespace', meta.namespace, why)));
  } else if (meta.namespace) {
    errors.push(forbiddenField('metadata.namespace', 'not allowed on this type'));
  }
  if ((meta.generation ?? 0) < 0) errors.push(invalid('metadata.generation', meta.generation, NOT_NEGATIVE));
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwnerReferences(meta.ownerReferences ?? []));
  errors.push(...validateFinalizers(meta.finalizers ?? []));
  return errors;
}

/** What every number that counts or measures must be. */
export const NOT_NEGATIVE = 'must be greater than or equal to 0';

/** What may not be changed after creation. */
export const IMMUTABLE = 'field is immutable';

/** A prefix may end with a hyphen, since a suffix follows. */
function prefixForm(prefix: string): string {
  return prefix.endsWith('-') && prefix.length > 1 ? `${prefix.slice(0, -1)}a` : prefix;
}

/** Labels: qualified names with label values. */
export function validateLabels(labels: Readonly<Record<string, string>> | undefined, path: string): FieldError[] {
  return Object.entries(labels ?? {}).flatMap(([key, value]) => [
    ...qualifiedName(key).map((why) => invalid(path, key, why)),
    ...labelValue(value).map((why) => invalid(path, value, why)),
  ]);
}

/** Annotations: qualified names (case does not matter) with any text, 256 KiB together. */
export function validateAnnotations(
  annotations: Readonly<Record<string, string>> | undefined,
  path: string,
): FieldError[] {
  const errors: FieldError[] = [];
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    errors.push(...qualifiedName(key.toLowerCase()).map((why) => invalid(path, key, why)));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > ANNOTATIONS_BYTES_MAX) errors.push(tooLong(path, ANNOTATIONS_BYTES_MAX));
  return errors;
}

function validateOwnerReferences(owners: readonly OwnerReference[]): FieldError[] {
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    const path = 'metadata.ownerReferences';
    if (!owner.apiVersion)
      errors.push(invalid(`${path}.apiVersion`, owner.apiVersion ?? '', 'version must not be empty'));
    if (!owner.kind) errors.push(invalid(`${path}.kind`, owner.kind ?? '', 'must not be empty'));
    if (!owner.name) errors.push(invalid(`${path}.name`, owner.name ?? '', 'must not be empty'));
    if (!owner.uid) errors.push(invalid(`${path}.uid`, owner.uid ?? '', 'must not be empty'));
    if (owner.kind === 'Event' && owner.apiVersion === 'v1')
      errors.push(invalid(path, owner, 'Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    if (controller !== undefined)
      errors.push(
        invalid(
          'metadata.ownerReferences',
          owners,
          `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`,
        ),
      );
    controller = owner;
  }
  return errors;
}

function validateFinalizers(finalizers: readonly string[]): FieldError[] {
  const path = 'metadata.finalizers';
  const isUnqualified = (finalizer: string): boolean => !finalizer.includes('/') && !FINALIZER_NAMES.has(finalizer);
  const unknown = 'name is neither a standard finalizer name nor is it fully qualified';
  const errors = [
    ...finalizers.flatMap((finalizer) => qualifiedName(finalizer).map((why) => invalid(path, finalizer, why))),
    ...finalizers.flatMap((finalizer, i) =>
      isUnqualified(finalizer) ? [invalid(`${path}[${i}]`, finalizer, unknown)] : [],
    ),
  ];
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
  return errors;
}

/** What an update may not do to metadata (ValidateObjectMetaUpdate). */
export function validateObjectMetaUpdate(meta: ObjectMeta, old: ObjectMeta): FieldError[] {
  const errors: FieldError[] = [];
  if (old.deletionTimestamp !== undefined) {
    const known = new Set(old.finalizers);
    const added = (meta.finalizers ?? []).filter((one) => !known.has(one));
    if (added.length > 0)
      errors.push(
        forbiddenField(
          'metadata.finalizers',
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((one) => JSON.stringify(one)).join(', ')}}`,
        ),
      );
  }
  if (!meta.resourceVersion && old.resourceVersion)
    errors.push(invalid('metadata.resourceVersion', meta.resourceVersion ?? '', 'must be specified for an update'));
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalid('metadata.generation', meta.generation, 'must not be decremented'));
  for (const field of ['name', 'namespace', 'uid', 'creationTimestamp', 'deletionTimestamp'] as const) {
    if ((meta[field] ?? '') !== (old[field] ?? '')) errors.push(invalid(`metadata.${field}`, meta[field], IMMUTABLE));
  }
  if (
    old.deletionGracePeriodSeconds !== undefined &&
    meta.deletionGracePeriodSeconds !== old.deletionGracePeriodSeconds
  )
    errors.push(invalid('metadata.deletionGracePeriodSeconds', meta.deletionGracePeriodSeconds, IMMUTABLE));
  errors.push(...validateLabels(meta.labels, 'metadata.labels'));
  errors.push(...validateAnnotations(meta.annotations, 'metadata.annotations'));
  errors.push(...validateOwnerReferences(meta.ownerReferences ?? []));
  errors.push(...validateFinalizers(meta.finalizers ?? []));
  return errors;
}

/** Complains unless the two values are the same JSON, whatever the order of their keys. */
export function immutable(path: string, value: unknown, old: unknown, why = IMMUTABLE): FieldError[] {
  return sameJson(value, old) ? [] : [invalid(path, value, why)];
}

/** Whether two values are the same as JSON; absent, null, empty objects and empty lists count as one (Semantic.DeepEqual). */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b || (isNothing(a) && isNothing(b))) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  if (Array.isArray(a) && Array.isArray(b) && a.length !== b.length) return false;
  const left = a as Record<string, unknown>;
  const right = b as Record<string, unknown>;
  return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((key) => sameJson(left[key], right[key]));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) && value.length === 0;
}

/** Each repeated value of a list of names, as a complaint about its place. */
export function duplicates(names: readonly (string | undefined)[], path: (index: number) => string): FieldError[] {
  const seen = new Set<string>();
  return names.flatMap((name, i) => {
    if (name === undefined || name === '') return [];
    if (seen.has(name)) return [duplicate(path(i), name)];
    seen.add(name);
    return [];
  });
}
