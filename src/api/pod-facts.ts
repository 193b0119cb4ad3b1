import { conditionOf, isConditionTrue } from './condition.ts';
import { isDeleting } from './object-facts.ts';
import type { Pod } from './objects.ts';

/** What all parts ask of pods, answered alike (kubernetes pkg/api/v1/pod, pkg/controller/controller_utils.go). */

/** Whether its containers are up and pass their readiness probes, as the kubelet says. */
export function isPodReady(pod: Pod): boolean {
  return isConditionTrue(pod, 'Ready');
}

/** Whether the phase is an end: nothing leaves it. */
export function isTerminalPhase(phase: string | undefined): phase is 'Succeeded' | 'Failed' {
  return phase === 'Succeeded' || phase === 'Failed';
}

/** Whether it has ended for good: it runs no more, and takes nothing of its node. */
export function isPodTerminal(pod: Pod): boolean {
  return isTerminalPhase(pod.status?.phase);
}

/** Counts towards replicas: neither ended nor being deleted. */
export function isPodActive(pod: Pod): boolean {
  return !isPodTerminal(pod) && !isDeleting(pod);
}

/** Milliseconds until a ready pod has been so for `minReadySeconds`; 0 when it is available, undefined while not ready. */
export function untilAvailableMs(pod: Pod, minReadySeconds: number, nowMs: number): number | undefined {
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status !== 'True') return undefined;
  if (minReadySeconds === 0) return 0;
  const sinceMs = Date.parse(ready.lastTransitionTime ?? '');
  if (Number.isNaN(sinceMs)) return undefined;
  return Math.max(0, sinceMs + minReadySeconds * 1000 - nowMs);
}
