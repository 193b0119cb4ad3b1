import type { EndpointSlice, Node, Service } from '../../api/objects.ts';
import type { ApiClient } from '../../client/api-client.ts';
import type { Informer } from '../../client/informer.ts';
import { systemClock, type Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import { runTogether } from '../../host/run-together.ts';
import { untilAborted } from '../../host/until-aborted.ts';
import { runHealth } from '../health.ts';
import { Answerer } from './answerer.ts';
import { ClusterZone } from './cluster-zone.ts';
import { runDnsServer } from './dns-server.ts';
import { DNS_SERVICE, dnsSlice, publishSlice } from './dns-slice.ts';
import { createResolvConf } from './resolv-conf.ts';
import { serviceRecord } from './service-record.ts';
import { Upstream, type Resolver } from './upstream.ts';

export interface DnsOptions {
  readonly client: ApiClient;
  /** Informers are run by whoever made them, and may be shared. */
  readonly services: Informer<Service>;
  readonly endpointSlices: Informer<EndpointSlice>;
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  /** Where to listen: the address of the pods' bridge. */
  readonly listenAddress: string;
  readonly port?: number;
  /** `cluster.local` unless set. */
  readonly clusterDomain?: string;
  readonly clusterCidr: string;
  readonly serviceCidr: string;
  /** Resolvers for all other names; those of /etc/resolv.conf unless set. */
  readonly resolvers?: () => Promise<readonly Resolver[]>;
  readonly log: Log;
  readonly clock?: Clock;
  /** /health and /ready; on loopback unless set, null for none. */
  readonly healthAddress?: { readonly host: string; readonly port: number } | null;
}

const PORT = 53;
const DOMAIN = 'cluster.local';
const RESOLV_CONF = '/etc/resolv.conf';
const HEALTH_ADDRESS = { host: '127.0.0.1', port: 8181 };
/** The bridge may come a moment later than its address is known. */
const RETRY_MS = 1000;
/** How often the slice is looked at; a look costs no request. */
const PUBLISH_MS = 5000;

/**
 * The cluster's DNS server of this node, and the EndpointSlice that leads to it. Settles when aborted; the slice stays,
 * since the server is back in a moment or the node is gone.
 */
export async function runDns(options: DnsOptions, signal: AbortSignal): Promise<void> {
  const { listenAddress, port = PORT, log, clock = systemClock, healthAddress = HEALTH_ADDRESS } = options;
  const zone = new ClusterZone({
    domain: options.clusterDomain ?? DOMAIN,
    ownCidrs: [options.clusterCidr, options.serviceCidr],
    dnsService: DNS_SERVICE,
  });
  const resolvers = options.resolvers ?? createResolvConf(RESOLV_CONF, () => ownAddresses(options));
  let isReady = false;
  const answerer = new Answerer({ zone, upstream: new Upstream({ resolvers, clock }), isReady: () => isReady });
  const fill = async (signal: AbortSignal): Promise<void> => {
    const stop = followServices(zone, options);
    await Promise.all([options.services.synced(signal), options.endpointSlices.synced(signal)]).catch(() => undefined);
    isReady = !signal.aborted;
    await untilAborted(signal);
    stop();
  };
  const serve = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await runDnsServer({ host: listenAddress, port, answerer, log }, signal).catch((error: unknown) =>
        log.warn('cannot serve DNS, trying again', { error, listenAddress }),
      );
      await clock.sleepMs(RETRY_MS, signal).catch(() => undefined); // rejects only when aborted
    }
  };
  const parts = [{ run: fill }, { run: serve }, { run: (signal: AbortSignal) => publish(options, clock, signal) }];
  if (healthAddress !== null) parts.push({ run: (signal) => runHealth(healthAddress, () => isReady, signal) });
  await runTogether(parts, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

/** Addresses at which a question would come back to us. */
function ownAddresses({ listenAddress, services }: DnsOptions): ReadonlySet<string> {
  const service = services.lister.get(DNS_SERVICE.namespace, DNS_SERVICE.name);
  return new Set([listenAddress, ...(service?.spec?.clusterIPs ?? [])]);
}

/** Keeps the zone equal to what the informers know. Returns how to stop. */
function followServices(zone: ClusterZone, { services, endpointSlices }: DnsOptions): () => void {
  const slices = new Map<string, Map<string, EndpointSlice>>();
  const update = (namespace: string, name: string): void => {
    const service = services.lister.get(namespace, name);
    const own = slices.get(`${namespace}/${name}`)?.values() ?? [];
    zone.set(namespace, name, service === undefined ? undefined : serviceRecord(service, [...own]));
  };
  const onSlice = (slice: EndpointSlice, isThere: boolean): void => {
    const { namespace = '', name = '', labels } = slice.metadata ?? {};
    const service = labels?.['kubernetes.io/service-name'];
    if (service === undefined) return;
    const key = `${namespace}/${service}`;
    const own = slices.get(key) ?? new Map<string, EndpointSlice>();
    if (isThere) own.set(name, slice);
    else own.delete(name);
    if (own.size > 0) slices.set(key, own);
    else slices.delete(key);
    if (services.lister.get(namespace, service)?.spec?.clusterIP === 'None') update(namespace, service);
  };
  const stops = [
    endpointSlices.onChange((before, now) => {
      if (before !== undefined) onSlice(before, false);
      if (now !== undefined) onSlice(now, true);
    }),
    services.onChange((before, now) => {
      const { namespace = '', name = '' } = (now ?? before)?.metadata ?? {};
      update(namespace, name);
    }),
  ];
  return () => stops.forEach((stop) => stop());
}

/** Keeps this node's slice behind Service kube-dns, as long as there is a Node to own it. */
async function publish(options: DnsOptions, clock: Clock, signal: AbortSignal): Promise<void> {
  const { client, endpointSlices, nodes, nodeName, listenAddress, log } = options;
  await Promise.all([endpointSlices.synced(signal), nodes.synced(signal)]).catch(() => undefined);
  while (!signal.aborted) {
    try {
      const node = nodes.lister.get('', nodeName);
      if (node !== undefined) {
        const wanted = dnsSlice(node, listenAddress);
        const found = endpointSlices.lister.get(DNS_SERVICE.namespace, wanted.metadata?.name ?? '');
        await publishSlice(client, wanted, found, signal);
      }
    } catch (error) {
      if (!signal.aborted) log.warn('cannot publish the DNS server', { error });
    }
    await clock.sleepMs(PUBLISH_MS, signal).catch(() => undefined); // rejects only when aborted
  }
}
