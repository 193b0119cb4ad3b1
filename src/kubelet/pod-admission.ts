import type { Pod } from '../api/objects.ts';
import { podRequests } from '../api/pod-requests.ts';
import { isStaticPod } from './pod-identity.ts';

/** What all pods of the board may use together. */
export interface Allocatable {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

/**
 * Why a pod bound to this board cannot run on it, as the reason and message of its failure; undefined when it can
 * (upstream lifecycle/predicate.go). Static pods always may: nothing else would run them.
 */
export function refusal(
  pod: Pod,
  others: readonly Pod[],
  allocatable: Allocatable,
): { readonly reason: string; readonly message: string } | undefined {
  if (isStaticPod(pod)) return undefined;
  const short = (resource: string, requested: number, used: number, capacity: number): string =>
    `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  if (others.length + 1 > allocatable.pods)
    return { reason: 'OutOfpods', message: short('pods', 1, others.length, allocatable.pods) };
  for (const { name, reason, capacity } of [
    { name: 'cpu', reason: 'OutOfcpu', capacity: allocatable.cpuMilli },
    { name: 'memory', reason: 'OutOfmemory', capacity: allocatable.memoryBytes },
  ]) {
    const wanted = podRequests(pod).get(name) ?? 0;
    const used = others.reduce((sum, one) => sum + (podRequests(one).get(name) ?? 0), 0);
    if (wanted > 0 && used + wanted > capacity) return { reason, message: short(name, wanted, used, capacity) };
  }
  return undefined;
}
