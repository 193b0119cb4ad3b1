import type { EndpointSlice, Endpoints, Service } from '../../objects.ts';
import type { Column } from '../kind.ts';
import { AGE, column, formatLabels, NAME, wide } from './column.ts';

/** More than these are counted, not listed. */
const LISTED_MAX = 3;

function externalIp({ spec, status }: Service, isWide: boolean): string {
  const external = spec?.externalIPs ?? [];
  switch (spec?.type ?? 'ClusterIP') {
    case 'ExternalName':
      return spec?.externalName ?? '';
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip, hostname }) => ip || hostname || '');
      const all = [...new Set([...ingress, ...external])].filter((one) => one !== '');
      if (all.length === 0) return '<pending>';
      const joined = all.join(',');
      return joined.length > 16 && !isWide ? `${joined.slice(0, 13)}...` : joined;
    }
    default:
      return external.length > 0 ? external.join(',') : '<none>';
  }
}

function ports({ spec }: Service): string {
  const all = (spec?.ports ?? []).map(({ port, nodePort, protocol }) =>
    nodePort ? `${port}:${nodePort}/${protocol ?? 'TCP'}` : `${port}/${protocol ?? 'TCP'}`,
  );
  return all.length === 0 ? '<none>' : all.join(',');
}

export const SERVICE_COLUMNS: readonly Column[] = [
  NAME,
  column<Service>('Type', 'How the Service is reached.', ({ spec }) => spec?.type ?? 'ClusterIP'),
  column<Service>('Cluster-IP', 'Its address inside the cluster.', ({ spec }) =>
    spec?.type === 'ExternalName' ? '<none>' : (spec?.clusterIPs?.[0] ?? spec?.clusterIP) || '<none>',
  ),
  column<Service>('External-IP', 'Its addresses outside of the cluster.', (service) => externalIp(service, false)),
  column<Service>('Port(s)', 'Ports with their node ports.', ports),
  AGE,
  wide<Service>('Selector', 'Labels of the pods behind it.', ({ spec }) => formatLabels(spec?.selector)),
];

function endpoints({ subsets }: Endpoints): string {
  const all = (subsets ?? []).flatMap(({ addresses = [], ports: open = [] }) =>
    open.length === 0
      ? addresses.map(({ ip }) => ip)
      : open.flatMap(({ port }) => addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`))),
  );
  if (all.length === 0) return '<none>';
  const listed = all.slice(0, LISTED_MAX).join(',');
  return all.length > LISTED_MAX ? `${listed} + ${all.length - LISTED_MAX} more...` : listed;
}

export const ENDPOINTS_COLUMNS: readonly Column[] = [
  NAME,
  column<Endpoints>('Endpoints', 'Addresses and ports.', endpoints),
  AGE,
];

function some(values: readonly string[], none: string): string {
  if (values.length === 0) return none;
  const listed = values.slice(0, LISTED_MAX).join(',');
  return values.length > LISTED_MAX ? `${listed} + ${values.length - LISTED_MAX} more...` : listed;
}

export const ENDPOINT_SLICE_COLUMNS: readonly Column[] = [
  NAME,
  column<EndpointSlice>('AddressType', 'What its addresses are.', ({ addressType }) => addressType),
  column<EndpointSlice>('Ports', 'Ports of every endpoint.', ({ ports: open }) =>
    some(
      (open ?? []).map(({ port, name }) => String(port ?? (name || '*'))),
      '<unset>',
    ),
  ),
  column<EndpointSlice>('Endpoints', 'Addresses.', ({ endpoints: all }) =>
    some(
      (all ?? []).flatMap(({ addresses }) => addresses),
      '<unset>',
    ),
  ),
  AGE,
];
