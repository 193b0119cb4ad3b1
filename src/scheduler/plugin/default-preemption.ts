import type { Pod } from '../../api/objects.ts';
import { disruptPod } from '../../client/disrupt-pod.ts';
import { referenceTo } from '../../client/event-recorder.ts';
import type { Cycle, Plugin, Rejection, Snapshot } from '../framework.ts';
import { fitErrorMessage } from '../fit-error.ts';
import type { NodeInfo } from '../node-info.ts';
import type { PluginFactory, PluginHandle } from '../plugin-handle.ts';
import type { PodInfo } from '../pod-info.ts';

interface PreemptionArgs {
  readonly minCandidateNodesPercentage?: number;
  readonly minCandidateNodesAbsolute?: number;
}

/** A node that would have room without its victims. */
interface Candidate {
  readonly node: NodeInfo;
  /** Most important first. */
  readonly victims: readonly PodInfo[];
}

/**
 * Makes room for a pod by deleting pods of lower priority, as few and as unimportant as will do, on one node. The pod is
 * nominated for that node and comes back through the queue when its victims are gone.
 * Disruption budgets are not regarded: the API has none yet. Args: `minCandidateNodesPercentage`, `minCandidateNodesAbsolute`.
 */
export const createDefaultPreemption: PluginFactory = (rawArgs, handle): Plugin => {
  const { minCandidateNodesPercentage = 10, minCandidateNodesAbsolute = 100 } = rawArgs as PreemptionArgs;

  return {
    name: 'DefaultPreemption',
    postFilter(cycle, rejected) {
      const why = whyNotEligible(cycle, rejected);
      if (why !== undefined) return { nominatedNode: undefined, message: `preemption: ${why}`, victims: 0 };
      const { snapshot } = cycle;
      const potential = snapshot.nodes.filter(({ name }) => rejected.get(name)?.code === 'Unschedulable');
      const share = Math.trunc((potential.length * minCandidateNodesPercentage) / 100);
      const candidatesMax = Math.min(potential.length, Math.max(share, minCandidateNodesAbsolute));
      const { candidates, statuses } = dryRun(cycle, potential, candidatesMax, handle);
      const best = pickCandidate(candidates);
      if (best !== undefined)
        return {
          nominatedNode: best.node.name,
          message: '',
          victims: best.victims.length,
          act: async (signal) => evict(cycle, best, handle, signal),
        };
      const message = fitErrorMessage(snapshot.nodes.length, statuses, 'Preemption is not helpful for scheduling');
      return { nominatedNode: '', message: `preemption: ${message}`, victims: 0 };
    },
    mayHelp: () => true,
  };
};

function whyNotEligible({ pod, snapshot }: Cycle, rejected: ReadonlyMap<string, Rejection>): string | undefined {
  if (pod.pod.spec?.preemptionPolicy === 'Never') return 'not eligible due to preemptionPolicy=Never.';
  const nominated = pod.pod.status?.nominatedNodeName ?? '';
  const node = nominated === '' ? undefined : snapshot.node(nominated);
  if (node === undefined || rejected.get(nominated)?.code === 'UnschedulableAndUnresolvable') return undefined;
  for (const other of node.pods.values())
    if (other.priority < pod.priority && isLeavingForPreemption(other.pod))
      return 'not eligible due to a terminating pod on the nominated node.';
  return undefined;
}

function isLeavingForPreemption({ metadata, status }: Pod): boolean {
  if (metadata?.deletionTimestamp === undefined) return false;
  return (status?.conditions ?? []).some(
    ({ type, status: is, reason }) =>
      type === 'DisruptionTarget' && is === 'True' && reason === 'PreemptionByScheduler',
  );
}

function dryRun(cycle: Cycle, potential: readonly NodeInfo[], candidatesMax: number, handle: PluginHandle) {
  const candidates: Candidate[] = [];
  const statuses = new Map<string, Rejection>();
  const offset = potential.length === 0 ? 0 : Math.floor(handle.random() * potential.length);
  for (let i = 0; i < potential.length && candidates.length < candidatesMax; i += 1) {
    const node = potential[(offset + i) % potential.length];
    if (node === undefined) continue;
    const found = selectVictims(cycle, node, handle);
    if ('code' in found) statuses.set(node.name, found);
    else candidates.push(found);
  }
  return { candidates, statuses };
}

/** The pods of lower priority that must go from this node, after giving back all that need not. */
function selectVictims({ pod, snapshot }: Cycle, node: NodeInfo, handle: PluginHandle): Candidate | Rejection {
  const lower = [...node.pods.values()].filter(({ priority }) => priority < pod.priority);
  if (lower.length === 0)
    return { code: 'UnschedulableAndUnresolvable', reasons: ['No preemption victims found for incoming pod'] };
  const kept = new Map([...node.pods].filter(([, { priority }]) => priority >= pod.priority));
  const fits = (): Rejection | undefined => {
    const trial = node.with(kept.values());
    return handle.tryOn(pod, withNode(snapshot, trial), trial);
  };
  const rejection = fits();
  if (rejection !== undefined) return rejection;
  const victims: PodInfo[] = [];
  for (const candidate of lower.toSorted(moreImportantFirst)) {
    kept.set(candidate.key, candidate);
    if (fits() === undefined) continue;
    kept.delete(candidate.key);
    victims.push(candidate);
  }
  return { node, victims };
}

function withNode(snapshot: Snapshot, changed: NodeInfo): Snapshot {
  return {
    nodes: snapshot.nodes.map((node) => (node.name === changed.name ? changed : node)),
    node: (name) => (name === changed.name ? changed : snapshot.node(name)),
  };
}

function moreImportantFirst(a: PodInfo, b: PodInfo): number {
  return b.priority - a.priority || startedMs(a) - startedMs(b);
}

function startedMs({ pod }: PodInfo): number {
  const start = pod.status?.startTime;
  return start === undefined ? Infinity : Date.parse(start);
}

/** Lowest highest victim, then least sum of priorities, then fewest victims, then the victims that started last. */
function pickCandidate(candidates: readonly Candidate[]): Candidate | undefined {
  const rank = ({ victims }: Candidate): readonly number[] => {
    const highest = victims[0]?.priority ?? -Infinity;
    const important = victims.filter(({ priority }) => priority === highest);
    // Negative priorities must not make many victims look better than few: each is counted from the lowest there is.
    const sum = victims.reduce((total, { priority }) => total + priority + 2 ** 31, 0);
    return [highest, sum, victims.length, -Math.min(...important.map(startedMs))];
  };
  return candidates.toSorted((a, b) => compareLists(rank(a), rank(b)))[0];
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const other = b[index] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

async function evict(
  { pod }: Cycle,
  { node, victims }: Candidate,
  handle: PluginHandle,
  signal: AbortSignal,
): Promise<void> {
  const { client, clock, recorder } = handle;
  const scheduler = pod.pod.spec?.schedulerName ?? 'default-scheduler';
  const message = `${scheduler}: preempting to accommodate a higher priority pod`;
  for (const { pod: victim } of victims) {
    const why = { reason: 'PreemptionByScheduler', message, nowMs: clock.nowMs() };
    if (!(await disruptPod(client, victim, why, signal))) continue; // gone already
    recorder.record(
      referenceTo(victim, 'v1', 'Pod'),
      'Normal',
      'Preempted',
      `Preempted by pod ${pod.uid} on node ${node.name}`,
    );
  }
}
