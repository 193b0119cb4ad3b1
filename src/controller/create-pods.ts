import type { KubeObject, OwnerReference, Pod, PodTemplateSpec } from '../api/objects.ts';
import type { ApiClient } from '../client/api-client.ts';
import { pods } from '../client/resources.ts';

/** Creates one pod of a template, named after its owner. */
export async function createPodFrom(
  client: ApiClient,
  template: PodTemplateSpec | undefined,
  owner: KubeObject,
  ownerRef: OwnerReference,
  signal: AbortSignal,
): Promise<Pod> {
  const { labels, annotations, finalizers } = template?.metadata ?? {};
  const pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: owner.metadata?.namespace ?? '',
      generateName: podPrefix(owner.metadata?.name ?? ''),
      ...(labels === undefined ? {} : { labels }),
      ...(annotations === undefined ? {} : { annotations }),
      ...(finalizers === undefined ? {} : { finalizers }),
      ownerReferences: [ownerRef],
    },
    spec: template?.spec,
  } as Pod;
  return client.create(pods, pod, { signal });
}

/** `name-`; a name that would make too long a host name keeps its start (the server cuts before its own suffix). */
function podPrefix(name: string): string {
  return `${name}-`;
}

/**
 * Calls `act` `count` times in batches of 1, 2, 4 …; stops after a batch in which one failed, so that what is bound to
 * fail (a quota, a bad template) fails once and not `count` times.
 */
export async function slowStart(
  count: number,
  act: () => Promise<void>,
): Promise<{ readonly done: number; readonly error: Error | undefined }> {
  let done = 0;
  for (let batch = 1; done < count; batch *= 2) {
    const results = await Promise.allSettled(Array.from({ length: Math.min(batch, count - done) }, act));
    const failed = results.filter((result) => result.status === 'rejected');
    done += results.length - failed.length;
    const [first] = failed;
    if (first !== undefined) {
      const reason: unknown = first.reason;
      return { done, error: reason instanceof Error ? reason : new Error(String(reason)) };
    }
  }
  return { done, error: undefined };
}
