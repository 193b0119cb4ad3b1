import type { Pod } from '../api/objects.ts';
import { amounts } from './container-resources.ts';
import { isSidecar, isStaticPod } from './pod-identity.ts';

/** What all pods of the board may use together. */
export interface Allocatable {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly pods: number;
}

/** What a pod asks for: the larger of its largest init container and all that run together. */
function podRequests(pod: Pod): { cpuMilli: number; memoryBytes: number } {
  const inits = pod.spec?.initContainers ?? [];
  const running = [...(pod.spec?.containers ?? []), ...inits.filter(isSidecar)].map((one) => amounts(one.resources));
  const once = inits.filter((one) => !isSidecar(one)).map((one) => amounts(one.resources));
  const overhead = amounts({ requests: pod.spec?.overhead ?? {} });
  const pick = (key: 'cpuRequestMilli' | 'memoryRequestBytes'): number =>
    Math.max(
      running.reduce((sum, one) => sum + one[key], 0),
      ...once.map((one) => one[key]),
      0,
    ) + overhead[key];
  return { cpuMilli: pick('cpuRequestMilli'), memoryBytes: pick('memoryRequestBytes') };
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
  const wanted = podRequests(pod);
  const used = others.map(podRequests);
  const cpu = used.reduce((sum, one) => sum + one.cpuMilli, 0);
  if (wanted.cpuMilli > 0 && cpu + wanted.cpuMilli > allocatable.cpuMilli)
    return { reason: 'OutOfcpu', message: short('cpu', wanted.cpuMilli, cpu, allocatable.cpuMilli) };
  const memory = used.reduce((sum, one) => sum + one.memoryBytes, 0);
  if (wanted.memoryBytes > 0 && memory + wanted.memoryBytes > allocatable.memoryBytes)
    return { reason: 'OutOfmemory', message: short('memory', wanted.memoryBytes, memory, allocatable.memoryBytes) };
  return undefined;
}
