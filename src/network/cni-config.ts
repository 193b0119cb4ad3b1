import { formatIpv4, parseIpv4Cidr } from '../api/ipv4.ts';

/** Name of the pods' bridge on every node. */
export const BRIDGE = 'cni0';
/** Name of the CNI network; host-local keeps its reservations in a folder of this name. */
export const CNI_NETWORK = 'bramble';

/** The bridge's address, the pods' gateway: the first of the node's pod prefix. @throws Error for a prefix without room */
export function gatewayOf(podCidr: string): { address: string; prefixLength: number; mac: string } {
  const cidr = parseIpv4Cidr(podCidr);
  if (cidr === undefined || cidr.prefixLength > 30)
    throw new Error(`"${podCidr}" is no IPv4 prefix with room for pods`);
  const address = formatIpv4(cidr.base + 1);
  // Locally administered, and the same after each boot: neighbours' ARP entries stay true.
  const mac = ['0a', '58', ...address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))].join(':');
  return { address, prefixLength: cidr.prefixLength, mac };
}

interface CniOptions {
  readonly podCidr: string;
  readonly mtu: number;
  /** Whether hostPort works: portmap needs iptables, and without it fails to take any sandbox down. */
  readonly hasIptables: boolean;
}

/** The CNI configuration list of the node: bridge, host-local and portmap of containernetworking-plugins. */
export function cniConfig({ podCidr, mtu, hasIptables }: CniOptions): object {
  const bridge = {
    type: 'bridge',
    bridge: BRIDGE,
    isGateway: true,
    ipMasq: false,
    hairpinMode: true, // a pod may be given to itself by its own Service
    mtu,
    ipam: { type: 'host-local', ranges: [[{ subnet: podCidr }]], routes: [{ dst: '0.0.0.0/0' }] },
  };
  const portmap = { type: 'portmap', capabilities: { portMappings: true } };
  return { cniVersion: '1.0.0', name: CNI_NETWORK, plugins: hasIptables ? [bridge, portmap] : [bridge] };
}

/** The pod prefix in a configuration that was written earlier; undefined when it is not one of ours. */
export function podCidrIn(text: string): string | undefined {
  try {
    const config = JSON.parse(text) as { plugins?: { ipam?: { ranges?: { subnet?: unknown }[][] } }[] };
    const subnet = config.plugins?.[0]?.ipam?.ranges?.[0]?.[0]?.subnet;
    return typeof subnet === 'string' && parseIpv4Cidr(subnet) !== undefined ? subnet : undefined;
  } catch {
    return undefined;
  }
}
