import type { PluginFactory } from './plugin-handle.ts';
import { createDefaultBinder } from './plugin/default-binder.ts';
import { createDefaultPreemption } from './plugin/default-preemption.ts';
import { dynamicResources } from './plugin/dynamic-resources.ts';
import { imageLocality } from './plugin/image-locality.ts';
import { createInterPodAffinity } from './plugin/inter-pod-affinity.ts';
import { createNodeAffinity } from './plugin/node-affinity.ts';
import { nodeName } from './plugin/node-name.ts';
import { nodePorts } from './plugin/node-ports.ts';
import { createNodeResourcesBalancedAllocation } from './plugin/node-resources-balanced-allocation.ts';
import { createNodeResourcesFit } from './plugin/node-resources-fit.ts';
import { nodeUnschedulable } from './plugin/node-unschedulable.ts';
import { createPodTopologySpread } from './plugin/pod-topology-spread.ts';
import { prioritySort } from './plugin/priority-sort.ts';
import { schedulingGates } from './plugin/scheduling-gates.ts';
import { taintToleration } from './plugin/taint-toleration.ts';

/** The rules there are, by the name that configurations use. */
export const PLUGINS: Readonly<Record<string, PluginFactory>> = {
  SchedulingGates: () => schedulingGates,
  PrioritySort: () => prioritySort,
  NodeUnschedulable: () => nodeUnschedulable,
  NodeName: () => nodeName,
  TaintToleration: () => taintToleration,
  NodeAffinity: createNodeAffinity,
  NodePorts: () => nodePorts,
  NodeResourcesFit: createNodeResourcesFit,
  PodTopologySpread: createPodTopologySpread,
  InterPodAffinity: createInterPodAffinity,
  DynamicResources: () => dynamicResources,
  DefaultPreemption: createDefaultPreemption,
  NodeResourcesBalancedAllocation: createNodeResourcesBalancedAllocation,
  ImageLocality: () => imageLocality,
  DefaultBinder: createDefaultBinder,
};

/** What a profile has unless it says otherwise, in order (scheduler/apis/config/v1/default_plugins.go). */
export const DEFAULT_MULTI_POINT: readonly { readonly name: string; readonly weight?: number }[] = [
  { name: 'SchedulingGates' },
  { name: 'PrioritySort' },
  { name: 'NodeUnschedulable' },
  { name: 'NodeName' },
  { name: 'TaintToleration', weight: 3 },
  { name: 'NodeAffinity', weight: 2 },
  { name: 'NodePorts' },
  { name: 'NodeResourcesFit', weight: 1 },
  { name: 'PodTopologySpread', weight: 2 },
  { name: 'InterPodAffinity', weight: 2 },
  { name: 'DynamicResources' },
  { name: 'DefaultPreemption' },
  { name: 'NodeResourcesBalancedAllocation', weight: 1 },
  { name: 'ImageLocality', weight: 1 },
  { name: 'DefaultBinder' },
];

/** Names of upstream's default plugins that have nothing to do yet: nothing of ours makes or binds volumes. */
export const ABSENT_UPSTREAM: ReadonlySet<string> = new Set([
  'VolumeRestrictions',
  'NodeVolumeLimits',
  'VolumeBinding',
  'VolumeZone',
]);
