import { formatIpv4, parseIpv4Cidr } from '../api/ipv4.ts';
import type { Node } from '../api/objects.ts';
import type { Route } from '../host/net-links.ts';
import type { TunnelEnd, TunnelPeer, Vxlan } from '../host/net-vxlan.ts';
import { internalAddress, podCidrOf } from './pod-routes.ts';

const DEVICE = 'bramble-vx';
const ID = 1;
/** Linux's own default, which flannel and k3s use too. */
const PORT = 8472;

/** Routes and tunnels to the pods of nodes that are not on our network. */
export interface OverlayPlan {
  readonly routes: readonly Route[];
  readonly peers: readonly TunnelPeer[];
}

/**
 * Tunnels to those nodes. Both ends know each other's address and MAC from the pod prefix alone, so that nothing has to
 * be told by annotations.
 */
export function planOverlay(nodes: readonly Node[], unreachable: readonly string[]): OverlayPlan {
  const routes: Route[] = [];
  const peers: TunnelPeer[] = [];
  for (const node of nodes) {
    const [destination, address] = [podCidrOf(node), internalAddress(node)];
    if (!unreachable.includes(node.metadata?.name ?? '') || destination === undefined || address === undefined)
      continue;
    const end = tunnelAddress(destination);
    peers.push({ ...end, node: address });
    routes.push({ destination, gateway: end.address, device: DEVICE, isOnLink: true });
  }
  return { routes, peers };
}

/** Makes the tunnels as planned; without any, takes the device away. */
export async function syncOverlay(
  vxlan: Vxlan,
  own: { readonly podCidr: string; readonly uplink: string; readonly address: string },
  peers: readonly TunnelPeer[],
  signal: AbortSignal,
): Promise<void> {
  if (peers.length === 0) return vxlan.remove(DEVICE, signal);
  const end: TunnelEnd = {
    ...tunnelAddress(own.podCidr),
    device: DEVICE,
    id: ID,
    port: PORT,
    uplink: own.uplink,
    local: own.address,
  };
  await vxlan.ensure(end, signal);
  await vxlan.keepPeers(DEVICE, peers, signal);
  for (const peer of peers) await vxlan.putPeer(DEVICE, peer, signal);
}

/** The network's own address, which no pod gets; and a MAC made of it, another than the bridge's. */
function tunnelAddress(podCidr: string): { address: string; mac: string } {
  const address = formatIpv4(parseIpv4Cidr(podCidr)?.base ?? 0);
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return { address, mac: ['0a', '59', ...bytes].join(':') };
}
