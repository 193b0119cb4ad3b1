import { addressOrPrefix, destinationAddress, sourceAddress } from '../nft/expression.ts';
import { differs, equals, isIn, masquerade } from '../nft/statement.ts';
import type { Fragment, Table } from '../nft/table.ts';

const NODES = 'nodes';
const SNAT = 100;
const MULTICAST = '224.0.0.0/4';

/**
 * The table that lets pods out: what leaves the cluster goes by the node's address. Between pods, and from pods to
 * nodes, addresses stay as they are, as the Kubernetes network model asks.
 */
export function masqueradeTable(podCidr: string, clusterCidr: string): Table {
  const destination = destinationAddress('ip');
  const isOwnPod = equals(sourceAddress('ip'), addressOrPrefix(podCidr));
  const accept = { accept: null } as const;
  return {
    family: 'ip',
    name: 'bramble-network',
    sets: new Map([[NODES, { type: ['ipv4_addr'] }]]),
    elements: new Map(),
    chains: new Map([
      [
        'postrouting',
        {
          hook: { type: 'nat', hook: 'postrouting', priority: SNAT },
          rules: [
            { statements: [isOwnPod, isIn(destination, NODES), accept], comment: 'nodes see pods as they are' },
            {
              statements: [
                isOwnPod,
                differs(destination, addressOrPrefix(clusterCidr)),
                differs(destination, addressOrPrefix(MULTICAST)),
                masquerade,
              ],
            },
          ],
        },
      ],
    ]),
  };
}

/** One node's address in the set of nodes. */
export function nodeFragment(address: string): Fragment {
  return { chains: new Map(), sets: new Map(), elements: new Map([[NODES, new Map([[address, null]])]]) };
}
