import { badRequest } from '../status.ts';

const UNSAFE = new Set(['__proto__', 'constructor', 'prototype']);

/** Refuses a patch whose keys would reach JavaScript's prototypes. @throws StatusError BadRequest */
export function refuseUnsafeKeys(value: unknown): void {
  if (Array.isArray(value)) {
    for (const item of value) refuseUnsafeKeys(item);
    return;
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') throw badRequest(`error decoding patch: the key ${JSON.stringify(key)} is not allowed`);
    refuseUnsafeKeys(inner);
  }
}

/** The same for the paths of a JSON patch. @throws StatusError BadRequest */
export function refuseUnsafePath(pointer: string): void {
  const steps = pointer.split('/').map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  if (steps.some((step) => UNSAFE.has(step)))
    throw badRequest(`error decoding patch: the path ${JSON.stringify(pointer)} is not allowed`);
}

/** An object of a JSON value. */
export type Fields = Record<string, unknown>;

/** Whether the value is an object with fields: no list, no null. */
export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
