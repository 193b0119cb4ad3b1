import { applyPatch, type Operation } from 'rfc6902';
import type { Patch } from '../../src/client/api-client.ts';
import { badRequest, StatusError } from '../../src/api/status.ts';

type Fields = Record<string, unknown>;

/** Merge keys of the lists that tests patch (the patchMergeKey tags of k8s.io/api). Other lists are replaced whole. */
const MERGE_KEYS: Record<string, string> = {
  conditions: 'type',
  containers: 'name',
  initContainers: 'name',
  env: 'name',
  volumes: 'name',
  volumeMounts: 'mountPath',
  ports: 'containerPort',
  ownerReferences: 'uid',
  addresses: 'type',
  podIPs: 'ip',
};
/** Lists of plain values that are merged as sets. */
const SET_LISTS = new Set(['finalizers', 'podCIDRs']);

/** The patched copy of a JSON object. @throws StatusError BadRequest, Invalid */
export function patched<T>(object: T, { type, body }: Patch): T {
  const copy = structuredClone(object);
  if (type === 'json') {
    if (!Array.isArray(body)) throw badRequest('a JSON patch is an array of operations');
    const failures = applyPatch(copy, body as Operation[]).filter((failure) => failure !== null);
    if (failures.length > 0)
      throw new StatusError('Invalid', `the server rejected our request: ${failures[0]?.message}`);
    return copy;
  }
  if (!isFields(body)) throw badRequest('a patch is an object');
  return (type === 'merge' ? mergePatch(copy, body) : strategicMerge(copy, body)) as T;
}

/** RFC 7396. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const result: Fields = isFields(target) ? target : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

/** Strategic merge of objects: `$patch: delete|replace` and merge keys, but neither `$setElementOrder` nor `$retainKeys`. */
function strategicMerge(target: unknown, patch: unknown): unknown {
  if (!isFields(patch)) return patch;
  const { $patch: directive, ...fields } = patch;
  if (directive === 'replace') return fields;
  const result: Fields = isFields(target) ? target : {};
  for (const [key, value] of Object.entries(fields)) {
    const deleted = /^\$deleteFromPrimitiveList\/(.+)$/.exec(key)?.[1];
    if (deleted !== undefined) {
      const now = result[deleted];
      if (Array.isArray(now) && Array.isArray(value)) result[deleted] = now.filter((one) => !value.includes(one));
    } else if (key.startsWith('$')) continue;
    else if (value === null) delete result[key];
    else if (Array.isArray(value)) result[key] = mergeList(key, result[key], value);
    else result[key] = strategicMerge(result[key], value);
  }
  return result;
}

function mergeList(field: string, target: unknown, patch: unknown[]): unknown[] {
  const old: unknown[] = Array.isArray(target) ? target : [];
  if (SET_LISTS.has(field)) return [...new Set([...old, ...patch])];
  const mergeKey = MERGE_KEYS[field];
  if (mergeKey === undefined || !patch.every((item) => isFields(item))) return patch;
  if (patch.some((item) => item['$patch'] === 'replace')) return patch.filter((item) => item['$patch'] === undefined);
  const result = [...old];
  for (const item of patch) {
    const index = result.findIndex((one) => isFields(one) && one[mergeKey] === item[mergeKey]);
    if (item['$patch'] === 'delete') {
      if (index >= 0) result.splice(index, 1);
    } else if (index >= 0) result[index] = strategicMerge(result[index], item);
    else result.push(strategicMerge({}, item));
  }
  return result;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
