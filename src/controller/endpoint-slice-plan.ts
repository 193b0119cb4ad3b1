import { isDeepStrictEqual } from 'node:util';
import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service } from '../api/objects.ts';

/** Endpoints per slice (upstream's --max-endpoints-per-slice). */
const ENDPOINTS_MAX = 100;

/** Label of a slice: the Service that it is of. */
export const SERVICE_NAME = 'kubernetes.io/service-name';
/** Label of a slice: who writes it. Others' slices are left alone. */
export const MANAGED_BY = 'endpointslice.kubernetes.io/managed-by';
/** This controller, under upstream's name. */
export const MANAGER = 'endpointslice-controller.k8s.io';
const HEADLESS = 'service.kubernetes.io/headless';

/** Endpoints that share their ports: what one slice may hold. */
export interface EndpointGroup {
  readonly addressType: 'IPv4' | 'IPv6';
  readonly ports: readonly DiscoveryEndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

/** The writes that bring the slices to what is wanted. */
export interface SlicePlan {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly delete: readonly EndpointSlice[];
}

/**
 * The fewest writes that make the slices hold these groups: endpoints stay in their slice, changed ones are changed in
 * place, new ones fill up the slices that are written anyway, then those with room, then new slices (KEP-752).
 */
export function planEndpointSlices(
  service: Service,
  existing: readonly EndpointSlice[],
  groups: readonly EndpointGroup[],
): SlicePlan {
  const plan = { create: [] as EndpointSlice[], update: [] as EndpointSlice[], delete: [] as EndpointSlice[] };
  const used = new Set<EndpointSlice>();
  for (const group of groups) {
    const own = existing.filter(
      (slice) => slice.addressType === group.addressType && isSamePorts(slice.ports ?? [], group.ports),
    );
    own.forEach((slice) => used.add(slice));
    planGroup(service, own, group, plan);
  }
  plan.delete.push(...existing.filter((slice) => !used.has(slice)));
  return plan;
}

function isSamePorts(a: readonly DiscoveryEndpointPort[], b: readonly DiscoveryEndpointPort[]): boolean {
  const text = (ports: readonly DiscoveryEndpointPort[]): string[] =>
    ports.map(({ name, port, protocol, appProtocol }) => `${name}/${port}/${protocol}/${appProtocol ?? ''}`).sort();
  return isDeepStrictEqual(text(a), text(b));
}

/** Two endpoints are the same one when they are of the same pod at the same address. */
function identity(endpoint: Endpoint): string {
  return `${endpoint.addresses[0]}/${endpoint.targetRef?.uid ?? ''}`;
}

function planGroup(
  service: Service,
  slices: readonly EndpointSlice[],
  group: EndpointGroup,
  plan: { create: EndpointSlice[]; update: EndpointSlice[]; delete: EndpointSlice[] },
): void {
  const wanted = new Map(group.endpoints.map((endpoint) => [identity(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints = (slice.endpoints ?? []).flatMap((endpoint) => {
      const now = wanted.get(identity(endpoint));
      if (now === undefined) return [];
      wanted.delete(identity(endpoint));
      return [now];
    });
    const changed = !isDeepStrictEqual(endpoints, slice.endpoints ?? []) || !hasLabels(service, slice);
    return { slice, endpoints, changed };
  });
  const rest = [...wanted.values()];
  const byChange = kept.toSorted(
    (a, b) => Number(b.changed) - Number(a.changed) || b.endpoints.length - a.endpoints.length,
  );
  for (const one of byChange) {
    if (rest.length === 0) break;
    const fill = rest.splice(0, Math.max(0, ENDPOINTS_MAX - one.endpoints.length));
    if (fill.length === 0) continue;
    one.endpoints.push(...fill);
    one.changed = true;
  }
  while (rest.length > 0) plan.create.push(newSlice(service, group, rest.splice(0, ENDPOINTS_MAX)));
  const filled = kept.filter(({ endpoints }) => endpoints.length > 0);
  // One empty slice stays as a sign that the Service was looked at.
  const keepEmpty = filled.length === 0 && plan.create.length === 0 ? kept[0] : undefined;
  if (keepEmpty === undefined && filled.length === 0 && plan.create.length === 0)
    plan.create.push(newSlice(service, group, []));
  for (const one of kept) {
    if (one.endpoints.length === 0 && one !== keepEmpty) plan.delete.push(one.slice);
    else if (one.changed)
      plan.update.push({ ...one.slice, endpoints: one.endpoints, metadata: labelled(service, one.slice) });
  }
}

function sliceLabels(service: Service): Record<string, string> {
  const isHeadless = service.spec?.clusterIP === 'None';
  return {
    ...service.metadata?.labels,
    [SERVICE_NAME]: service.metadata?.name ?? '',
    [MANAGED_BY]: MANAGER,
    ...(isHeadless ? { [HEADLESS]: '' } : {}),
  };
}

function hasLabels(service: Service, slice: EndpointSlice): boolean {
  return isDeepStrictEqual({ ...slice.metadata?.labels }, sliceLabels(service));
}

function labelled(service: Service, slice: EndpointSlice): EndpointSlice['metadata'] {
  return { ...slice.metadata, labels: sliceLabels(service) };
}

function newSlice(service: Service, group: EndpointGroup, endpoints: Endpoint[]): EndpointSlice {
  const { namespace = '', name = '', uid = '' } = service.metadata ?? {};
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace,
      generateName: `${name}-`,
      labels: sliceLabels(service),
      ownerReferences: [{ apiVersion: 'v1', kind: 'Service', name, uid, controller: true, blockOwnerDeletion: true }],
    },
    addressType: group.addressType,
    endpoints,
    ports: [...group.ports],
  };
}
