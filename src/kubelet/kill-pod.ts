import type { Container, Pod } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { RuntimeContainerStatus } from '../host/cri/cri.ts';
import { restoreSpecs } from './runtime/cri-labels.ts';
import { killContainer } from './container/kill-container.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import { findContainerSpec, isSidecar } from './pod-identity.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';

/**
 * Stops all that runs of a pod, then its sandboxes. Regular containers end first, sidecars after them in reverse order
 * (KEP-753), all within the pod's grace.
 *
 * @param pod undefined when nothing but the runtime knows it any more
 * @param graceSeconds instead of the pod's own
 * @throws AggregateError of what could not be stopped
 */
export async function killPod(
  deps: KubeletDeps,
  pod: Pod | undefined,
  runtimePod: RuntimePod,
  graceSeconds: number | undefined,
  signal: AbortSignal,
): Promise<void> {
  const alive = runtimePod.containers.filter(({ state }) => state === 'running' || state === 'unknown');
  const ends = new Map(alive.map(({ name }) => [name, Promise.withResolvers<undefined>()]));
  const kill = async (status: RuntimeContainerStatus): Promise<void> => {
    const spec = specOf(pod, status);
    const before = mustEndBefore(spec.pod, spec.container);
    const turn = Promise.all(before.flatMap((name) => ends.get(name)?.promise ?? []));
    const request = {
      ...spec,
      containerId: status.id,
      podIp: runtimePod.ips[0] ?? '',
      message: '',
      ...(graceSeconds === undefined ? {} : { graceSeconds }),
      ...(before.length === 0 ? {} : { turn }),
    };
    await killContainer(deps, request, signal).finally(() => ends.get(status.name)?.resolve(undefined));
  };
  await allDone(alive.map(kill));
  await allDone(runtimePod.sandboxes.map(async ({ id }) => ignoreMissing(deps.runtime.stopSandbox(id, signal))));
}

function specOf(pod: Pod | undefined, status: RuntimeContainerStatus): { pod: Pod; container: Container } {
  const restored = restoreSpecs(status.labels, status.annotations);
  if (pod === undefined) return restored;
  return { pod, container: findContainerSpec(pod, status.name) ?? restored.container };
}

/** Names of the containers that end before this one. */
function mustEndBefore(pod: Pod, container: Container): readonly string[] {
  const inits = pod.spec?.initContainers ?? [];
  const index = inits.findIndex(({ name }) => name === container.name);
  const own = inits[index];
  if (own === undefined || !isSidecar(own)) return [];
  return [...(pod.spec?.containers ?? []), ...inits.slice(index + 1)].map(({ name }) => name);
}

/** Waits for all, then throws what failed. */
async function allDone(work: readonly Promise<void>[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failures = results.flatMap((result): unknown[] => (result.status === 'rejected' ? [result.reason] : []));
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, failures.map(String).join('; '));
}

async function ignoreMissing(work: Promise<void>): Promise<void> {
  await work.catch((error: unknown) => {
    if (!isReason(error, 'NotFound')) throw error;
  });
}
