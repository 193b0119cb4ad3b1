import type { Endpoint, EndpointSlice, Service } from '../../src/api/objects.ts';

/**
 * Addresses in the proxy's tests: pods 10.244.<node>.x, cluster addresses 10.96.0.x, nodes 192.168.7.<node>, the
 * world 203.0.113.x. This node is `n1`.
 */
type Spec = Omit<NonNullable<Service['spec']>, 'ports'>;

/** A Service `default/<name>` with one port 80, named `http`, to 8080 of its pods. */
export function service(name: string, spec: Spec, port: { protocol?: 'TCP' | 'UDP'; nodePort?: number } = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { type: 'ClusterIP', ...spec, ports: [{ name: 'http', port: 80, targetPort: 8080, ...port }] },
  };
}

interface Place {
  readonly address: string;
  /** `n1` unless set. */
  readonly node?: string;
  readonly conditions?: NonNullable<Endpoint['conditions']>;
  readonly hints?: NonNullable<Endpoint['hints']>;
}

/** The EndpointSlice of `default/<name>`: an address alone is ready on this node. */
export function slice(
  name: string,
  places: readonly (string | Place)[],
  protocol: 'TCP' | 'UDP' = 'TCP',
): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol }],
    endpoints: places.map((place) => {
      const {
        address,
        node = 'n1',
        conditions = { ready: true },
        hints,
      } = typeof place === 'string' ? { address: place } : place;
      return { addresses: [address], nodeName: node, conditions, ...(hints === undefined ? {} : { hints }) };
    }),
  };
}
