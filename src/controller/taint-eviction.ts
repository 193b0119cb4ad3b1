import { isDeleting } from '../api/object-facts.ts';
import type { Pod, Taint, Toleration } from '../api/objects.ts';
import { tolerates } from '../api/toleration.ts';
import { disruptPod } from '../client/disrupt-pod.ts';
import { referenceTo } from '../client/event-recorder.ts';
import { nodes, pods } from '../client/resources.ts';
import { runTogether } from '../host/run-together.ts';
import { type CreateController, keyOf, queuedController, splitKey } from './controller.ts';
import { isDisrupted } from './node-health.ts';
import { byNodeName } from './node-name-index.ts';

/** While too many Nodes are gone nobody is evicted; looked at again after this. */
const DISRUPTED_AGAIN_MS = 5_000;

/** Deletes pods from Nodes whose NoExecute taints they do not tolerate, or no longer (KEP-166). */
export const createTaintEvictionController: CreateController = (context) => {
  const nodeInformer = context.informers.of(nodes);
  const podInformer = context.informers.of(pods, { node: byNodeName });
  const recorder = context.recorder('taint-eviction-controller');
  /** Pods that are to go when their tolerations end. */
  const pending = new Set<string>();
  const tell = (pod: Pod, message: string): void =>
    recorder.record(referenceTo(pod, 'v1', 'Pod'), 'Normal', 'TaintManagerEviction', message);
  const controller = queuedController({
    name: 'taint-eviction',
    context,
    workers: 4,
    needs: [nodeInformer, podInformer],
    connect: (queue) => {
      nodeInformer.onChange((before, now) => {
        const name = now?.metadata?.name ?? '';
        // The last taint that goes calls off what was to come.
        if ([before, now].some((node) => noExecuteTaints(node?.spec?.taints).length > 0))
          for (const pod of podInformer.lister.byIndex('node', name)) queue.add(keyOf(pod));
      });
      podInformer.onChange((before, now) => {
        if (now === undefined) {
          if (before !== undefined) pending.delete(keyOf(before));
          return;
        }
        const taints = nodeInformer.lister.get('', now.spec?.nodeName ?? '')?.spec?.taints;
        if (noExecuteTaints(taints).length > 0) queue.add(keyOf(now));
      });
    },
    reconcile: async (key, signal, queue) => {
      const { namespace, name } = splitKey(key);
      const pod = podInformer.lister.get(namespace, name);
      if (pod === undefined || isDeleting(pod)) {
        pending.delete(key);
        return;
      }
      const node = nodeInformer.lister.get('', pod.spec?.nodeName ?? '');
      const untilMs = evictionTimeMs(
        noExecuteTaints(node?.spec?.taints),
        pod.spec?.tolerations ?? [],
        context.clock.nowMs(),
      );
      if (untilMs === undefined) {
        if (pending.delete(key)) tell(pod, `Cancelling deletion of Pod ${key}`);
        return;
      }
      const leftMs = untilMs - context.clock.nowMs();
      if (leftMs > 0) {
        pending.add(key);
        return queue.addAfter(key, leftMs);
      }
      if (isDisrupted(nodeInformer.lister.list(), node)) return queue.addAfter(key, DISRUPTED_AGAIN_MS);
      pending.delete(key);
      tell(pod, `Marking for deletion Pod ${key}`);
      const reason = 'DeletionByTaintManager';
      const message = 'Taint manager: deleting due to NoExecute taint';
      await disruptPod(context.client, pod, { reason, message, nowMs: context.clock.nowMs() }, signal);
    },
  });

  return { run: async (signal) => runTogether([controller, recorder], signal) };
};

function noExecuteTaints(taints: readonly Taint[] | undefined): readonly Taint[] {
  return (taints ?? []).filter(({ effect }) => effect === 'NoExecute');
}

/**
 * When a pod must go: at once if a taint is not tolerated, after the shortest tolerationSeconds otherwise, never
 * (undefined) if all are tolerated for good. Counted from when the taint was set, so that a controller that starts
 * anew does not start the time anew.
 */
export function evictionTimeMs(
  taints: readonly Taint[],
  tolerations: readonly Toleration[],
  nowMs: number,
): number | undefined {
  const ends: number[] = [];
  for (const taint of taints) {
    const matching = tolerations.filter((toleration) => tolerates(toleration, taint));
    if (matching.length === 0) return nowMs;
    const seconds = matching.map(({ tolerationSeconds }) => tolerationSeconds).filter((value) => value !== undefined);
    if (seconds.length === 0) continue;
    const setMs = taint.timeAdded === undefined ? nowMs : Date.parse(taint.timeAdded);
    ends.push(setMs + Math.max(0, Math.min(...seconds)) * 1000);
  }
  return ends.length === 0 ? undefined : Math.min(...ends);
}
