import type { Container, Pod } from './objects.ts';
import { parseMilli, parseUnits } from './quantity.ts';

/** Amounts by resource name: `cpu` in thousandths of a core, all else in whole units (bytes, devices). */
export type Resources = Map<string, number>;

/** What a container that asks for nothing is counted as when nodes are compared (scheduler/util/pod_resources.go). */
const DEFAULT_CPU_MILLI = 100;
const DEFAULT_MEMORY_BYTES = 200 * 1024 * 1024;

type Quantities = Readonly<Record<string, string | number>>;

/** Reads `requests`, `allocatable` and the like. */
export function readResources(quantities: Quantities | undefined): Resources {
  const resources: Resources = new Map();
  for (const [name, quantity] of Object.entries(quantities ?? {}))
    resources.set(name, name === 'cpu' ? parseMilli(quantity) : parseUnits(quantity));
  return resources;
}

/** Adds to `to`, or takes away with sign -1, what `more` holds of each resource. */
export function addResources(to: Resources, more: ReadonlyMap<string, number>, sign: 1 | -1 = 1): void {
  for (const [name, amount] of more) to.set(name, (to.get(name) ?? 0) + sign * amount);
}

function raiseTo(resources: Resources, least: ReadonlyMap<string, number>): void {
  for (const [name, amount] of least) resources.set(name, Math.max(resources.get(name) ?? 0, amount));
}

/**
 * What a pod takes of its node (component-helpers resource.PodRequests): its containers and sidecars together, or the
 * hungriest moment of its init containers if that is more; resources of the pod as a whole go before both; overhead on top.
 * @param isNonZero counts containers without cpu or memory requests with a usual amount, for scoring
 */
export function podRequests(pod: Pod, isNonZero = false): Resources {
  const { containers = [], initContainers = [], overhead, resources } = pod.spec ?? {};
  const total: Resources = new Map();
  for (const container of containers) addResources(total, containerRequests(pod, container, isNonZero));
  const sidecars: Resources = new Map();
  const peak: Resources = new Map();
  for (const container of initContainers) {
    const own = containerRequests(pod, container, isNonZero);
    if (container.restartPolicy === 'Always') {
      addResources(total, own);
      addResources(sidecars, own);
      raiseTo(peak, sidecars);
    } else {
      addResources(own, sidecars);
      raiseTo(peak, own);
    }
  }
  raiseTo(total, peak);
  for (const [name, amount] of readResources(resources?.requests)) total.set(name, amount);
  addResources(total, readResources(overhead));
  return total;
}

/** While a running container is being resized, the larger of what it has and what it wants is taken (KEP-1287). */
function containerRequests(pod: Pod, container: Container, isNonZero: boolean): Resources {
  const { limits, requests: given } = container.resources ?? {};
  // A static pod has not been through the API server, which makes a limit its own request.
  const requests = readResources({ ...limits, ...given });
  const statuses = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const status = statuses.find(({ name }) => name === container.name);
  if (status !== undefined) {
    raiseTo(requests, readResources(status.resources?.requests));
    raiseTo(requests, readResources(status.allocatedResources));
  }
  if (isNonZero && !requests.has('cpu')) requests.set('cpu', DEFAULT_CPU_MILLI);
  if (isNonZero && !requests.has('memory')) requests.set('memory', DEFAULT_MEMORY_BYTES);
  return requests;
}
