import { isPodTerminal } from '../../api/pod-facts.ts';
import { readResources } from '../../api/pod-requests.ts';
import { SCORE_MAX, unresolvable, unschedulable, type Plugin } from '../framework.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PluginFactory } from '../plugin-handle.ts';
import { type PodInfo } from '../pod-info.ts';

type Strategy = 'LeastAllocated' | 'MostAllocated' | 'RequestedToCapacityRatio';

interface WeightedResource {
  readonly name: string;
  readonly weight: number;
}

interface FitArgs {
  readonly ignoredResources?: readonly string[];
  readonly ignoredResourceGroups?: readonly string[];
  readonly scoringStrategy?: {
    readonly type?: Strategy;
    readonly resources?: readonly { readonly name: string; readonly weight?: number }[];
    readonly requestedToCapacityRatio?: { readonly shape?: readonly ShapePoint[] };
  };
}

/** utilization 0..100, score 0..10 */
interface ShapePoint {
  readonly utilization: number;
  readonly score: number;
}

const STRATEGIES: readonly Strategy[] = ['LeastAllocated', 'MostAllocated', 'RequestedToCapacityRatio'];
/** A shape's scores go to 10 in the configuration (MaxCustomPriorityScore). */
const SHAPE_SCORE_MAX = 10;

/**
 * Passes nodes whose allocatable resources have room for the pod's requests, and prefers the emptier (LeastAllocated), the
 * fuller (MostAllocated) or those near a point (RequestedToCapacityRatio).
 * Args: `scoringStrategy`, `ignoredResources`, `ignoredResourceGroups`.
 */
export const createNodeResourcesFit: PluginFactory = (rawArgs): Plugin => {
  const args = rawArgs as FitArgs;
  const type = args.scoringStrategy?.type ?? 'LeastAllocated';
  if (!STRATEGIES.includes(type))
    throw new Error(`scoringStrategy.type must be one of ${STRATEGIES.join(', ')}: got "${type}"`);
  const named = args.scoringStrategy?.resources ?? [{ name: 'cpu' }, { name: 'memory' }];
  const resources = named.map(({ name, weight = 1 }) => ({ name, weight: weight === 0 ? 1 : weight }));
  const score = scorerOf(type, args.scoringStrategy?.requestedToCapacityRatio?.shape ?? []);
  const isIgnored = (name: string): boolean =>
    (args.ignoredResources ?? []).includes(name) ||
    (args.ignoredResourceGroups ?? []).some((group) => name.startsWith(`${group}/`));

  return {
    name: 'NodeResourcesFit',
    filter({ pod }, node) {
      const short = insufficient(pod, node, isIgnored);
      if (short.length === 0) return undefined;
      const reasons = short.map(({ reason }) => reason);
      return short.some(({ isHopeless }) => isHopeless) ? unresolvable(...reasons) : unschedulable(...reasons);
    },
    score: ({ pod }, node) => weightedScore(pod, node, resources, score),
    mayHelp(pod, event) {
      switch (event.resource) {
        case 'TargetPod':
          return true;
        case 'Node': {
          const allocatable = readResources(event.now.status?.allocatable);
          const couldFit = [...pod.requests].every(([name, amount]) => amount <= (allocatable.get(name) ?? 0));
          return couldFit && (event.changes.has('added') || event.changes.has('allocatable'));
        }
        case 'AssignedPod':
          return event.change === 'deleted' || event.change === 'scaledDown' || isPodTerminal(event.now);
        default:
          return false;
      }
    },
  };
};

interface Shortage {
  readonly reason: string;
  /** The pod asks for more than the whole node has. */
  readonly isHopeless: boolean;
}

function insufficient(pod: PodInfo, node: NodeInfo, isIgnored: (name: string) => boolean): Shortage[] {
  const short: Shortage[] = [];
  const podsMax = node.allocatable.get('pods') ?? 0;
  if (node.pods.size + 1 > podsMax) short.push({ reason: 'Too many pods', isHopeless: false });
  for (const [name, amount] of pod.requests) {
    if (amount === 0 || (isExtended(name) && isIgnored(name))) continue;
    const allocatable = node.allocatable.get(name) ?? 0;
    if (amount > allocatable - (node.requested.get(name) ?? 0))
      short.push({ reason: `Insufficient ${name}`, isHopeless: amount > allocatable });
  }
  return short;
}

function isExtended(name: string): boolean {
  return name.includes('/') && !name.includes('kubernetes.io/');
}

type Scorer = (requested: number, allocatable: number) => number;

function weightedScore(pod: PodInfo, node: NodeInfo, resources: readonly WeightedResource[], score: Scorer): number {
  let sum = 0;
  let weights = 0;
  for (const { name, weight } of resources) {
    const isBasic = name === 'cpu' || name === 'memory';
    const own = (isBasic ? pod.nonZeroRequests : pod.requests).get(name) ?? 0;
    const allocatable = node.allocatable.get(name) ?? 0;
    if (allocatable === 0 || (!isBasic && own === 0)) continue; // a node is not judged by what the pod does not want
    const used = (isBasic ? node.nonZeroRequested : node.requested).get(name) ?? 0;
    sum += score(used + own, allocatable) * weight;
    weights += weight;
  }
  return weights === 0 ? 0 : Math.trunc(sum / weights);
}

function scorerOf(type: Strategy, shape: readonly ShapePoint[]): Scorer {
  switch (type) {
    case 'LeastAllocated':
      return (requested, allocatable) =>
        requested > allocatable ? 0 : Math.trunc(((allocatable - requested) * SCORE_MAX) / allocatable);
    case 'MostAllocated':
      return (requested, allocatable) => Math.trunc((Math.min(requested, allocatable) * SCORE_MAX) / allocatable);
    case 'RequestedToCapacityRatio':
      if (shape.length === 0) throw new Error('requestedToCapacityRatio.shape must have at least one point');
      return (requested, allocatable) => {
        const utilization = requested > allocatable ? 100 : Math.trunc((requested * 100) / allocatable);
        return onShape(shape, utilization) * (SCORE_MAX / SHAPE_SCORE_MAX);
      };
    default:
      return type satisfies never;
  }
}

/** The broken line through the points, level beyond its ends. */
function onShape(shape: readonly ShapePoint[], utilization: number): number {
  let before = shape[0] as ShapePoint;
  for (const point of shape) {
    if (utilization <= point.utilization) {
      const width = point.utilization - before.utilization;
      if (width === 0) return point.score;
      return before.score + Math.trunc(((point.score - before.score) * (utilization - before.utilization)) / width);
    }
    before = point;
  }
  return before.score;
}
