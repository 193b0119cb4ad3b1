import {
  addressOrPrefix,
  concat,
  connectionState,
  destinationAddress,
  destinationPort,
  packetMark,
  sourceAddress,
  transportProtocol,
  type Family,
} from '../nft/expression.ts';
import {
  differs,
  equals,
  goto,
  has,
  isIn,
  jump,
  lookup,
  masquerade,
  reject,
  rejectTcp,
  setTo,
  type Rule,
} from '../nft/statement.ts';
import { elementKey, type Chain, type Hook, type KeyType, type SetShape, type Table } from '../nft/table.ts';

/** Chains that all Services share. */
export const CHAIN = {
  services: 'services',
  mark: 'mark-for-masquerade',
  masquerading: 'masquerading',
  reject: 'reject-chain',
  endpointsCheck: 'service-endpoints-check',
  nodeportsCheck: 'nodeport-endpoints-check',
  clusterIpsCheck: 'cluster-ips-check',
  firewallCheck: 'firewall-check',
  /** Empty: flushing it fails when the table is gone, which is how the proxier notices. */
  sentinel: 'sentinel',
} as const;

/** Sets and verdict maps that all Services share. */
export const SET = {
  clusterIps: 'cluster-ips',
  nodeportIps: 'nodeport-ips',
  serviceIps: 'service-ips',
  serviceNodeports: 'service-nodeports',
  noEndpointServices: 'no-endpoint-services',
  noEndpointNodeports: 'no-endpoint-nodeports',
  firewallIps: 'firewall-ips',
  hairpin: 'hairpin-connections',
} as const;

/** The bit of the packet mark that asks for masquerading: kube-proxy's default, --iptables-masquerade-bit 14. */
const MASQUERADE_BIT = 0x4000;

/** Before and after the translation of destinations at dstnat, -100. */
const BEFORE_DNAT = -110;
const DNAT = -100;
const AFTER_DNAT = -90;
const SNAT = 100;

interface BaseTableOptions {
  readonly family: Family;
  readonly clusterCidr: string;
  /** This node's addresses of the family, on which NodePorts are open. Never loopback (KEP-3866). */
  readonly nodeAddresses: readonly string[];
}

/** The table `bramble` without any Service in it. Chains and hooks are those of kube-proxy's nftables mode. */
export function baseTable(options: BaseTableOptions): Table {
  const { family, nodeAddresses } = options;
  const ofFamily = nodeAddresses.filter((address) => address.includes(':') === (family === 'ip6'));
  return {
    family,
    name: 'bramble',
    chains: new Map([...sharedChains(options), ...hookedChains()]),
    sets: new Map(sharedSets(family === 'ip' ? 'ipv4_addr' : 'ipv6_addr')),
    elements: new Map([[SET.nodeportIps, new Map(ofFamily.map((address) => [elementKey(address), null]))]]),
  };
}

function sharedSets(address: KeyType): [string, SetShape][] {
  const byAddress = [address, 'inet_proto', 'inet_service'] as const;
  const byPort = ['inet_proto', 'inet_service'] as const;
  return [
    [SET.clusterIps, { type: [address] }],
    [SET.nodeportIps, { type: [address] }],
    [SET.hairpin, { type: [address, address] }],
    [SET.serviceIps, { type: byAddress, isVerdictMap: true }],
    [SET.serviceNodeports, { type: byPort, isVerdictMap: true }],
    [SET.noEndpointServices, { type: byAddress, isVerdictMap: true }],
    [SET.noEndpointNodeports, { type: byPort, isVerdictMap: true }],
    [SET.firewallIps, { type: byAddress, isVerdictMap: true }],
  ];
}

function sharedChains({ family, clusterCidr }: BaseTableOptions): [string, Chain][] {
  const source = sourceAddress(family);
  const destination = destinationAddress(family);
  const service = concat(destination, transportProtocol, destinationPort);
  const nodePort = concat(transportProtocol, destinationPort);
  const isNodeport = isIn(destination, SET.nodeportIps);
  const isOffCluster = differs(source, addressOrPrefix(clusterCidr));
  const isMarked = { '&': [packetMark, MASQUERADE_BIT] } as const;
  const chain = (...rules: readonly Rule[]): Chain => ({ rules });
  return [
    [CHAIN.sentinel, chain()],
    [CHAIN.mark, chain({ statements: [setTo(packetMark, { '|': [packetMark, MASQUERADE_BIT] })] })],
    [
      CHAIN.reject,
      // Upstream answers TCP by ICMP too, which the kernel rates: a busy client would wait instead of being refused.
      chain({ statements: [equals(transportProtocol, 'tcp'), rejectTcp] }, { statements: [reject(family)] }),
    ],
    [
      CHAIN.services,
      chain(
        {
          statements: [isIn(destination, SET.clusterIps), isOffCluster, jump(CHAIN.mark)],
          comment: 'off-cluster sources',
        },
        { statements: [lookup(service, SET.serviceIps)] },
        { statements: [isNodeport, lookup(nodePort, SET.serviceNodeports)] },
      ),
    ],
    [
      CHAIN.masquerading,
      chain(
        {
          statements: [isIn(concat(source, destination), SET.hairpin), masquerade],
          comment: 'an endpoint that was given to itself',
        },
        { statements: [equals(isMarked, 0), { return: null }] },
        { statements: [setTo(packetMark, { '^': [packetMark, MASQUERADE_BIT] })] },
        { statements: [masquerade] },
      ),
    ],
    [CHAIN.endpointsCheck, chain({ statements: [lookup(service, SET.noEndpointServices)] })],
    [CHAIN.nodeportsCheck, chain({ statements: [isNodeport, lookup(nodePort, SET.noEndpointNodeports)] })],
    [
      CHAIN.clusterIpsCheck,
      chain({ statements: [isIn(destination, SET.clusterIps), goto(CHAIN.reject)], comment: 'no such port' }),
    ],
    [CHAIN.firewallCheck, chain({ statements: [lookup(service, SET.firewallIps)] })],
  ];
}

/** Reject works in input, forward and output only; what could be translated there was, so local output checks after. */
function hookedChains(): [string, Chain][] {
  const isNew = has(connectionState, 'new');
  const filter = (hook: Hook['hook'], priority: number, ...targets: readonly string[]): Chain => ({
    hook: { type: 'filter', hook, priority },
    rules: targets.map((target) => ({ statements: [isNew, jump(target)] })),
  });
  const nat = (hook: Hook['hook'], priority: number, target: string): Chain => ({
    hook: { type: 'nat', hook, priority },
    rules: [{ statements: [jump(target)] }],
  });
  return [
    ['filter-prerouting', filter('prerouting', BEFORE_DNAT, CHAIN.firewallCheck)],
    ['filter-input', filter('input', BEFORE_DNAT, CHAIN.nodeportsCheck, CHAIN.endpointsCheck)],
    ['filter-forward', filter('forward', BEFORE_DNAT, CHAIN.endpointsCheck, CHAIN.clusterIpsCheck)],
    ['filter-output', filter('output', BEFORE_DNAT, CHAIN.firewallCheck)],
    ['filter-output-post-dnat', filter('output', AFTER_DNAT, CHAIN.endpointsCheck, CHAIN.clusterIpsCheck)],
    ['nat-prerouting', nat('prerouting', DNAT, CHAIN.services)],
    ['nat-output', nat('output', DNAT, CHAIN.services)],
    ['nat-postrouting', nat('postrouting', SNAT, CHAIN.masquerading)],
  ];
}
