import type { Node } from '../../api/objects.ts';
import { StatusError } from '../../api/status.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';

/** Where a request goes on to. */
export interface Target {
  readonly scheme: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  /** With its query. */
  readonly path: string;
  /** The node whose kubelet it is: it knows us by our client certificate, and we it by its own. Null: no kubelet. */
  readonly node: string | null;
}

const KUBELET_PORT = 10_250;
/** kubeadm's --kubelet-preferred-address-types. */
const ADDRESS_TYPES = ['InternalIP', 'ExternalIP', 'Hostname'];

/** The kubelet of a node. @throws StatusError NotFound; InternalError for a node without an address */
export async function kubeletTarget(registry: RegistryAccess, nodeName: string, path: string): Promise<Target> {
  const node = await registry.get<Node>('nodes', '', nodeName);
  const addresses = node.status?.addresses ?? [];
  for (const type of ADDRESS_TYPES) {
    const address = addresses.find((one) => one.type === type)?.address;
    if (address === undefined || address === '') continue;
    const port = node.status?.daemonEndpoints?.kubeletEndpoint?.Port ?? 0;
    return { scheme: 'https', host: address, port: port === 0 ? KUBELET_PORT : port, path, node: nodeName };
  }
  throw new StatusError('InternalError', `no preferred addresses found; known addresses: ${JSON.stringify(addresses)}`);
}

/** A path of segments, each escaped, with a query. */
export function pathOf(segments: readonly string[], query: URLSearchParams): string {
  const path = `/${segments.map((segment) => encodeURIComponent(segment)).join('/')}`;
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
