import type { Node, Pod } from '../api/objects.ts';
import { isPodTerminal } from '../api/pod-facts.ts';
import type { Informer } from '../client/informer.ts';
import { assignedPodChange, isTargetChanged, nodeChanges } from './cluster-event.ts';
import type { SchedulerCache } from './cache.ts';
import type { Nominator } from './nominator.ts';
import { readPod, type PodInfo } from './pod-info.ts';
import type { SchedulingQueue } from './scheduling-queue.ts';

/** Where the news come from, and where they are led. */
export interface SchedulerInputs {
  readonly pods: Informer<Pod>;
  readonly nodes: Informer<Node>;
  readonly cache: SchedulerCache;
  readonly queue: SchedulingQueue;
  readonly nominator: Nominator;
  /** Whether one of the profiles is for this pod. */
  readonly isOurs: (pod: Pod) => boolean;
  /** Told of a pod that is kept out of the queue. */
  readonly onGated: (pod: PodInfo) => void;
}

/** Leads what the API server tells into the cache and the queue (scheduler/eventhandlers.go). Returns how to stop it. */
export function followCluster(inputs: SchedulerInputs): () => void {
  const stops = [
    inputs.nodes.onChange((before, now) => followNode(inputs, before, now)),
    inputs.pods.onChange((before, now) => followPod(inputs, before, now)),
  ];
  return () => stops.forEach((stop) => stop());
}

function followNode({ cache, queue }: SchedulerInputs, before: Node | undefined, now: Node | undefined): void {
  if (now === undefined) {
    cache.removeNode(before?.metadata?.name ?? '');
    return;
  }
  cache.putNode(now);
  const changes = nodeChanges(before, now);
  if (changes.size > 0) queue.moveOn({ resource: 'Node', changes, now, ...(before === undefined ? {} : { before }) });
}

/** A pod that takes up room on a node. */
function isOnNode(pod: Pod | undefined): pod is Pod {
  return pod !== undefined && (pod.spec?.nodeName ?? '') !== '' && !isPodTerminal(pod);
}

/** A pod that is ours to place. */
function isWaiting({ isOurs }: SchedulerInputs, pod: Pod | undefined): pod is Pod {
  if (pod === undefined || (pod.spec?.nodeName ?? '') !== '' || !isOurs(pod)) return false;
  return pod.metadata?.deletionTimestamp === undefined && !isPodTerminal(pod);
}

function followPod(inputs: SchedulerInputs, before: Pod | undefined, now: Pod | undefined): void {
  const { cache, queue } = inputs;
  if (isOnNode(now)) {
    followAssigned(inputs, isOnNode(before) ? before : undefined, now);
    return;
  }
  if (isOnNode(before)) {
    cache.removePod(readPod(before).key);
    queue.moveOn({ resource: 'AssignedPod', change: 'deleted', now: now ?? before });
  }
  followWaiting(inputs, before, now);
}

function followAssigned({ cache, queue, nominator }: SchedulerInputs, before: Pod | undefined, now: Pod): void {
  const info = readPod(now);
  queue.delete(info.key);
  nominator.delete(info.key);
  cache.putPod(info);
  const change = before === undefined ? 'added' : assignedPodChange(before, now);
  if (change === undefined) return;
  queue.moveOn({ resource: 'AssignedPod', change, now, ...(before === undefined ? {} : { before }) });
}

function followWaiting(inputs: SchedulerInputs, before: Pod | undefined, now: Pod | undefined): void {
  const { cache, queue, nominator } = inputs;
  if (isWaiting(inputs, now)) {
    const info = readPod(now);
    // While its binding is on its way the pod is on a node already; news of it without a node are old.
    if (cache.isAssumed(info.key)) return;
    nominator.set(info, now.status?.nominatedNodeName ?? '');
    queue.put(info, before !== undefined && isTargetChanged(before, now));
    if (queue.get(info.key)?.place === 'gated') inputs.onGated(info);
    return;
  }
  const gone = now ?? before;
  if (gone === undefined) return;
  const { namespace = '', name = '', uid = '' } = gone.metadata ?? {};
  const key = `${namespace}/${name}`;
  queue.delete(key);
  nominator.delete(key);
  if (cache.isAssumed(key)) {
    cache.forget({ key, uid });
    queue.moveOn({ resource: 'AssignedPod', change: 'deleted', now: gone });
  }
}
