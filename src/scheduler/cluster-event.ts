import { isDeepStrictEqual } from 'node:util';
import type { Node, Pod } from '../api/objects.ts';
import { podRequests } from '../api/pod-requests.ts';

/** What changed in the cluster, as far as it may make a waiting pod schedulable (KEP-4247). */
export type ClusterEvent =
  | { readonly resource: 'Node'; readonly changes: ReadonlySet<NodeChange>; readonly before?: Node; readonly now: Node }
  | { readonly resource: 'AssignedPod'; readonly change: PodChange; readonly before?: Pod; readonly now: Pod }
  | { readonly resource: 'TargetPod'; readonly now: Pod }
  | { readonly resource: 'Other'; readonly plural: string };

/** What about a node changed that scheduling looks at. */
export type NodeChange = 'added' | 'allocatable' | 'labels' | 'taints' | 'unschedulable';
/** What about a pod on a node changed that may help others. */
export type PodChange = 'added' | 'deleted' | 'labels' | 'scaledDown';

const NODE_LABELS: Readonly<Record<NodeChange, string>> = {
  added: 'NodeAdd',
  allocatable: 'NodeUpdateNodeAllocatable',
  labels: 'NodeUpdateNodeLabel',
  taints: 'NodeUpdateNodeTaint',
  unschedulable: 'NodeUpdateNodeTaint',
};
const POD_LABELS: Readonly<Record<PodChange, string>> = {
  added: 'AssignedPodAdd',
  deleted: 'AssignedPodDelete',
  labels: 'AssignedPodUpdatePodLabel',
  scaledDown: 'AssignedPodUpdatePodScaleDown',
};

/** What kube-scheduler's metrics call an event. */
export function eventLabel(event: ClusterEvent): string {
  switch (event.resource) {
    case 'Node': {
      const [first = 'added'] = event.changes;
      return NODE_LABELS[first];
    }
    case 'AssignedPod':
      return POD_LABELS[event.change];
    case 'TargetPod':
      return 'UnschedulablePodUpdate';
    default:
      return event.plural;
  }
}

/** What changed in a node that scheduling looks at; empty for a heartbeat. */
export function nodeChanges(before: Node | undefined, now: Node): ReadonlySet<NodeChange> {
  if (before === undefined) return new Set<NodeChange>(['added']);
  const changes = new Set<NodeChange>();
  if (!isDeepStrictEqual(before.status?.allocatable, now.status?.allocatable)) changes.add('allocatable');
  if (!isDeepStrictEqual(before.metadata?.labels, now.metadata?.labels)) changes.add('labels');
  if (!isDeepStrictEqual(before.spec?.taints, now.spec?.taints)) changes.add('taints');
  if ((before.spec?.unschedulable ?? false) !== (now.spec?.unschedulable ?? false)) changes.add('unschedulable');
  return changes;
}

/** What changed in a pod on a node that may help others. */
export function assignedPodChange(before: Pod, now: Pod): PodChange | undefined {
  const old = podRequests(before);
  for (const [name, amount] of podRequests(now)) if (amount < (old.get(name) ?? 0)) return 'scaledDown';
  return isDeepStrictEqual(before.metadata?.labels, now.metadata?.labels) ? undefined : 'labels';
}

/** Whether a waiting pod's own change may make it schedulable: all but its status and bookkeeping counts. */
export function isTargetChanged(before: Pod, now: Pod): boolean {
  return !isDeepStrictEqual(before.spec, now.spec) || !isDeepStrictEqual(before.metadata?.labels, now.metadata?.labels);
}
