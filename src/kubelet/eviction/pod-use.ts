import type { Pod } from '../../api/objects.ts';
import { podRequests } from '../../api/pod-requests.ts';
import type { Starved } from './thresholds.ts';

/** What one container uses; undefined where nobody has measured. */
export interface ContainerUse {
  readonly name: string;
  readonly memoryBytes: number | undefined;
  /** Its writable layer and its logs. */
  readonly diskBytes: number | undefined;
}

/** What one pod uses. */
export interface PodUse {
  readonly pod: Pod;
  /** Working set. */
  readonly memoryBytes: number | undefined;
  /** Writable layers, logs and emptyDir volumes on disk. */
  readonly diskBytes: number | undefined;
  readonly inodes: number | undefined;
  readonly processes: number | undefined;
  readonly containers: readonly ContainerUse[];
  /** Of emptyDir volumes, by name, as far as they were looked at. */
  readonly volumes: ReadonlyMap<string, number>;
}

/** Of priority class system-cluster-critical and above. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** Whether the board is better off short than without the pod (upstream IsCriticalPod, but for static pods). */
export function hasCriticalPriority(pod: Pod): boolean {
  return (pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY;
}

/**
 * The pods in the order in which they are to go (upstream eviction/helpers.go): first those that use more than they asked
 * for, then by priority, then by how much more. Of process ids nobody asks for any: priority and number decide.
 */
export function rankPods(starved: Starved, uses: readonly PodUse[]): readonly PodUse[] {
  const used = (one: PodUse): number | undefined => amountOf(starved, one);
  const requested = ({ pod }: PodUse): number => requestOf(starved, pod);
  const priority = ({ pod }: PodUse): number => pod.spec?.priority ?? 0;
  return uses.toSorted((a, b) => {
    const [usedA, usedB] = [used(a), used(b)];
    // Of whom nothing is known may be the one that takes it all.
    if (usedA === undefined || usedB === undefined) return Number(usedA !== undefined) - Number(usedB !== undefined);
    const [overA, overB] = [usedA - requested(a), usedB - requested(b)];
    const byExcess = starved === 'pids' || starved === 'inodes' ? 0 : Number(overB > 0) - Number(overA > 0);
    return byExcess || priority(a) - priority(b) || overB - overA;
  });
}

function amountOf(starved: Starved, use: PodUse): number | undefined {
  if (starved === 'memory') return use.memoryBytes;
  if (starved === 'ephemeral-storage') return use.diskBytes;
  return starved === 'inodes' ? use.inodes : use.processes;
}

function requestOf(starved: Starved, pod: Pod): number {
  return starved === 'memory' || starved === 'ephemeral-storage' ? (podRequests(pod).get(starved) ?? 0) : 0;
}
