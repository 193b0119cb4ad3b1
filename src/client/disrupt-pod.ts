import type { Pod } from '../api/objects.ts';
import { isPodTerminal } from '../api/pod-facts.ts';
import { isReason } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import type { ApiClient } from './api-client.ts';
import { pods } from './resources.ts';

/** Why a pod is deleted that did nothing for it, and how. */
export interface Disruption {
  /** Of the condition DisruptionTarget (KEP-3329), by which Jobs tell a fault of the pod from one of the cluster. */
  readonly reason: string;
  readonly message: string;
  /** Wall clock, milliseconds since 1970. */
  readonly nowMs: number;
  /** No kubelet is there to end it: its phase becomes Failed, and it goes without grace. */
  readonly isForced?: boolean;
}

/** Says in a pod's status why it goes, then deletes it. False: it, or this pod of its name, was gone already. */
export async function disruptPod(
  client: ApiClient,
  pod: Pod,
  { reason, message, nowMs, isForced = false }: Disruption,
  signal: AbortSignal,
): Promise<boolean> {
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  const lastTransitionTime = rfc3339(nowMs);
  const condition = { type: 'DisruptionTarget', status: 'True', reason, message, lastTransitionTime };
  const status = { conditions: [condition], ...(isForced ? { phase: 'Failed' } : {}) };
  const key = { namespace, name };
  try {
    if (!isPodTerminal(pod))
      await client.patch(
        pods,
        key,
        { type: 'strategic', body: { metadata: { uid }, status } },
        { subresource: 'status', signal },
      );
    const grace = isForced ? { gracePeriodSeconds: 0 } : {};
    await client.delete(pods, key, { ...grace, preconditions: { uid }, signal });
    return true;
  } catch (error) {
    if (isReason(error, 'NotFound') || isReason(error, 'Conflict')) return false;
    throw error;
  }
}
