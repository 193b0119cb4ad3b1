import { isFields, refuseUnsafeKeys, type Fields } from './safe-keys.ts';

/** The object after a JSON merge patch (RFC 7386). `object` is altered. @throws StatusError BadRequest */
export function applyMergePatch(object: unknown, patch: unknown): unknown {
  refuseUnsafeKeys(patch);
  return merged(object, patch);
}

function merged(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = merged(result[key], value);
  }
  return result;
}
