import type { EndpointSlice, Endpoints, KubeObject, Service } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import { sameJson } from '../../api/validation/object-meta.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';

const NAMESPACE = 'default';
const NAME = 'kubernetes';

export interface KubernetesServiceOptions {
  /** First address of the service range. */
  readonly clusterIp: string;
  /** Port that the API servers listen on. */
  readonly port: number;
}

/** Makes the Service `default/kubernetes`, by which pods reach the API. */
export async function ensureKubernetesService(
  registry: RegistryAccess,
  { clusterIp, port }: KubernetesServiceOptions,
): Promise<void> {
  const service: Service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { component: 'apiserver', provider: 'kubernetes' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: clusterIp,
      clusterIPs: [clusterIp],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
      sessionAffinity: 'None',
      ports: [{ name: 'https', port: 443, protocol: 'TCP', targetPort: port }],
    },
  };
  await registry.create('services', service).catch((error: unknown) => {
    if (!isReason(error, 'AlreadyExists')) throw error;
  });
}

/** Brings the Service's Endpoints and EndpointSlice to these API servers. */
export async function publishApiServers(
  registry: RegistryAccess,
  addresses: readonly string[],
  port: number,
): Promise<void> {
  const sorted = [...addresses].sort();
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'endpointslice.kubernetes.io/skip-mirror': 'true' } },
    subsets:
      sorted.length === 0
        ? []
        : [{ addresses: sorted.map((ip) => ({ ip })), ports: [{ name: 'https', port, protocol: 'TCP' }] }],
  };
  const slice: EndpointSlice = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: NAME, namespace: NAMESPACE, labels: { 'kubernetes.io/service-name': NAME } },
    addressType: 'IPv4',
    endpoints: sorted.map((address) => ({ addresses: [address], conditions: { ready: true } })),
    ports: [{ name: 'https', port, protocol: 'TCP' }],
  };
  await ensure(registry, 'endpoints', endpoints, (stored) =>
    sameJson(stored.subsets, endpoints.subsets) ? null : { ...stored, subsets: endpoints.subsets ?? [] },
  );
  await ensure(registry, 'endpointslices.discovery.k8s.io', slice, (stored) =>
    sameJson(stored.endpoints, slice.endpoints) && sameJson(stored.ports, slice.ports)
      ? null
      : { ...stored, endpoints: slice.endpoints, ports: slice.ports ?? [] },
  );
}

async function ensure<T extends KubeObject>(
  registry: RegistryAccess,
  resource: string,
  object: T,
  change: (stored: T) => T | null,
): Promise<void> {
  try {
    await registry.update<T>(resource, NAMESPACE, NAME, change);
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
    await registry.create(resource, object).catch((again: unknown) => {
      if (!isReason(again, 'AlreadyExists')) throw again; // the next round compares
    });
  }
}
