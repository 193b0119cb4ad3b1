import type { DiscoveryEndpointPort, Endpoint, EndpointSlice, Service, ServicePort } from '../api/objects.ts';
import { isIp } from '../api/validation/ip.ts';
import type { Family } from '../nft/expression.ts';

/** Where one endpoint of a service port is reached. */
export interface Target {
  readonly address: string;
  readonly port: number;
  readonly isLocal: boolean;
}

/** The endpoints of one service port, by who may be sent where. */
export interface EndpointChoice {
  /** For traffic under policy Cluster. */
  readonly cluster: readonly Target[];
  /** For traffic under policy Local: those on this node. */
  readonly local: readonly Target[];
  /** Whether any endpoint anywhere could take traffic. */
  readonly hasAny: boolean;
}

/** What of this node the choice depends on. */
export interface Here {
  readonly nodeName: string;
  /** `topology.kubernetes.io/zone` of this node; absent: hints for zones are not followed. */
  readonly zone?: string;
}

interface Candidate extends Target {
  readonly isReady: boolean;
  readonly isServingAndTerminating: boolean;
  readonly hints: Endpoint['hints'];
}

/**
 * Chooses as kube-proxy's CategorizeEndpoints does: ready endpoints; where there is none, those that terminate and still
 * serve (KEP-1669), for each policy on its own. Hints (KEP-2433) are followed only when every ready endpoint has some
 * and one of them fits. One address and port counts once, however many slices have it.
 */
export function chooseEndpoints(
  service: Service,
  port: ServicePort,
  slices: readonly EndpointSlice[],
  family: Family,
  here: Here,
): EndpointChoice {
  const candidates = candidatesOf(port, slices, family, here);
  const followed = followHints(
    candidates.filter(({ isReady }) => isReady),
    here,
  );
  const fallBack = candidates.filter(({ isServingAndTerminating }) => isServingAndTerminating);
  const cluster = followed.length > 0 ? followed : fallBack;
  const usesLocal = service.spec?.internalTrafficPolicy === 'Local' || service.spec?.externalTrafficPolicy === 'Local';
  const ownReady = candidates.filter(({ isReady, isLocal }) => isReady && isLocal);
  const ownFallBack = fallBack.filter(({ isLocal }) => isLocal);
  const local = usesLocal ? (ownReady.length > 0 ? ownReady : ownFallBack) : [];
  return {
    cluster: cluster.map(targetOf),
    local: local.map(targetOf),
    hasAny: cluster.length > 0 || local.length > 0,
  };
}

/** How many ready endpoints are on this node, whatever their ports: what load balancers weigh nodes by. */
export function countLocalReady(slices: readonly EndpointSlice[], family: Family, { nodeName }: Here): number {
  const own = slices
    .filter(({ addressType }) => addressType === addressTypeOf(family))
    .flatMap(({ endpoints }) => endpoints ?? [])
    .filter((endpoint) => endpoint.nodeName === nodeName && endpoint.conditions?.ready !== false);
  return new Set(own.map(({ addresses }) => addresses[0])).size;
}

function addressTypeOf(family: Family): 'IPv4' | 'IPv6' {
  return family === 'ip' ? 'IPv4' : 'IPv6';
}

function candidatesOf(
  port: ServicePort,
  slices: readonly EndpointSlice[],
  family: Family,
  here: Here,
): readonly Candidate[] {
  const found = new Map<string, Candidate>();
  for (const slice of slices) {
    if (slice.addressType !== addressTypeOf(family)) continue;
    const number = slice.ports?.find((one) => isFor(one, port))?.port;
    if (number === undefined) continue;
    for (const endpoint of slice.endpoints ?? []) {
      const [address] = endpoint.addresses;
      if (address === undefined || !isIp(address)) continue;
      const candidate = candidateOf(endpoint, address, number, here);
      const key = `${address} ${number}`;
      // While a pod moves from one slice to another both have it: the better state counts.
      if (found.get(key)?.isReady !== true) found.set(key, candidate);
    }
  }
  // In a fixed order, so that the same endpoints always give the same rules.
  return Array.from(found.keys().toArray().toSorted(), (key) => found.get(key)).filter((one) => one !== undefined);
}

function isFor(own: DiscoveryEndpointPort, port: ServicePort): boolean {
  return (own.name ?? '') === (port.name ?? '') && (own.protocol ?? 'TCP') === (port.protocol ?? 'TCP');
}

function candidateOf({ conditions, nodeName, hints }: Endpoint, address: string, port: number, here: Here): Candidate {
  const isReady = conditions?.ready ?? true;
  return {
    address,
    port,
    hints,
    isLocal: nodeName === here.nodeName,
    isReady,
    isServingAndTerminating: (conditions?.serving ?? isReady) && conditions?.terminating === true,
  };
}

function followHints(ready: readonly Candidate[], { nodeName, zone }: Here): readonly Candidate[] {
  const has = (kind: 'forNodes' | 'forZones', name: string): readonly Candidate[] | undefined => {
    if (!ready.every(({ hints }) => (hints?.[kind]?.length ?? 0) > 0)) return undefined;
    const fitting = ready.filter(({ hints }) => hints?.[kind]?.some((one) => one.name === name) === true);
    return fitting.length > 0 ? fitting : undefined;
  };
  return has('forNodes', nodeName) ?? (zone === undefined ? undefined : has('forZones', zone)) ?? ready;
}

function targetOf({ address, port, isLocal }: Candidate): Target {
  return { address, port, isLocal };
}
