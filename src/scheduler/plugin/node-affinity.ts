import type { Affinity, NodeSelector, PodSpec } from '../../api/objects.ts';
import { normalizeByMaximum, unresolvable, type Plugin } from '../framework.ts';
import { NodeInfo } from '../node-info.ts';
import { matchesNodeSelector, matchesNodeSelectorTerm } from '../node-selector.ts';
import type { PluginFactory } from '../plugin-handle.ts';
import type { PodInfo } from '../pod-info.ts';

/** Whether a node meets the pod's nodeSelector and required node affinity. */
export function matchesNodeAffinity({ pod }: PodInfo, node: NodeInfo): boolean {
  const { nodeSelector = {}, affinity } = pod.spec ?? {};
  if (!Object.entries(nodeSelector).every(([key, value]) => node.labels[key] === value)) return false;
  const required = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  return required === undefined || matchesNodeSelector(required, node);
}

/** The nodes that the terms can fit by name alone, as DaemonSets' pods have it; undefined when they can fit any. */
function namedNodes({ affinity }: PodSpec): ReadonlySet<string> | undefined {
  const required: NodeSelector | undefined = affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution;
  if (required === undefined) return undefined;
  const names = new Set<string>();
  for (const { matchFields = [] } of required.nodeSelectorTerms) {
    const byName = matchFields.filter(({ key, operator }) => key === 'metadata.name' && operator === 'In');
    const [first, ...others] = byName.map(({ values = [] }) => new Set(values));
    if (first === undefined) return undefined;
    for (const name of others.reduce((left, more) => left.intersection(more), first)) names.add(name);
  }
  return names;
}

/** Passes nodes that fit nodeSelector and node affinity, and prefers by the weights. Args: `addedAffinity`. */
export const createNodeAffinity: PluginFactory = (args): Plugin => {
  const added = (args['addedAffinity'] ?? {}) as NonNullable<Affinity['nodeAffinity']>;
  const addedRequired = added.requiredDuringSchedulingIgnoredDuringExecution;
  const addedPreferred = added.preferredDuringSchedulingIgnoredDuringExecution ?? [];

  return {
    name: 'NodeAffinity',
    preFilter({ pod }) {
      const nodeNames = pod.pod.spec === undefined ? undefined : namedNodes(pod.pod.spec);
      if (nodeNames === undefined) return undefined;
      return nodeNames.size === 0 ? unresolvable('pod affinity terms conflict') : { nodeNames };
    },
    filter({ pod }, node) {
      if (addedRequired !== undefined && !matchesNodeSelector(addedRequired, node))
        return unresolvable("node(s) didn't match scheduler-enforced node affinity");
      return matchesNodeAffinity(pod, node)
        ? undefined
        : unresolvable("node(s) didn't match Pod's node affinity/selector");
    },
    preScore({ pod }) {
      const own = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      return own.length + addedPreferred.length === 0 ? 'skip' : undefined;
    },
    score({ pod }, node) {
      const own = pod.pod.spec?.affinity?.nodeAffinity?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
      const met = [...own, ...addedPreferred].filter(({ preference }) => matchesNodeSelectorTerm(preference, node));
      return met.reduce((sum, { weight }) => sum + weight, 0);
    },
    normalize: (_cycle, _nodes, scores) => normalizeByMaximum(scores, false),
    mayHelp(pod, event) {
      if (event.resource === 'TargetPod') return true;
      if (event.resource !== 'Node') return false;
      if (!matchesNodeAffinity(pod, new NodeInfo(event.now))) return false;
      return event.before === undefined || !matchesNodeAffinity(pod, new NodeInfo(event.before));
    },
  };
};
