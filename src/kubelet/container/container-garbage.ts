import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Runtime, RuntimeContainer, Sandbox } from '../../host/cri/cri.ts';
import { POD_UID, terminationMessage } from '../runtime/cri-labels.ts';

/** What the runtime keeps and nobody needs any more. */
export interface Garbage {
  readonly containerIds: readonly string[];
  readonly sandboxIds: readonly string[];
}

/**
 * Containers that ended, but the newest of each name (its log and exit code are still asked for, as `--previous` of one
 * that runs again), and sandboxes that are not ready, hold no container and are not their pod's newest (upstream
 * kuberuntime_gc.go).
 *
 * @param isGone whether nothing of the pod is wanted any more
 */
export function findGarbage(
  sandboxes: readonly Sandbox[],
  containers: readonly RuntimeContainer[],
  isGone: (podUid: string) => boolean,
): Garbage {
  const ended = containers.filter(({ state }) => state === 'exited' || state === 'unknown');
  const newest = new Map<string, RuntimeContainer>();
  for (const container of ended) {
    const key = `${container.labels[POD_UID]} ${container.name}`;
    const other = newest.get(key);
    if (other === undefined || other.attempt < container.attempt) newest.set(key, container);
  }
  const kept = new Set([...newest.values()].map(({ id }) => id));
  const dead = ended.filter(({ id, labels }) => !kept.has(id) || isGone(labels[POD_UID] ?? ''));
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
  for (const id of garbage.containerIds) await attempt(removeWithFiles(runtime, id, signal));
  for (const id of garbage.sandboxIds)
    await attempt(runtime.stopSandbox(id, signal).then(async () => runtime.removeSandbox(id, signal)));
  return failed;
}

/** A container with its logs and the file of its last words: a crash loop would fill the card with them. */
async function removeWithFiles(runtime: Runtime, id: string, signal: AbortSignal): Promise<void> {
  const { logPath, mounts, annotations } = await runtime.containerStatus(id, signal);
  await runtime.removeContainer(id, signal);
  if (logPath !== '') {
    const names = await readdir(dirname(logPath)).catch(() => []);
    const own = names.filter((name) => name === basename(logPath) || name.startsWith(`${basename(logPath)}.`));
    for (const name of own) await rm(join(dirname(logPath), name), { force: true });
  }
  const { path } = terminationMessage(annotations);
  const words = mounts.find(({ containerPath }) => containerPath === path && path !== '')?.hostPath;
  // Only the file that was made for it: a volume may be mounted at the same path.
  if (words !== undefined && /\/containers\/[^/]+\/[0-9a-f]{8}$/.test(words)) await rm(words, { force: true });
}
