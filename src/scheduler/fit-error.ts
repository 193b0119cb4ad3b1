import type { Rejection } from './framework.ts';

/**
 * Why no node took a pod, in upstream's words (framework/types.go FitError): each reason with the number of nodes that gave
 * it, in the order of the texts, as `0/5 nodes are available: 2 Insufficient cpu, 3 node(s) were unschedulable.`
 * @param absentReason of the nodes that `rejected` does not name
 */
export function fitErrorMessage(
  nodeCount: number,
  rejected: ReadonlyMap<string, Rejection>,
  absentReason: string,
): string {
  const counts = new Map<string, number>();
  for (const { reasons } of rejected.values())
    for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  const absent = nodeCount - rejected.size;
  if (absent > 0) counts.set(absentReason, (counts.get(absentReason) ?? 0) + absent);
  const parts = [...counts].map(([reason, count]) => `${count} ${reason}`).sort();
  return withParts(nodeCount, parts.join(', '));
}

/** The message when a PreFilter plugin rejected the pod for all nodes at once. */
export function preFilterMessage(nodeCount: number, message: string): string {
  return withParts(nodeCount, message);
}

function withParts(nodeCount: number, parts: string): string {
  return `0/${nodeCount} nodes are available:${parts === '' ? '' : ` ${parts}.`}`;
}
