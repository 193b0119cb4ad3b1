import type { TopologySpreadConstraint } from '../api/objects.ts';
import { matchesLabels, selectorOf, type Selector } from '../api/selector.ts';
import type { NodeInfo } from './node-info.ts';
import { matchesNodeAffinity } from './plugin/node-affinity.ts';
import type { PodInfo } from './pod-info.ts';
import { untoleratedTaint } from '../api/toleration.ts';

/** A topology spread constraint, read once (KEP-895, 3022, 3094, 3243). */
export interface SpreadConstraint {
  readonly maxSkew: number;
  readonly topologyKey: string;
  readonly selector: Selector;
  readonly minDomains: number;
  readonly honorsAffinity: boolean;
  readonly honorsTaints: boolean;
}

/** Whether a constraint filters or scores. */
export type WhenUnsatisfiable = 'DoNotSchedule' | 'ScheduleAnyway';

/** The constraints of one kind. `ownSelector` stands in where a constraint has none of its own (the default ones). */
export function readConstraints(
  constraints: readonly TopologySpreadConstraint[],
  when: WhenUnsatisfiable,
  pod: PodInfo,
  ownSelector?: Selector,
): SpreadConstraint[] {
  return constraints
    .filter(({ whenUnsatisfiable }) => whenUnsatisfiable === when)
    .map((constraint) => ({
      maxSkew: constraint.maxSkew,
      topologyKey: constraint.topologyKey,
      selector: ownSelector ?? withMatchKeys(constraint, pod),
      minDomains: constraint.minDomains ?? 1,
      honorsAffinity: (constraint.nodeAffinityPolicy ?? 'Honor') === 'Honor',
      honorsTaints: (constraint.nodeTaintsPolicy ?? 'Ignore') === 'Honor',
    }));
}

/** matchLabelKeys: only pods with the same values as this one, so that each revision is spread for itself. */
function withMatchKeys({ labelSelector, matchLabelKeys = [] }: TopologySpreadConstraint, pod: PodInfo): Selector {
  const keys = matchLabelKeys.filter((key) => pod.labels[key] !== undefined);
  const same = keys.map((key) => ({ key, operator: 'In' as const, values: [pod.labels[key] ?? ''] }));
  return [...(selectorOf(labelSelector) ?? NOTHING), ...same];
}

/** An absent selector selects nothing. */
const NOTHING: Selector = [{ key: '', operator: 'In', values: [] }];

/** Whether the node's pods count for this constraint. */
export function countsNode(constraint: SpreadConstraint, pod: PodInfo, node: NodeInfo): boolean {
  if (constraint.honorsAffinity && !matchesNodeAffinity(pod, node)) return false;
  return !constraint.honorsTaints || untoleratedTaint(node.node.spec?.taints, pod.pod.spec?.tolerations) === undefined;
}

/** How many pods on the node are of the group; those on their way out do not count. */
export function countGroup(node: NodeInfo, namespace: string, selector: Selector): number {
  let count = 0;
  for (const other of node.pods.values())
    if (
      other.namespace === namespace &&
      other.pod.metadata?.deletionTimestamp === undefined &&
      matchesLabels(selector, other.labels)
    )
      count += 1;
  return count;
}

/** Whether the node carries the topology key of every constraint; others are left out of the counting. */
export function hasAllKeys(constraints: readonly SpreadConstraint[], node: NodeInfo): boolean {
  return constraints.every(({ topologyKey }) => node.labels[topologyKey] !== undefined);
}
