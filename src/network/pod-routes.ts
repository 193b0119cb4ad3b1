import { holdsIpv4, isIpv4, parseIpv4Cidr } from '../api/ipv4.ts';
import type { Node } from '../api/objects.ts';
import type { Link, Route } from '../host/net-links.ts';

/** How the pods of other nodes are reached. */
export interface RoutePlan {
  readonly wanted: readonly Route[];
  /** Nodes that are not on the uplink's network: their pods are reached through tunnels (overlay.ts). */
  readonly unreachable: readonly string[];
}

/** A route to each other node's pods by that node's InternalIP: host to host on one network, without encapsulation. */
export function planRoutes(nodes: readonly Node[], nodeName: string, uplink: Link): RoutePlan {
  const wanted: Route[] = [];
  const unreachable: string[] = [];
  const networks = uplink.addresses.flatMap(
    ({ address, prefixLength }) => parseIpv4Cidr(`${address}/${prefixLength}`) ?? [],
  );
  for (const node of nodes) {
    const name = node.metadata?.name ?? '';
    const destination = podCidrOf(node);
    const gateway = internalAddress(node);
    if (name === nodeName || destination === undefined || gateway === undefined) continue;
    if (networks.some((network) => holdsIpv4(network, gateway)))
      wanted.push({ destination, gateway, device: uplink.name });
    else unreachable.push(name);
  }
  return { wanted, unreachable };
}

/** What to remove and what to put so that `present` becomes `wanted`. */
export function diffRoutes(wanted: readonly Route[], present: readonly Route[]): { remove: Route[]; put: Route[] } {
  const key = ({ destination, gateway, device }: Route): string => `${destination} ${gateway} ${device}`;
  const wantedKeys = new Set(wanted.map(key));
  const presentKeys = new Set(present.map(key));
  const destinations = new Set(wanted.map(({ destination }) => destination));
  return {
    // A route whose destination stays is replaced by the new one, without a moment between.
    remove: present.filter((route) => !wantedKeys.has(key(route)) && !destinations.has(route.destination)),
    put: wanted.filter((route) => !presentKeys.has(key(route))),
  };
}

/** The node's IPv4 pod prefix, once node IPAM gave it one. */
export function podCidrOf({ spec }: Node): string | undefined {
  const all = spec?.podCIDRs ?? (spec?.podCIDR === undefined ? [] : [spec.podCIDR]);
  return all.find((cidr) => parseIpv4Cidr(cidr) !== undefined);
}

/** The node's IPv4 InternalIP. */
export function internalAddress({ status }: Node): string | undefined {
  return status?.addresses?.find(({ type, address }) => type === 'InternalIP' && isIpv4(address))?.address;
}
