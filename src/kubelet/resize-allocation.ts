import { isDeepStrictEqual } from 'node:util';
import type { Container, ContainerStatus, Pod, PodStatus, ResourceRequirements } from '../api/objects.ts';
import { canonicalQuantity } from '../api/quantity.ts';

/** Why a resize has to wait, or will never be: the reason and message of condition PodResizePending (KEP-1287). */
export interface ResizeRefusal {
  readonly reason: 'Deferred' | 'Infeasible';
  readonly message: string;
}

/** The pod as it may be run now. */
export interface Allocation {
  readonly pod: Pod;
  /** The spec asks for more than this board can give. */
  readonly pending?: ResizeRefusal;
}

/**
 * Lets a running pod's containers have what its spec now asks for, if the board can give it; else they keep what they
 * have, which the status remembers over restarts of the kubelet (upstream allocation_manager.go).
 *
 * @param refuse why a pod of these requests does not fit; undefined when it does
 */
export function allocate(pod: Pod, before: PodStatus, refuse: (pod: Pod) => ResizeRefusal | undefined): Allocation {
  const statuses = [...(before.containerStatuses ?? []), ...(before.initContainerStatuses ?? [])];
  const given = new Map(statuses.filter(hasBegun).map(({ name, resources }) => [name, resources]));
  const isResized = [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].some(
    ({ name, resources }) => given.has(name) && !isSame(given.get(name), resources),
  );
  if (!isResized) return { pod };
  const pending = refuse(pod);
  if (pending === undefined) return { pod };
  const keep = (container: Container): Container =>
    given.has(container.name) ? { ...container, resources: given.get(container.name) ?? {} } : container;
  const { spec } = pod;
  if (spec === undefined) return { pod };
  const initContainers = spec.initContainers?.map(keep);
  const kept = {
    ...spec,
    containers: spec.containers.map(keep),
    ...(initContainers === undefined ? {} : { initContainers }),
  };
  return { pod: { ...pod, spec: kept }, pending };
}

function hasBegun({ containerID = '', resources }: ContainerStatus): boolean {
  return containerID !== '' && resources !== undefined;
}

/** Whether two say the same of CPU and memory, however it is written. */
function isSame(a: ResourceRequirements | undefined, b: ResourceRequirements | undefined): boolean {
  return isDeepStrictEqual(amounts(a), amounts(b));
}

function amounts(resources: ResourceRequirements | undefined): unknown {
  return (['limits', 'requests'] as const).map((kind) =>
    (['cpu', 'memory'] as const).map((name) => {
      const quantity = resources?.[kind]?.[name];
      return quantity === undefined ? undefined : canonicalQuantity(quantity);
    }),
  );
}
