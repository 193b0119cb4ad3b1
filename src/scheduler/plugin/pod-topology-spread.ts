import type { TopologySpreadConstraint } from '../../api/objects.ts';
import { matchesLabels } from '../../api/selector.ts';
import { SCORE_MAX, StateKey, unresolvable, unschedulable, type Cycle, type Plugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PluginFactory, PluginHandle } from '../plugin-handle.ts';
import type { PodInfo } from '../pod-info.ts';
import {
  countGroup,
  countsNode,
  hasAllKeys,
  readConstraints,
  type SpreadConstraint,
  type WhenUnsatisfiable,
} from '../topology-constraint.ts';

interface SpreadArgs {
  readonly defaultingType?: 'System' | 'List';
  readonly defaultConstraints?: readonly TopologySpreadConstraint[];
}

const HOSTNAME = 'kubernetes.io/hostname';

/** Upstream's system defaults (podtopologyspread/plugin.go). */
const SYSTEM_DEFAULTS: readonly TopologySpreadConstraint[] = [
  { topologyKey: HOSTNAME, whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 3 },
  { topologyKey: 'topology.kubernetes.io/zone', whenUnsatisfiable: 'ScheduleAnyway', maxSkew: 5 },
];

interface HardConstraint {
  readonly constraint: SpreadConstraint;
  /** Pods of the group by the value of the topology key. */
  readonly counts: Map<string, number>;
}

interface Soft {
  readonly constraints: readonly SpreadConstraint[];
  /** Parallel to `constraints`; empty for the hostname, which is counted node by node. */
  readonly counts: readonly Map<string, number>[];
  readonly weights: readonly number[];
  readonly ignored: ReadonlySet<string>;
}

const HARD = new StateKey<readonly HardConstraint[]>('PodTopologySpread/hard');
const SOFT = new StateKey<Soft>('PodTopologySpread/soft');

/**
 * Keeps the pods of a group even over zones, hosts or other domains: DoNotSchedule constraints filter, ScheduleAnyway ones
 * score. Pods without constraints get the defaults, grouped by their Services and their owner.
 * Args: `defaultingType`, `defaultConstraints`.
 */
export const createPodTopologySpread: PluginFactory = (rawArgs, handle): Plugin => {
  const args = rawArgs as SpreadArgs;
  const isSystem = (args.defaultingType ?? 'System') === 'System';
  const defaults = isSystem ? SYSTEM_DEFAULTS : (args.defaultConstraints ?? []);

  return {
    name: 'PodTopologySpread',
    preFilter({ pod, snapshot, state }) {
      const constraints = constraintsOf(pod, 'DoNotSchedule', defaults, handle);
      if (constraints.length === 0) return 'skip';
      state.write(HARD, countHard(pod, constraints, snapshot.nodes));
      return undefined;
    },
    filter: ({ pod, state }, node) => filterHard(pod, state.read(HARD) ?? [], node),
    preScore(cycle, nodes) {
      const { pod, state } = cycle;
      const constraints = constraintsOf(pod, 'ScheduleAnyway', defaults, handle);
      if (constraints.length === 0) return 'skip';
      const hasOwn = (pod.pod.spec?.topologySpreadConstraints ?? []).length > 0;
      state.write(SOFT, countSoft(cycle, nodes, constraints, hasOwn || !isSystem));
      return undefined;
    },
    score({ pod, state }, node) {
      const soft = state.read(SOFT);
      return soft === undefined ? 0 : scoreSoft(soft, pod, node);
    },
    normalize({ state }, nodes, scores) {
      const soft = state.read(SOFT);
      if (soft !== undefined) normalizeSoft(soft, nodes, scores);
    },
    mayHelp(pod, event) {
      if (event.resource === 'AssignedPod') return event.now.metadata?.namespace === pod.namespace;
      return event.resource !== 'Node' || !onlyUninteresting(event.changes);
    },
  };
};

function onlyUninteresting(changes: ReadonlySet<string>): boolean {
  return !changes.has('added') && !changes.has('labels') && !changes.has('taints');
}

function constraintsOf(
  pod: PodInfo,
  when: WhenUnsatisfiable,
  defaults: readonly TopologySpreadConstraint[],
  handle: PluginHandle,
): SpreadConstraint[] {
  const own = pod.pod.spec?.topologySpreadConstraints ?? [];
  if (own.length > 0) return readConstraints(own, when, pod);
  if (!defaults.some(({ whenUnsatisfiable }) => whenUnsatisfiable === when)) return [];
  const selector = handle.groupSelector(pod);
  return selector === null ? [] : readConstraints(defaults, when, pod, selector);
}

function countHard(
  pod: PodInfo,
  constraints: readonly SpreadConstraint[],
  nodes: readonly NodeInfo[],
): HardConstraint[] {
  const hard = constraints.map((constraint) => ({ constraint, counts: new Map<string, number>() }));
  for (const node of nodes) {
    if (!hasAllKeys(constraints, node)) continue;
    for (const { constraint, counts } of hard) {
      if (!countsNode(constraint, pod, node)) continue;
      const domain = node.labels[constraint.topologyKey] ?? '';
      counts.set(domain, (counts.get(domain) ?? 0) + countGroup(node, pod.namespace, constraint.selector));
    }
  }
  return hard;
}

function filterHard(pod: PodInfo, hard: readonly HardConstraint[], node: NodeInfo) {
  for (const { constraint, counts } of hard) {
    const domain = node.labels[constraint.topologyKey];
    if (domain === undefined)
      return unresolvable("node(s) didn't match pod topology spread constraints (missing required label)");
    const least = counts.size < constraint.minDomains ? 0 : Math.min(...counts.values());
    const itself = matchesLabels(constraint.selector, pod.labels) ? 1 : 0;
    if ((counts.get(domain) ?? 0) + itself - least > constraint.maxSkew)
      return unschedulable("node(s) didn't match pod topology spread constraints");
  }
  return undefined;
}

/** @param isStrict nodes without all the topology keys get the lowest score */
function countSoft(
  { pod, snapshot }: Cycle,
  nodes: readonly NodeInfo[],
  constraints: readonly SpreadConstraint[],
  isStrict: boolean,
): Soft {
  const ignored = new Set<string>();
  const counts = constraints.map(() => new Map<string, number>());
  for (const node of nodes) {
    if (isStrict && !hasAllKeys(constraints, node)) {
      ignored.add(node.name);
      continue;
    }
    for (const [index, { topologyKey }] of constraints.entries()) {
      const domain = node.labels[topologyKey];
      if (topologyKey !== HOSTNAME && domain !== undefined) counts[index]?.set(domain, 0);
    }
  }
  const weights = constraints.map(({ topologyKey }, index) => {
    const domains = topologyKey === HOSTNAME ? nodes.length - ignored.size : (counts[index]?.size ?? 0);
    return Math.log(domains + 2);
  });
  for (const node of snapshot.nodes) {
    if (isStrict && !hasAllKeys(constraints, node)) continue;
    for (const [index, constraint] of constraints.entries()) {
      const domain = node.labels[constraint.topologyKey];
      const count = domain === undefined ? undefined : counts[index]?.get(domain);
      if (domain === undefined || count === undefined || !countsNode(constraint, pod, node)) continue;
      counts[index]?.set(domain, count + countGroup(node, pod.namespace, constraint.selector));
    }
  }
  return { constraints, counts, weights, ignored };
}

function scoreSoft({ constraints, counts, weights, ignored }: Soft, pod: PodInfo, node: NodeInfo): number {
  if (ignored.has(node.name)) return 0;
  let score = 0;
  for (const [index, { topologyKey, selector, maxSkew }] of constraints.entries()) {
    const domain = node.labels[topologyKey];
    if (domain === undefined) continue;
    const count =
      topologyKey === HOSTNAME ? countGroup(node, pod.namespace, selector) : (counts[index]?.get(domain) ?? 0);
    // A larger maxSkew lets the count matter less against the other constraints.
    score += count * (weights[index] ?? 0) + (maxSkew - 1);
  }
  return Math.round(score);
}

/** Turns counts, where less is better, into scores. */
function normalizeSoft({ ignored }: Soft, nodes: readonly NodeInfo[], scores: number[]): void {
  const counted = scores.filter((_, index) => !ignored.has(nodes[index]?.name ?? ''));
  const [least, most] = [Math.min(...counted), Math.max(...counted)];
  for (const [index, score] of scores.entries()) {
    if (ignored.has(nodes[index]?.name ?? '')) scores[index] = 0;
    else scores[index] = most === 0 ? SCORE_MAX : Math.trunc((SCORE_MAX * (most + least - score)) / most);
  }
}
