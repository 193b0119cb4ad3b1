import { fitErrorMessage, preFilterMessage } from './fit-error.ts';
import { SCORE_MAX, type Cycle, type Plugin, type Rejection, type Snapshot, CycleState } from './framework.ts';
import type { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';
import { codeOf, type Profile } from './profile.ts';

/** Why no node took the pod. */
export interface Unfit {
  readonly rejected: ReadonlyMap<string, Rejection>;
  /** Names of the plugins that rejected it: their hints decide when to try again. */
  readonly rejectors: ReadonlySet<string>;
  /** The FailedScheduling text, without what preemption adds. */
  readonly message: string;
}

/** What schedulePod() decides by. */
export interface ScheduleOptions {
  readonly profile: Profile;
  readonly cycle: Cycle;
  /** Where to begin among the nodes, so that all get their turn when not all are looked at. */
  readonly startIndex: number;
  readonly nominated: (nodeName: string) => readonly PodInfo[];
  /** 0 up to 1: chooses among equals. */
  readonly random: () => number;
}

/** The node, or why none; `looked`: how many nodes were looked at. */
export type ScheduleResult =
  | { readonly nodeName: string; readonly looked: number }
  | { readonly unfit: Unfit; readonly looked: number };

/** Fewer nodes than this are always all looked at (minFeasibleNodesToFind). */
const FEASIBLE_MIN = 100;
const PERCENTAGE_MIN = 5;

/** How many fitting nodes to find before scoring; the larger the cluster, the smaller the share, unless set. */
export function nodesToFind(nodeCount: number, percentage: number): number {
  if (nodeCount < FEASIBLE_MIN) return nodeCount;
  const share = percentage === 0 ? Math.max(PERCENTAGE_MIN, 50 - Math.trunc(nodeCount / 125)) : percentage;
  if (share >= 100) return nodeCount;
  return Math.max(FEASIBLE_MIN, Math.trunc((nodeCount * share) / 100));
}

/** Chooses the node for the cycle's pod: PreFilter, Filter, PreScore, Score. Changes nothing but the cycle's state. */
export function schedulePod(options: ScheduleOptions): ScheduleResult {
  const { profile, cycle } = options;
  const nodeCount = cycle.snapshot.nodes.length;
  const codeOfPre = (outcome: ReturnType<typeof runPreFilters>): string =>
    'rejection' in outcome ? codeOf(outcome.rejection) : 'Success';
  const pre = profile.measure('PreFilter', () => runPreFilters(profile, cycle), codeOfPre);
  if ('rejection' in pre) {
    const { rejection, plugin } = pre;
    const rejected = new Map(cycle.snapshot.nodes.map(({ name }) => [name, rejection]));
    const message = preFilterMessage(nodeCount, rejection.reasons.join(', '));
    return { unfit: { rejected, rejectors: new Set([plugin]), message }, looked: 0 };
  }
  const found = profile.measure(
    'Filter',
    () => findFeasible(options, pre),
    ({ feasible }) => (feasible.length === 0 ? 'Unschedulable' : 'Success'),
  );
  if (found.feasible.length === 0) {
    for (const name of pre.limiters) found.rejectors.add(name);
    const absent = `node(s) didn't satisfy plugin(s) [${pre.limiters.join(' ')}]`;
    const message = fitErrorMessage(nodeCount, found.rejected, absent);
    return { unfit: { rejected: found.rejected, rejectors: found.rejectors, message }, looked: found.looked };
  }
  return { nodeName: pickBest(options, found.feasible), looked: found.looked };
}

/** PreFilter and Filter of one node, with the pods promised to it. For hypothetical snapshots. */
export function tryNode(
  profile: Profile,
  pod: PodInfo,
  snapshot: Snapshot,
  node: NodeInfo,
  nominated: (nodeName: string) => readonly PodInfo[],
): Rejection | undefined {
  const cycle: Cycle = { pod, snapshot, state: new CycleState() };
  const pre = runPreFilters(profile, cycle);
  if ('rejection' in pre) return pre.rejection;
  return filterNode({ profile, cycle, nominated }, pre, node)?.rejection;
}

interface PreFiltered {
  readonly skipped: ReadonlySet<Plugin>;
  /** Undefined: any. */
  readonly nodeNames: ReadonlySet<string> | undefined;
  /** The plugins that named nodes. */
  readonly limiters: readonly string[];
}

function runPreFilters(
  profile: Profile,
  cycle: Cycle,
): PreFiltered | { readonly rejection: Rejection; readonly plugin: string } {
  const skipped = new Set<Plugin>();
  const limiters: string[] = [];
  let nodeNames: ReadonlySet<string> | undefined;
  for (const { plugin } of profile.at('preFilter')) {
    const outcome = plugin.preFilter?.(cycle);
    if (outcome === undefined) continue;
    if (outcome === 'skip') skipped.add(plugin);
    else if ('code' in outcome) return { rejection: outcome, plugin: plugin.name };
    else {
      limiters.push(plugin.name);
      nodeNames = nodeNames === undefined ? outcome.nodeNames : nodeNames.intersection(outcome.nodeNames);
    }
  }
  return { skipped, nodeNames, limiters: limiters.sort() };
}

function findFeasible(options: ScheduleOptions, pre: PreFiltered) {
  const { cycle, profile, startIndex } = options;
  const rejected = new Map<string, Rejection>();
  const rejectors = new Set<string>();
  const promised = cycle.snapshot.node(cycle.pod.pod.status?.nominatedNodeName ?? '');
  // Its victims are gone for this pod's sake: the promised node is taken if it fits, better ones or not.
  if (promised !== undefined && pre.nodeNames?.has(promised.name) !== false)
    if (filterNode(options, pre, promised) === undefined)
      return { feasible: [promised], rejected, rejectors, looked: 1 };
  const all = cycle.snapshot.nodes;
  const nodes = pre.nodeNames === undefined ? all : all.filter(({ name }) => pre.nodeNames?.has(name));
  const wanted = nodesToFind(nodes.length, profile.percentageOfNodesToScore);
  const feasible: NodeInfo[] = [];
  let looked = 0;
  for (; looked < nodes.length && feasible.length < wanted; looked += 1) {
    const node = nodes[(startIndex + looked) % nodes.length];
    if (node === undefined) break;
    const failure = filterNode(options, pre, node);
    if (failure === undefined) feasible.push(node);
    else {
      rejected.set(node.name, failure.rejection);
      rejectors.add(failure.plugin);
    }
  }
  return { feasible, rejected, rejectors, looked };
}

interface Failure {
  readonly rejection: Rejection;
  readonly plugin: string;
}

/**
 * Filters a node as it is and, if pods of no lower priority were promised a place there, also with these: they may never
 * come, and a pod may depend on them in neither way.
 */
function filterNode(
  { profile, cycle, nominated }: Pick<ScheduleOptions, 'profile' | 'cycle' | 'nominated'>,
  pre: PreFiltered,
  node: NodeInfo,
): Failure | undefined {
  const others = nominated(node.name).filter(
    ({ key, priority }) => key !== cycle.pod.key && priority >= cycle.pod.priority,
  );
  if (others.length > 0) {
    const crowded = node.with([...node.pods.values(), ...others]);
    const { snapshot } = cycle;
    const nodes = snapshot.nodes.map((one) => (one.name === node.name ? crowded : one));
    const trial: Snapshot = { nodes, node: (name) => (name === node.name ? crowded : snapshot.node(name)) };
    const trialCycle: Cycle = { pod: cycle.pod, snapshot: trial, state: new CycleState() };
    const trialPre = runPreFilters(profile, trialCycle);
    if ('rejection' in trialPre) return trialPre;
    const failure = runFilters(profile, trialCycle, trialPre, crowded);
    if (failure !== undefined) return failure;
  }
  return runFilters(profile, cycle, pre, node);
}

function runFilters(profile: Profile, cycle: Cycle, pre: PreFiltered, node: NodeInfo): Failure | undefined {
  for (const { plugin } of profile.at('filter')) {
    if (pre.skipped.has(plugin)) continue;
    const rejection = plugin.filter?.(cycle, node);
    if (rejection !== undefined) return { rejection, plugin: plugin.name };
  }
  return undefined;
}

function pickBest({ profile, cycle, random }: ScheduleOptions, nodes: readonly NodeInfo[]): string {
  const [only] = nodes;
  if (nodes.length === 1 && only !== undefined) return only.name;
  const totals = totalScores(profile, cycle, nodes);
  const best = Math.max(...totals);
  const winners = nodes.filter((_, index) => totals[index] === best);
  return winners[Math.floor(random() * winners.length)]?.name ?? '';
}

/** The weighted sum of all plugins' scores for each node. */
function totalScores(profile: Profile, cycle: Cycle, nodes: readonly NodeInfo[]): number[] {
  const skipped = new Set<Plugin>();
  profile.measure('PreScore', () => {
    for (const { plugin } of profile.at('preScore'))
      if (plugin.preScore?.(cycle, nodes) === 'skip') skipped.add(plugin);
  });
  return profile.measure('Score', () => sumScores(profile, cycle, nodes, skipped));
}

function sumScores(profile: Profile, cycle: Cycle, nodes: readonly NodeInfo[], skipped: ReadonlySet<Plugin>): number[] {
  const totals = nodes.map(() => 0);
  for (const { plugin, weight } of profile.at('score')) {
    if (skipped.has(plugin)) continue;
    const scores = nodes.map((node) => plugin.score?.(cycle, node) ?? 0);
    plugin.normalize?.(cycle, nodes, scores);
    for (const [index, score] of scores.entries()) {
      if (!(score >= 0 && score <= SCORE_MAX))
        throw new Error(
          `plugin ${plugin.name} gave node ${nodes[index]?.name} a score of ${score}, not 0 to ${SCORE_MAX}`,
        );
      totals[index] = (totals[index] ?? 0) + score * weight;
    }
  }
  return totals;
}
