import type { EndpointSlice, Node } from '../../api/objects.ts';
import type { ApiClient } from '../../client/api-client.ts';
import { endpointSlices } from '../../client/resources.ts';
import { isReason } from '../../api/status.ts';

/** The Service that leads to the cluster's DNS servers. */
export const DNS_SERVICE = { namespace: 'kube-system', name: 'kube-dns' } as const;
const PORT = 53;
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/**
 * The slice by which this node's DNS server stands behind Service kube-dns, which has no selector and
 * `internalTrafficPolicy: Local`: pods ask the server of their own node. It goes with its Node.
 */
export function dnsSlice(node: Node, address: string): EndpointSlice {
  const { name = '', uid = '', labels } = node.metadata ?? {};
  const zone = labels?.[ZONE_LABEL];
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: DNS_SERVICE.namespace,
      name: `${DNS_SERVICE.name}-${name}`,
      labels: {
        'kubernetes.io/service-name': DNS_SERVICE.name,
        'endpointslice.kubernetes.io/managed-by': 'bramble-dns',
      },
      ownerReferences: [{ apiVersion: 'v1', kind: 'Node', name, uid }],
    },
    addressType: 'IPv4',
    endpoints: [
      {
        addresses: [address],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: name,
        ...(zone === undefined ? {} : { zone }),
      },
    ],
    ports: [
      { name: 'dns', port: PORT, protocol: 'UDP' },
      { name: 'dns-tcp', port: PORT, protocol: 'TCP' },
    ],
  };
}

/** Whether the server has the slice as it should be. */
function isPublished(wanted: EndpointSlice, found: EndpointSlice | undefined): boolean {
  if (found === undefined) return false;
  const essence = ({ metadata, endpoints, ports }: EndpointSlice): string =>
    JSON.stringify([
      metadata?.labels?.['kubernetes.io/service-name'],
      metadata?.ownerReferences?.map(({ uid }) => uid),
      endpoints?.map(({ addresses, conditions, nodeName, zone }) => [addresses, conditions?.ready, nodeName, zone]),
      ports?.map(({ name, port, protocol }) => [name, port, protocol]),
    ]);
  return essence(wanted) === essence(found);
}

/** Creates the slice, or makes it as it should be. @throws StatusError of the API server */
export async function publishSlice(
  client: ApiClient,
  wanted: EndpointSlice,
  found: EndpointSlice | undefined,
  signal: AbortSignal,
): Promise<void> {
  if (isPublished(wanted, found)) return;
  try {
    const resourceVersion = found?.metadata?.resourceVersion;
    if (resourceVersion === undefined) await client.create(endpointSlices, wanted, { signal });
    else
      await client.update(endpointSlices, { ...wanted, metadata: { ...wanted.metadata, resourceVersion } }, { signal });
  } catch (error) {
    // Our cache was behind: the next look has what is there.
    if (!isReason(error, 'AlreadyExists') && !isReason(error, 'Conflict') && !isReason(error, 'NotFound')) throw error;
  }
}
