import type { EndpointSlice, Endpoints, Service } from '../objects.ts';

/** How long a client sticks to its endpoint, unless said otherwise: three hours. */
const AFFINITY_SECONDS = 10_800;

/** Fills in a Service; what is allocated (addresses, node ports, families) is the strategy's (SetDefaults_Service). */
export function defaultService(service: Service): void {
  service.status ??= {};
  service.status.loadBalancer ??= {};
  const { spec } = service;
  if (spec === undefined) return;
  spec.sessionAffinity ||= 'None';
  spec.type ||= 'ClusterIP';
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (spec.sessionAffinity === 'ClientIP') {
    spec.sessionAffinityConfig ??= {};
    spec.sessionAffinityConfig.clientIP ??= {};
    spec.sessionAffinityConfig.clientIP.timeoutSeconds ??= AFFINITY_SECONDS;
  }
  for (const port of spec.ports ?? []) {
    port.protocol ||= 'TCP';
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '') port.targetPort = port.port;
  }
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  if (isExternal && spec.type !== 'ExternalName') spec.externalTrafficPolicy ||= 'Cluster';
  if (spec.type !== 'ExternalName') spec.internalTrafficPolicy ||= 'Cluster';
  if (spec.type === 'LoadBalancer') spec.allocateLoadBalancerNodePorts ??= true;
}

/** Ports of Endpoints are TCP unless they say otherwise. */
export function defaultEndpoints(endpoints: Endpoints): void {
  for (const { ports } of endpoints.subsets ?? []) for (const port of ports ?? []) port.protocol ||= 'TCP';
}

/** An EndpointSlice's port has a name, if an empty one, and a protocol. */
export function defaultEndpointSlice(slice: EndpointSlice): void {
  for (const port of slice.ports ?? []) {
    port.name ??= '';
    port.protocol ||= 'TCP';
  }
  // Upstream's field has no omitempty: null is what readers of an empty slice know.
  slice.endpoints ??= [];
}
