import { conditionOf } from '../api/condition.ts';
import type { Node, NodeCondition, Taint } from '../api/objects.ts';
import { rfc3339 } from '../api/time.ts';

/** What is to be thought of a Node, from what is known of it. Pure. */

/**
 * A board renews its Lease every 4 s. One that is late is asked after, and given up when it has missed a renewal and is
 * silent on the network too. One that answers there is only slow: it gets upstream's time.
 */
export const ASK_AFTER_MS = 3_000;
const GONE_AFTER_MS = 5_000;
/** Upstream's --node-monitor-grace-period. */
const SLOW_AFTER_MS = 50_000;

interface Knowledge {
  /** Since the Lease or the heartbeat was last seen to change. */
  readonly silentMs: number;
  /** How often in a row the board's kubelet port gave no sign of a living host. */
  readonly deadProbes: number;
  /** Whether another board was heard of since this one gave no sign: if none, it is we who are cut off. */
  readonly hearsOthers: boolean;
}

/** Whether the board must be taken for lost. */
export function isLost({ silentMs, deadProbes, hearsOthers }: Knowledge): boolean {
  if (!hearsOthers) return false;
  return silentMs >= SLOW_AFTER_MS || (silentMs >= GONE_AFTER_MS && deadProbes >= 2);
}

const JUDGED = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'] as const;

/** The conditions of a lost Node: all that its kubelet said is unknown now. Undefined when they say so already. */
export function lostConditions(node: Node, nowMs: number): NodeCondition[] | undefined {
  const before = node.status?.conditions ?? [];
  const now = rfc3339(nowMs);
  let changed = false;
  const judged = JUDGED.map((type): NodeCondition => {
    const old = before.find((condition) => condition.type === type);
    if (old?.status === 'Unknown') return old;
    changed = true;
    return {
      type,
      status: 'Unknown',
      reason: old === undefined ? 'NodeStatusNeverUpdated' : 'NodeStatusUnknown',
      message: old === undefined ? 'Kubelet never posted node status.' : 'Kubelet stopped posting node status.',
      lastHeartbeatTime: old?.lastHeartbeatTime ?? node.metadata?.creationTimestamp ?? now,
      lastTransitionTime: now,
    };
  });
  if (!changed) return undefined;
  return [...before.filter(({ type }) => !JUDGED.some((one) => one === type)), ...judged];
}

const UNREACHABLE = 'node.kubernetes.io/unreachable';
const NOT_READY = 'node.kubernetes.io/not-ready';

/** Condition and status that stand for a taint which keeps new pods away (KEP-382). */
const CONDITION_TAINTS: readonly { readonly type: string; readonly status: string; readonly key: string }[] = [
  { type: 'Ready', status: 'False', key: NOT_READY },
  { type: 'Ready', status: 'Unknown', key: UNREACHABLE },
  { type: 'MemoryPressure', status: 'True', key: 'node.kubernetes.io/memory-pressure' },
  { type: 'DiskPressure', status: 'True', key: 'node.kubernetes.io/disk-pressure' },
  { type: 'PIDPressure', status: 'True', key: 'node.kubernetes.io/pid-pressure' },
  { type: 'NetworkUnavailable', status: 'True', key: 'node.kubernetes.io/network-unavailable' },
];
const UNSCHEDULABLE = 'node.kubernetes.io/unschedulable';

const OURS = new Set([...CONDITION_TAINTS.map(({ key }) => key), UNSCHEDULABLE]);

/**
 * The taints that fit a Node's conditions: all of ours as they must be, all others as they are. Undefined when nothing
 * changes. A Node that is not ready, or not reachable, also gets NoExecute, from which eviction follows.
 */
export function taintsFor(node: Node, nowMs: number): Taint[] | undefined {
  const before = node.spec?.taints ?? [];
  const wanted: Taint[] = [];
  for (const { type, status, key } of CONDITION_TAINTS) {
    const isSo = conditionOf(node, type)?.status === status;
    if (!isSo) continue;
    wanted.push({ key, effect: 'NoSchedule' });
    if (type === 'Ready') wanted.push({ key, effect: 'NoExecute' });
  }
  // Nobody has called a Node ready whose kubelet has not spoken yet: what the API server put there at its creation stays.
  const isNew = conditionOf(node, 'Ready') === undefined;
  if (isNew && before.some(({ key, effect }) => key === NOT_READY && effect === 'NoSchedule'))
    wanted.push({ key: NOT_READY, effect: 'NoSchedule' });
  if (node.spec?.unschedulable === true) wanted.push({ key: UNSCHEDULABLE, effect: 'NoSchedule' });
  const isSame = (a: Taint, b: Taint): boolean => a.key === b.key && a.effect === b.effect;
  const kept = before.filter((taint) => !isOurs(taint) || wanted.some((one) => isSame(one, taint)));
  const added = wanted.filter((taint) => !before.some((one) => isSame(one, taint)));
  if (added.length === 0 && kept.length === before.length) return undefined;
  const timeAdded = rfc3339(nowMs);
  return [...kept, ...added.map((taint) => ({ ...taint, timeAdded }))];
}

function isOurs({ key, effect }: Taint): boolean {
  return OURS.has(key) && effect !== 'PreferNoSchedule';
}

/** Upstream's --unhealthy-zone-threshold; and so many Nodes of a zone are no sign of anything. */
const UNHEALTHY_SHARE = 0.55;
const UNHEALTHY_MIN = 3;

/**
 * Whether so many Nodes are gone that the fault is more likely in the network than in them: then nobody is evicted from
 * `node`. So it is when all Nodes are gone, and when most of its zone are; not when its zone is gone as a whole and others
 * are not, for then the zone really is (upstream's zone states, without the slow evictions of zones of more than 50).
 */
export function isDisrupted(nodes: readonly Node[], node: Node | undefined): boolean {
  const isGone = (one: Node): boolean => readyStatus(one) !== 'True';
  if (nodes.every(isGone)) return nodes.length > 0;
  const zone = nodes.filter((one) => zoneOf(one) === zoneOf(node));
  const gone = zone.filter(isGone).length;
  return gone < zone.length && gone >= UNHEALTHY_MIN && gone / zone.length >= UNHEALTHY_SHARE;
}

function zoneOf(node: Node | undefined): string {
  const labels = node?.metadata?.labels;
  return `${labels?.['topology.kubernetes.io/region'] ?? ''}/${labels?.['topology.kubernetes.io/zone'] ?? ''}`;
}

/** `True`, `False` or `Unknown`, which it also is while no kubelet has said anything. */
export function readyStatus(node: Node): string {
  return conditionOf(node, 'Ready')?.status ?? 'Unknown';
}
