import { addressAt, parseIpv4Cidr } from '../api/ipv4.ts';
import { isDeleting } from '../api/object-facts.ts';
import type { Node } from '../api/objects.ts';
import { referenceTo } from '../client/event-recorder.ts';
import { nodes } from '../client/resources.ts';
import { runTogether } from '../host/run-together.ts';
import { type CreateController, keyOf, queuedController, queueEach } from './controller.ts';

/** Bits of a board's own pod network within the cluster's. */
const NODE_PREFIX = 24;

/** Gives each Node the first free /24 of the cluster's pod network. */
export function createNodeIpamController(clusterCidr: string): CreateController {
  return (context) => {
    const informer = context.informers.of(nodes);
    const recorder = context.recorder('cidrAllocator');
    /** Given but perhaps not in the cache yet, by node. */
    const given = new Map<string, string>();
    const controller = queuedController({
      name: 'node-ipam',
      context,
      workers: 1, // one at a time: two must not find the same network free
      needs: [informer],
      connect: (queue) => {
        queueEach(informer, queue);
        informer.onChange((_before, now) => {
          if (now !== undefined) return;
          // A network is free again: those that found none look again now, not after their back-off.
          for (const node of informer.lister.list()) if (podCidrs(node).length === 0) queue.add(keyOf(node));
        });
      },
      reconcile: async (name, signal) => {
        const node = informer.lister.get('', name);
        if (node === undefined) given.delete(name);
        if (node === undefined || isDeleting(node) || (node.spec?.podCIDR ?? '') !== '') return;
        const taken = [...informer.lister.list().flatMap(podCidrs), ...given.values()];
        const podCIDR = given.get(name) ?? firstFreeCidr(clusterCidr, taken);
        if (podCIDR === undefined) {
          recorder.record(
            referenceTo(node, 'v1', 'Node'),
            'Normal',
            'CIDRNotAvailable',
            `Node ${name} status is now: CIDRNotAvailable`,
          );
          throw new Error(`no pod network is free in ${clusterCidr}`);
        }
        given.set(name, podCIDR);
        const body = { spec: { podCIDR, podCIDRs: [podCIDR] } };
        await context.client.patch(nodes, { namespace: '', name }, { type: 'strategic', body }, { signal });
      },
    });
    return { run: async (signal) => runTogether([controller, recorder], signal) };
  };
}

function podCidrs(node: Node): readonly string[] {
  const { podCIDR, podCIDRs = [] } = node.spec ?? {};
  return podCIDR === undefined ? podCIDRs : [podCIDR, ...podCIDRs];
}

/** The first /24 within `clusterCidr` that is not taken. @throws RangeError when that is no IPv4 prefix */
export function firstFreeCidr(clusterCidr: string, taken: readonly string[]): string | undefined {
  const used = new Set(taken);
  const prefixLength = parseIpv4Cidr(clusterCidr)?.prefixLength ?? NODE_PREFIX;
  const count = 2 ** Math.max(0, NODE_PREFIX - prefixLength);
  for (let index = 0; index < count; index += 1) {
    const cidr = `${addressAt(clusterCidr, index * 2 ** (32 - NODE_PREFIX))}/${NODE_PREFIX}`;
    if (!used.has(cidr)) return cidr;
  }
  return undefined;
}
