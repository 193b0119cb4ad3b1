import type { EndpointSlice, Service } from '../../api/objects.ts';

/** What DNS says of one Service. */
export interface ServiceRecord {
  readonly namespace: string;
  readonly name: string;
  /** Cluster addresses; none for a headless one. */
  readonly clusterIps: readonly string[];
  readonly isHeadless: boolean;
  /** The name that an ExternalName Service stands for. */
  readonly externalName?: string;
  readonly ports: readonly NamedPort[];
  /** Ready endpoints of a headless Service. */
  readonly endpoints: readonly HeadlessEndpoint[];
}

/** A port by its name and protocol, lower case. */
export interface NamedPort {
  readonly name: string;
  readonly protocol: string;
  readonly port: number;
}

export interface HeadlessEndpoint {
  /** The pod's hostname where it has one in this Service's subdomain; else its address with dashes. */
  readonly label: string;
  readonly address: string;
  readonly ports: readonly NamedPort[];
}

/** Reads from a Service and its slices what DNS says of it. */
export function serviceRecord(service: Service, slices: readonly EndpointSlice[]): ServiceRecord {
  const { metadata, spec } = service;
  const base = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
  if (spec?.type === 'ExternalName') {
    const externalName = (spec.externalName ?? '').replace(/\.$/, '');
    return { ...base, clusterIps: [], isHeadless: false, externalName, ports: [], endpoints: [] };
  }
  const isHeadless = spec?.clusterIP === 'None';
  const addresses = spec?.clusterIPs ?? [spec?.clusterIP ?? ''];
  return {
    ...base,
    isHeadless,
    clusterIps: isHeadless ? [] : addresses.filter((address) => address !== '' && address !== 'None'),
    ports: (spec?.ports ?? []).map(namedPort),
    endpoints: isHeadless ? slices.flatMap(endpointsOf) : [],
  };
}

function namedPort({ name, protocol, port }: { name?: string; protocol?: string; port?: number }): NamedPort {
  return { name: (name ?? '').toLowerCase(), protocol: (protocol ?? 'TCP').toLowerCase(), port: port ?? 0 };
}

/** publishNotReadyAddresses needs no look: the slices of such a Service say "ready" of every endpoint. */
function endpointsOf({ endpoints, ports, addressType }: EndpointSlice): HeadlessEndpoint[] {
  if (addressType === 'FQDN') return [];
  const own = (ports ?? []).map(namedPort);
  return (endpoints ?? [])
    .filter(({ conditions }) => conditions?.ready !== false)
    .flatMap(({ addresses, hostname }) =>
      addresses.map((address) => ({
        label: hostname !== undefined && hostname !== '' ? hostname.toLowerCase() : address.replaceAll(/[.:]/g, '-'),
        address,
        ports: own,
      })),
    );
}
