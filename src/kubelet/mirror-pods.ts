import type { OwnerReference, Pod } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient } from '../client/api-client.ts';
import { pods } from '../client/resources.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import { mirroredUid, mirrorOf, podFullName, podName, podNamespace, podUid } from './pod-identity.ts';
import type { PodStore } from './pod-store.ts';

interface MirrorPodsOptions {
  readonly client: ApiClient;
  readonly store: PodStore;
  readonly clock: Clock;
  readonly log: Log;
  readonly node: KubeletDeps['node'];
}

const CHECK_MS = 5000;

/** What to create and delete so that each static pod has exactly its mirror. */
export function planMirrors(statics: readonly Pod[], mirrors: readonly Pod[]): { create: Pod[]; remove: Pod[] } {
  const byName = new Map(statics.map((pod) => [podFullName(pod), pod]));
  const isCurrent = (mirror: Pod): boolean => {
    const owner = byName.get(podFullName(mirror));
    const isDeleted = mirror.metadata?.deletionTimestamp !== undefined;
    return owner !== undefined && !isDeleted && mirroredUid(mirror) === podUid(owner);
  };
  const remove = mirrors.filter((mirror) => !isCurrent(mirror));
  const names = new Set(mirrors.map(podFullName));
  // One that is in the way is deleted first and created at the next round.
  const create = statics.filter((pod) => !names.has(podFullName(pod))).map(mirrorOf);
  return { create, remove };
}

/** Shows the static pods in the API, until aborted. */
export async function runMirrorPods(options: MirrorPodsOptions, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const { create, remove } = planMirrors(options.store.staticPods(), options.store.mirrors());
    for (const pod of remove) await tolerate(options, deleteMirror(options.client, pod, signal));
    const node = options.node();
    if (node !== undefined)
      for (const pod of create) {
        const mirror = withOwner(pod, nodeOwner(node.metadata?.name ?? '', node.metadata?.uid ?? ''));
        await tolerate(options, options.client.create(pods, mirror, { signal }));
      }
    await options.clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
  }
}

function nodeOwner(name: string, uid: string): OwnerReference {
  return { apiVersion: 'v1', kind: 'Node', name, uid, controller: true };
}

/** The API takes a mirror pod only from the node that owns it. */
function withOwner(pod: Pod, owner: OwnerReference): Pod {
  const { uid: _, ...metadata } = pod.metadata ?? {};
  return { ...pod, metadata: { ...metadata, ownerReferences: [owner] } };
}

async function deleteMirror(client: ApiClient, pod: Pod, signal: AbortSignal): Promise<void> {
  const key = { namespace: podNamespace(pod), name: podName(pod) };
  await client.delete(pods, key, { gracePeriodSeconds: 0, preconditions: { uid: podUid(pod) }, signal });
}

async function tolerate({ log }: MirrorPodsOptions, work: Promise<unknown>): Promise<void> {
  await work.catch((error: unknown) => {
    if (isReason(error, 'NotFound') || isReason(error, 'Conflict') || isReason(error, 'AlreadyExists')) return;
    log.debug('a mirror pod cannot be written', { error });
  });
}
