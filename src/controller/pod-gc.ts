import { isDeleting } from '../api/object-facts.ts';
import type { Node, Pod } from '../api/objects.ts';
import { ignoring, isReason } from '../api/status.ts';
import { disruptPod } from '../client/disrupt-pod.ts';
import { nodes, pods } from '../client/resources.ts';
import type { Runnable } from '../host/run-together.ts';
import { readyStatus } from './node-health.ts';
import { type ControllerContext, type CreateController } from './controller.ts';
import { isPodTerminal } from '../api/pod-facts.ts';

const PERIOD_MS = 20_000;
/** A Node must be missing this long before its pods are given up (upstream's quarantine). */
const QUARANTINE_MS = 40_000;
/** Ended pods kept for people to look at (upstream's --terminated-pod-gc-threshold). */
const TERMINATED_MAX = 12_500;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Deletes pods that no kubelet will ever delete: of Nodes that are gone, never bound, or out of service; and old ended ones. */
export const createPodGarbageCollector: CreateController = (context): Runnable => {
  const podInformer = context.informers.of(pods);
  const nodeInformer = context.informers.of(nodes);
  return {
    run: async (signal) => {
      const missing = new Map<string, number>();
      await Promise.all([podInformer.synced(signal), nodeInformer.synced(signal)]);
      while (!signal.aborted) {
        await collect(missing, signal).catch((error: unknown) => {
          if (!signal.aborted) context.log.warn('could not collect pods', { error });
        });
        await context.clock.sleepMs(PERIOD_MS, signal).catch(() => undefined);
      }
    },
  };

  async function collect(missing: Map<string, number>, signal: AbortSignal): Promise<void> {
    const nowMs = context.clock.monotonicMs();
    const all = podInformer.lister.list();
    const named = new Set(all.map((pod) => pod.spec?.nodeName ?? '').filter((name) => name !== ''));
    for (const name of missing.keys()) if (!named.has(name)) missing.delete(name);
    for (const name of named) {
      if (nodeInformer.lister.get('', name) !== undefined) missing.delete(name);
      else if (!missing.has(name)) missing.set(name, nowMs);
    }
    for (const pod of all) {
      const name = pod.spec?.nodeName ?? '';
      const sinceMs = missing.get(name);
      const node = nodeInformer.lister.get('', name);
      const isStranded = isDeleting(pod) && (name === '' || (node !== undefined && isOutOfService(node)));
      if (isStranded) await forceDelete(context, pod, signal);
      else if (sinceMs !== undefined && nowMs - sinceMs >= QUARANTINE_MS && (await isGone(context, name, signal))) {
        context.log.info('collecting a pod', { namespace: pod.metadata?.namespace, name: pod.metadata?.name });
        const why = { reason: 'DeletionByPodGC', message: 'PodGC: node no longer exists' };
        await disruptPod(context.client, pod, { ...why, nowMs: context.clock.nowMs(), isForced: true }, signal);
      }
    }
    const ended = all.filter((pod) => isPodTerminal(pod) && !isDeleting(pod));
    const oldest = ended.toSorted((a, b) =>
      (a.metadata?.creationTimestamp ?? '').localeCompare(b.metadata?.creationTimestamp ?? ''),
    );
    for (const pod of oldest.slice(0, Math.max(0, ended.length - TERMINATED_MAX)))
      await forceDelete(context, pod, signal);
  }
};

/** Whether a person has said that the board is off and stays so (KEP-2268). One that is ready is not. */
function isOutOfService(node: Node): boolean {
  return readyStatus(node) !== 'True' && (node.spec?.taints ?? []).some(({ key }) => key === OUT_OF_SERVICE);
}

/** The cache is not enough to end pods for: the server is asked. */
async function isGone({ client }: ControllerContext, node: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.get(nodes, '', node, { signal });
    return false;
  } catch (error) {
    if (isReason(error, 'NotFound')) return true;
    throw error;
  }
}

async function forceDelete({ client }: ControllerContext, pod: Pod, signal: AbortSignal): Promise<void> {
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  await client
    .delete(pods, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid }, signal })
    .catch(ignoring('NotFound', 'Conflict'));
}
