import { conditionOf } from '../api/condition.ts';
import type { Pod } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import type { ApiClient } from '../client/api-client.ts';
import { pods } from '../client/resources.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { Rejection } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

/** Why a pod has no node, as its condition PodScheduled=False says it. */
export interface Failure {
  readonly reason: 'Unschedulable' | 'SchedulerError' | 'SchedulingGated';
  readonly message: string;
  /** Undefined leaves status.nominatedNodeName as it is, the empty string takes it away. */
  readonly nominatedNode?: string | undefined;
}

/** What the pod is told when no node takes it. */
export function unschedulableFor({ reasons }: Rejection): Failure {
  return { reason: 'Unschedulable', message: reasons.join(', ') };
}

/** Whether the pod's status says so already. */
export function isTold(pod: Pod, { reason, message, nominatedNode }: Failure): boolean {
  const condition = conditionOf(pod, 'PodScheduled');
  if (condition?.status !== 'False' || condition.reason !== reason || condition.message !== message) return false;
  return nominatedNode === undefined || nominatedNode === (pod.status?.nominatedNodeName ?? '');
}

/** Writes the condition into the pod's status. A pod that is gone meanwhile is none to tell; other faults are logged. */
export async function writePodCondition(
  { client, clock, log }: { readonly client: ApiClient; readonly clock: Clock; readonly log: Log },
  { pod, uid, namespace, name, key }: PodInfo,
  failure: Failure,
  signal: AbortSignal,
): Promise<void> {
  const { reason, message, nominatedNode } = failure;
  const now = rfc3339(clock.nowMs());
  const old = conditionOf(pod, 'PodScheduled');
  const lastTransitionTime = old?.status === 'False' ? (old.lastTransitionTime ?? now) : now;
  const condition = { type: 'PodScheduled', status: 'False', reason, message, lastTransitionTime };
  const nomination = nominatedNode === undefined ? {} : { nominatedNodeName: nominatedNode || null };
  const body = { metadata: { uid }, status: { conditions: [condition], ...nomination } };
  try {
    const options = { subresource: 'status', signal };
    await client.patch(pods, { namespace, name }, { type: 'strategic', body }, options);
  } catch (error) {
    const isGone = isReason(error, 'NotFound') || isReason(error, 'Conflict');
    if (!isGone && !signal.aborted) log.warn('cannot write a pod condition', { pod: key, error });
  }
}
