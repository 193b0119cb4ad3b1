import type { Runtime, RuntimeContainer, Sandbox } from '../host/cri.ts';
import { POD_UID } from './cri-labels.ts';

/** What the runtime keeps and nobody needs any more. */
export interface Garbage {
  readonly containerIds: readonly string[];
  readonly sandboxIds: readonly string[];
}

/**
 * Containers that ended, but the newest of each name (its log and exit code are still asked for), and sandboxes that
 * are not ready, hold no container and are not their pod's newest (upstream kuberuntime_gc.go).
 *
 * @param isGone whether nothing of the pod is wanted any more
 */
export function findGarbage(
  sandboxes: readonly Sandbox[],
  containers: readonly RuntimeContainer[],
  isGone: (podUid: string) => boolean,
): Garbage {
  const newest = new Map<string, RuntimeContainer>();
  for (const container of containers) {
    const key = `${container.labels[POD_UID]} ${container.name}`;
    const other = newest.get(key);
    if (other === undefined || other.attempt < container.attempt) newest.set(key, container);
  }
  const kept = new Set([...newest.values()].map(({ id }) => id));
  const dead = containers.filter(
    ({ id, state, labels }) =>
      (state === 'exited' || state === 'unknown') && (!kept.has(id) || isGone(labels[POD_UID] ?? '')),
  );
  const deadIds = new Set(dead.map(({ id }) => id));
  const holding = new Set(containers.filter(({ id }) => !deadIds.has(id)).map(({ sandboxId }) => sandboxId));
  const isNewest = (sandbox: Sandbox): boolean =>
    !sandboxes.some(
      ({ metadata }) => metadata.uid === sandbox.metadata.uid && metadata.attempt > sandbox.metadata.attempt,
    );
  const unused = sandboxes.filter(
    (sandbox) =>
      sandbox.state === 'notready' && !holding.has(sandbox.id) && (!isNewest(sandbox) || isGone(sandbox.metadata.uid)),
  );
  return { containerIds: [...deadIds], sandboxIds: unused.map(({ id }) => id) };
}

/** Removes garbage; what cannot be removed stays for the next time. @returns how many could not */
export async function removeGarbage(runtime: Runtime, garbage: Garbage, signal: AbortSignal): Promise<number> {
  let failed = 0;
  const attempt = async (work: Promise<void>): Promise<void> => {
    await work.catch(() => {
      failed += 1;
    });
  };
  for (const id of garbage.containerIds) await attempt(runtime.removeContainer(id, signal));
  for (const id of garbage.sandboxIds)
    await attempt(runtime.stopSandbox(id, signal).then(async () => runtime.removeSandbox(id, signal)));
  return failed;
}
