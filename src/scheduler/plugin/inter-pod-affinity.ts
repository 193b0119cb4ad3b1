import { SCORE_MAX, StateKey, unresolvable, unschedulable, type Cycle, type Plugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PluginFactory, PluginHandle } from '../plugin-handle.ts';
import { termMatches, type AffinityTerm, type PodInfo } from '../pod-info.ts';

interface InterPodAffinityArgs {
  readonly hardPodAffinityWeight?: number;
  readonly ignorePreferredTermsOfExistingPods?: boolean;
}

/** Counts or weights by `topologyKey=value`. */
type Topologies = Map<string, number>;

interface Required {
  /** Where pods are that refuse this one. */
  readonly refusedBy: Topologies;
  /** Where pods are that meet all of this one's affinity terms. */
  readonly wanted: Topologies;
  /** Where pods are that this one refuses. */
  readonly unwanted: Topologies;
}

const REQUIRED = new StateKey<Required>('InterPodAffinity/required');
const PREFERRED = new StateKey<Topologies>('InterPodAffinity/preferred');

/**
 * Places pods near to or away from other pods: required terms filter, preferred ones score, both of the pod itself and of
 * those already there. Args: `hardPodAffinityWeight`, `ignorePreferredTermsOfExistingPods`.
 */
export const createInterPodAffinity: PluginFactory = (rawArgs, handle): Plugin => {
  const { hardPodAffinityWeight = 1, ignorePreferredTermsOfExistingPods = false } = rawArgs as InterPodAffinityArgs;

  return {
    name: 'InterPodAffinity',
    preFilter(cycle) {
      const required = countRequired(cycle, handle);
      const { pod } = cycle;
      if (pod.affinity.length === 0 && pod.antiAffinity.length === 0 && required.refusedBy.size === 0) return 'skip';
      cycle.state.write(REQUIRED, required);
      return undefined;
    },
    filter({ pod, state }, node) {
      const required = state.read(REQUIRED);
      if (required === undefined) return undefined;
      if (!meetsAffinity(pod, required.wanted, node, handle))
        return unresolvable("node(s) didn't match pod affinity rules");
      if (pod.antiAffinity.some((term) => (required.unwanted.get(topologyOf(term, node) ?? '') ?? 0) > 0))
        return unschedulable("node(s) didn't match pod anti-affinity rules");
      for (const [key, value] of Object.entries(node.labels))
        if ((required.refusedBy.get(`${key}=${value}`) ?? 0) > 0)
          return unschedulable("node(s) didn't satisfy existing pods anti-affinity rules");
      return undefined;
    },
    preScore(cycle) {
      const weights = weighPreferred(cycle, handle, hardPodAffinityWeight, ignorePreferredTermsOfExistingPods);
      if (weights.size === 0) return 'skip';
      cycle.state.write(PREFERRED, weights);
      return undefined;
    },
    score({ state }, node) {
      const weights = state.read(PREFERRED);
      let score = 0;
      for (const [key, value] of Object.entries(node.labels)) score += weights?.get(`${key}=${value}`) ?? 0;
      return score;
    },
    normalize(_cycle, _nodes, scores) {
      const [least, most] = [Math.min(...scores), Math.max(...scores)];
      for (const [index, score] of scores.entries())
        scores[index] = most === least ? 0 : Math.trunc((SCORE_MAX * (score - least)) / (most - least));
    },
    mayHelp(pod, event) {
      if (event.resource === 'Node') return event.changes.has('added') || event.changes.has('labels');
      if (event.resource !== 'AssignedPod') return true;
      const { namespace = '', labels = {} } = event.now.metadata ?? {};
      const other = { namespace, labels };
      const isFreed = event.change === 'deleted' || event.change === 'labels';
      // A pod that goes may have refused this one: only its own terms could tell, and it is gone.
      if (isFreed) return true;
      return pod.affinity.some((term) => termMatches(term, other, handle.namespaceLabels));
    },
  };
};

function topologyOf({ topologyKey }: AffinityTerm, { labels }: NodeInfo): string | undefined {
  const value = labels[topologyKey];
  return value === undefined ? undefined : `${topologyKey}=${value}`;
}

function add(to: Topologies, term: AffinityTerm, node: NodeInfo, amount: number): void {
  const topology = topologyOf(term, node);
  if (topology !== undefined) to.set(topology, (to.get(topology) ?? 0) + amount);
}

function countRequired({ pod, snapshot }: Cycle, { namespaceLabels }: PluginHandle): Required {
  const required: Required = { refusedBy: new Map(), wanted: new Map(), unwanted: new Map() };
  const hasTerms = pod.affinity.length > 0 || pod.antiAffinity.length > 0;
  for (const node of snapshot.nodes) {
    for (const other of node.podsWithRequiredAntiAffinity)
      for (const term of other.antiAffinity)
        if (termMatches(term, pod, namespaceLabels)) add(required.refusedBy, term, node, 1);
    if (!hasTerms) continue;
    for (const other of node.pods.values()) {
      const meetsAll = pod.affinity.every((term) => termMatches(term, other, namespaceLabels));
      if (meetsAll) for (const term of pod.affinity) add(required.wanted, term, node, 1);
      for (const term of pod.antiAffinity)
        if (termMatches(term, other, namespaceLabels)) add(required.unwanted, term, node, 1);
    }
  }
  return required;
}

function meetsAffinity(pod: PodInfo, wanted: Topologies, node: NodeInfo, { namespaceLabels }: PluginHandle): boolean {
  if (pod.affinity.length === 0) return true;
  const topologies = pod.affinity.map((term) => topologyOf(term, node));
  if (topologies.includes(undefined)) return false;
  if (topologies.every((topology) => (wanted.get(topology ?? '') ?? 0) > 0)) return true;
  // The first pod of a group that wants to be together may go anywhere.
  return wanted.size === 0 && pod.affinity.every((term) => termMatches(term, pod, namespaceLabels));
}

function weighPreferred(
  { pod, snapshot }: Cycle,
  { namespaceLabels }: PluginHandle,
  hardWeight: number,
  ignoresExisting: boolean,
): Topologies {
  const weights: Topologies = new Map();
  const hasPreferences = pod.preferredAffinity.length + pod.preferredAntiAffinity.length > 0;
  const weigh = (terms: readonly AffinityTerm[], target: PodInfo, node: NodeInfo, sign: number): void => {
    for (const term of terms)
      if (termMatches(term, target, namespaceLabels)) add(weights, term, node, sign * (term.weight || hardWeight));
  };
  for (const node of snapshot.nodes) {
    for (const other of hasPreferences ? node.pods.values() : node.podsWithAffinity) {
      weigh(pod.preferredAffinity, other, node, 1);
      weigh(pod.preferredAntiAffinity, other, node, -1);
      if (hardWeight > 0) weigh(other.affinity, pod, node, 1);
      if (ignoresExisting && !hasPreferences) continue;
      weigh(other.preferredAffinity, pod, node, 1);
      weigh(other.preferredAntiAffinity, pod, node, -1);
    }
  }
  for (const [topology, weight] of weights) if (weight === 0) weights.delete(topology);
  return weights;
}
