import { isDeepStrictEqual } from 'node:util';
import type { PodCondition, PodStatus } from '../../api/objects.ts';
import { isOwnCondition } from './pod-conditions.ts';

/** Lists that a strategic merge merges by `ip`: an address that is gone must be said to be. */
const ADDRESS_LISTS = ['podIPs', 'hostIPs'] as const;

/** What the kubelet says of a pod; the other fields are others' to write. */
const FIELDS = [
  'observedGeneration',
  'phase',
  'reason',
  'message',
  'hostIP',
  'podIP',
  'startTime',
  'initContainerStatuses',
  'containerStatuses',
  'ephemeralContainerStatuses',
  'qosClass',
] as const;

/**
 * The strategic merge patch of `/status` that makes the API say what the kubelet does, and leaves conditions that
 * others write alone; undefined when it says so already.
 */
export function statusPatch(api: PodStatus, wanted: PodStatus): Record<string, unknown> | undefined {
  const patch: Record<string, unknown> = {};
  for (const name of FIELDS)
    if (!isSame(api[name], wanted[name])) patch[name] = wanted[name] === undefined ? null : wanted[name];
  for (const name of ADDRESS_LISTS) {
    const now = wanted[name] ?? [];
    const gone = (api[name] ?? []).filter(({ ip }) => !now.some((one) => one.ip === ip));
    if (isSame(api[name] ?? [], now)) continue;
    patch[name] = [...now, ...gone.map(({ ip }) => ({ $patch: 'delete', ip }))];
  }
  const conditions = changedConditions(api.conditions ?? [], wanted.conditions ?? []);
  if (conditions.length > 0) patch['conditions'] = conditions;
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Those that changed; a field that a condition no longer has must be nulled, or the merge would keep it. */
function changedConditions(api: readonly PodCondition[], wanted: readonly PodCondition[]): readonly object[] {
  const gone = api.filter(({ type }) => isOwnCondition(type) && !wanted.some((one) => one.type === type));
  const changed = wanted.flatMap((condition): object[] => {
    const former = api.find(({ type }) => type === condition.type);
    if (former === undefined) return [condition];
    if (isSame(former, condition)) return [];
    const gone = Object.keys(former).filter((key) => !(key in condition));
    return [{ ...Object.fromEntries(gone.map((key) => [key, null])), ...condition }];
  });
  return [...changed, ...gone.map(({ type }) => ({ $patch: 'delete', type }))];
}

/** Whether two JSON values say the same; null, absent and empty objects' absence are one. */
function isSame(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(withoutNulls(a), withoutNulls(b));
}

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== 'object' || value === null) return value ?? undefined;
  const entries = Object.entries(value)
    .map(([key, item]): [string, unknown] => [key, withoutNulls(item)])
    .filter(([, item]) => item !== undefined && !isEmptyObject(item));
  return Object.fromEntries(entries);
}

function isEmptyObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length === 0;
}
