import type { Container, Pod } from '../api/objects.ts';
import type { LinuxResources } from '../host/cri/cri-config.ts';
import { containerResources } from './container/container-resources.ts';
import type { LimitFacts } from './container/container-resources.ts';
import { isSidecar } from './pod-identity.ts';
import { latestContainer } from './runtime/runtime-pod.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';

/** A running container whose limits are to become those of the spec (KEP-1287). */
export interface Resize {
  readonly container: Container;
  readonly containerId: string;
  readonly resources: LinuxResources;
  /** Its resizePolicy wants a new container for what changed. */
  readonly needsRestart: boolean;
}

/** What the spec asks for and the runtime does not enforce yet. A runtime that does not say what it enforces is left alone. */
export function planResizes(pod: Pod, runtimePod: RuntimePod, limits: LimitFacts): readonly Resize[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar);
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap((container): Resize[] => {
    const status = latestContainer(runtimePod, container.name);
    if (status?.state !== 'running' || status.resources === undefined) return [];
    const resources = containerResources(pod, container, limits);
    const changed = changedResources(status.resources, resources);
    if (changed.length === 0) return [];
    const needsRestart = changed.some((name) => policyOf(container, name) === 'RestartContainer');
    return [{ container, containerId: status.id, resources: withoutLimitsGone(resources, changed), needsRestart }];
  });
}

function changedResources(actual: LinuxResources, wanted: LinuxResources): readonly ('cpu' | 'memory')[] {
  // Some runtimes report nothing for what they were given: then there is nothing to compare.
  if ((actual.cpuShares ?? 0) === 0 && (actual.memoryLimitInBytes ?? 0) === 0) return [];
  const quota = (of: LinuxResources): number => Math.max(0, of.cpuQuota ?? 0);
  const isCpuSame = (actual.cpuShares ?? 0) === (wanted.cpuShares ?? 0) && quota(actual) === quota(wanted);
  const isMemorySame = Math.max(0, actual.memoryLimitInBytes ?? 0) === (wanted.memoryLimitInBytes ?? 0);
  return [...(isCpuSame ? [] : (['cpu'] as const)), ...(isMemorySame ? [] : (['memory'] as const))];
}

/** A limit that is gone has to be lifted in words: what is not said stays as it is. */
function withoutLimitsGone(resources: LinuxResources, changed: readonly string[]): LinuxResources {
  const { oomScoreAdj: _, ...rest } = resources; // the kernel takes it only when a process starts
  return {
    ...rest,
    ...(changed.includes('cpu') && rest.cpuQuota === undefined ? { cpuQuota: -1, cpuPeriod: 100_000 } : {}),
    ...(changed.includes('memory') && rest.memoryLimitInBytes === undefined ? { memoryLimitInBytes: -1 } : {}),
  };
}

function policyOf(container: Container, resourceName: string): string {
  return container.resizePolicy?.find((one) => one.resourceName === resourceName)?.restartPolicy ?? 'NotRequired';
}
