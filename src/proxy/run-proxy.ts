import type { EndpointSlice, Node, Service } from '../api/objects.ts';
import type { Informer } from '../client/informer.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { createConntrack, type Conntrack } from '../host/conntrack.ts';
import type { Log } from '../host/log.ts';
import { createNft, type Nft } from '../host/nft.ts';
import { runTogether } from '../host/run-together.ts';
import { runHealthServer, runMetricsServer } from './health-server.ts';
import { Proxier } from './proxier.ts';
import { ProxyMetrics } from './proxy-metrics.ts';
import { ServiceHealthServers } from './service-health.ts';

export interface ProxyOptions {
  /** Informers are run by whoever made them, and may be shared. */
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  /** Addresses on which NodePorts are open: the node's own, never loopback. */
  readonly nodeAddresses: readonly string[];
  /** Pod addresses of the whole cluster, as `10.244.0.0/16`. */
  readonly clusterCidr: string;
  readonly log: Log;
  readonly clock?: Clock;
  readonly nft?: Nft;
  readonly conntrack?: Conntrack;
  /** Health for load balancers; upstream's default unless set, null for none. */
  readonly healthAddress?: { readonly host: string; readonly port: number } | null;
  /** Metrics; upstream's default unless set, null for none. */
  readonly metricsAddress?: { readonly host: string; readonly port: number } | null;
}

const HEALTH_ADDRESS = { host: '0.0.0.0', port: 10_256 };
const METRICS_ADDRESS = { host: '127.0.0.1', port: 10_249 };
const ZONE_LABEL = 'topology.kubernetes.io/zone';

/**
 * What kube-proxy does: makes Services work on this node, by the nftables table `ip bramble`. Settles when aborted; the
 * rules stay, so that traffic goes on while the agent restarts.
 */
export async function runProxy(options: ProxyOptions, signal: AbortSignal): Promise<void> {
  const { services, endpointSlices, nodes, nodeName, nodeAddresses, clusterCidr, log } = options;
  const { clock = systemClock, nft = createNft(), conntrack = createConntrack() } = options;
  const { healthAddress = HEALTH_ADDRESS, metricsAddress = METRICS_ADDRESS } = options;
  const metrics = new ProxyMetrics();
  const node = (): Node | undefined => nodes.lister.get('', nodeName);

  const proxy = async (signal: AbortSignal): Promise<void> => {
    // The first table must hold every Service: one with half of them would cut off the other half.
    await Promise.all([services.synced(signal), endpointSlices.synced(signal), nodes.synced(signal)]);
    const zone = node()?.metadata?.labels?.[ZONE_LABEL];
    const context = { family: 'ip', nodeName, clusterCidr, ...(zone === undefined ? {} : { zone }) } as const;
    const health = new ServiceHealthServers(nodeAddresses, () => metrics.isHealthy(clock.nowMs()), log);
    const own = { context, nodeAddresses, services: services.lister, nft, conntrack, metrics, health, log, clock };
    const proxier = new Proxier(own);
    const stops = [
      services.onChange((before, now) => proxier.onService(before, now)),
      endpointSlices.onChange((before, now) => proxier.onSlice(before, now)),
    ];
    await runTogether([proxier, health], signal).finally(() => stops.forEach((stop) => stop()));
  };
  const parts = [{ run: proxy }];
  if (healthAddress !== null)
    parts.push({ run: (signal) => runHealthServer({ metrics, clock, node }, healthAddress, signal) });
  if (metricsAddress !== null) parts.push({ run: (signal) => runMetricsServer(metrics, metricsAddress, signal) });
  await runTogether(parts, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
