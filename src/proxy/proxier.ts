import type { EndpointSlice, Service } from '../api/objects.ts';
import type { Lister } from '../client/informer.ts';
import type { Clock } from '../host/clock.ts';
import type { Conntrack } from '../host/conntrack.ts';
import type { Log } from '../host/log.ts';
import type { Nft } from '../host/nft.ts';
import { TableCommands } from '../nft/command.ts';
import { FragmentTable } from '../nft/fragment-table.ts';
import type { Table } from '../nft/table.ts';
import { baseTable, CHAIN } from './base-table.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';
import { countLocalReady } from './endpoint-choice.ts';
import { isProxied, isProxiedSlice, serviceRules, type ProxyContext } from './ruleset.ts';
import type { ServiceHealth, ServiceHealthServers } from './service-health.ts';
import { UdpFrontends } from './udp-frontends.ts';
import { Wake } from './wake.ts';

export interface ProxierOptions {
  readonly context: ProxyContext;
  /** This node's addresses on which NodePorts are open. */
  readonly nodeAddresses: readonly string[];
  readonly services: Lister<Service>;
  readonly nft: Nft;
  readonly conntrack: Conntrack;
  readonly metrics: ProxyMetrics;
  /** Told of each Service's health check port, and of those that have none. */
  readonly health?: Pick<ServiceHealthServers, 'set'>;
  readonly log: Log;
  readonly clock: Clock;
}

/** Between two transactions: at least the first, more when they take long, at most the second. */
const INTERVAL_MS_MIN = 100;
const INTERVAL_MS_MAX = 1000;
/** An interval of 10 times what a transaction takes leaves nine tenths of a core to others. */
const INTERVAL_FACTOR = 10;
/** How often the table is looked for, in case someone flushed all rules (kube-proxy's --iptables-sync-period). */
const CHECK_MS = 30_000;
const RETRY_MS_MIN = 500;
const RETRY_MS_MAX = 30_000;

/** Keeps the table `bramble` of one family equal to the Services and EndpointSlices that it is told of. */
export class Proxier {
  readonly #options: ProxierOptions;
  readonly #base: Table;
  readonly #table: FragmentTable;
  readonly #udp = new UdpFrontends();
  readonly #slices = new Map<string, Map<string, EndpointSlice>>();
  readonly #dirty = new Set<string>();
  readonly #wake = new Wake();
  #isKernelKnown = false;
  #failures = 0;

  constructor(options: ProxierOptions) {
    this.#options = options;
    const { context, nodeAddresses } = options;
    this.#base = baseTable({ family: context.family, clusterCidr: context.clusterCidr, nodeAddresses });
    this.#table = new FragmentTable(this.#base);
  }

  onService(before: Service | undefined, now: Service | undefined): void {
    const { namespace = '', name = '' } = (now ?? before)?.metadata ?? {};
    this.#mark(`${namespace}/${name}`);
  }

  onSlice(before: EndpointSlice | undefined, now: EndpointSlice | undefined): void {
    if (before !== undefined) this.#putSlice(before, undefined);
    if (now !== undefined && isProxiedSlice(now)) this.#putSlice(now, now);
  }

  /** Applies changes as they come until aborted. The rules stay: traffic goes on while the agent restarts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    this.#wake.ring();
    const check = setInterval(() => void this.#check(signal), CHECK_MS);
    try {
      while (!signal.aborted) {
        await this.#wake.wait(signal);
        if (signal.aborted) return;
        const startMs = clock.monotonicMs();
        const isDone = await this.#sync(signal);
        const tookMs = clock.monotonicMs() - startMs;
        this.#failures = isDone ? 0 : this.#failures + 1;
        const pauseMs = isDone
          ? Math.min(Math.max(INTERVAL_MS_MIN, tookMs * INTERVAL_FACTOR), INTERVAL_MS_MAX)
          : Math.min(RETRY_MS_MIN * 2 ** (this.#failures - 1), RETRY_MS_MAX);
        // What this transaction emptied, the next one deletes.
        if (!isDone || this.#table.hasStale) this.#wake.ring();
        await clock.sleepMs(pauseMs, signal).catch(() => undefined); // rejects only when aborted
      }
    } finally {
      clearInterval(check);
    }
  }

  #mark(key: string): void {
    this.#dirty.add(key);
    this.#options.metrics.pending(this.#options.clock.nowMs());
    this.#wake.ring();
  }

  #putSlice(slice: EndpointSlice, now: EndpointSlice | undefined): void {
    const { namespace = '', name = '', labels } = slice.metadata ?? {};
    const service = labels?.['kubernetes.io/service-name'];
    if (service === undefined || service === '') return;
    const key = `${namespace}/${service}`;
    const own = this.#slices.get(key) ?? new Map<string, EndpointSlice>();
    if (now === undefined) own.delete(name);
    else own.set(name, now);
    if (own.size === 0) this.#slices.delete(key);
    else this.#slices.set(key, own);
    this.#mark(key);
  }

  /** Takes in what changed and sends it. False when it must be tried again. */
  async #sync(signal: AbortSignal): Promise<boolean> {
    const { nft, log, metrics, clock } = this.#options;
    const startMs = clock.monotonicMs();
    const services = this.#takeDirty();
    const isFull = !this.#isKernelKnown;
    const commands = isFull ? this.#table.replacement() : this.#table.changes();
    try {
      this.#isKernelKnown = false; // until the answer says otherwise
      await nft.apply(commands, signal);
      this.#isKernelKnown = true;
    } catch (error) {
      if (signal.aborted) return true;
      metrics.failed();
      log.error('nftables transaction failed: the whole table follows', { error, commands: commands.length, isFull });
      return false;
    }
    const tookMs = clock.monotonicMs() - startMs;
    metrics.synced(clock.nowMs(), tookMs, commands.length);
    if (isFull) log.info('table replaced', { commands: commands.length, tookMs });
    else log.debug('services changed', { services, commands: commands.length, tookMs });
    if (this.#udp.takeChanged() || isFull) await this.#forgetStaleFlows(signal);
    return true;
  }

  #takeDirty(): number {
    const { context, services, health } = this.#options;
    const keys = [...this.#dirty];
    this.#dirty.clear();
    for (const key of keys) {
      const [namespace = '', name = ''] = key.split('/');
      const service = services.get(namespace, name);
      if (service === undefined || !isProxied(service)) {
        this.#table.set(key, undefined);
        this.#udp.set(key, []);
        health?.set(key, undefined);
        continue;
      }
      const slices = [...(this.#slices.get(key)?.values() ?? [])];
      const { fragment, udp } = serviceRules(service, slices, context);
      this.#table.set(key, fragment);
      this.#udp.set(key, udp);
      health?.set(key, serviceHealth(service, slices, context));
    }
    return keys.length;
  }

  async #forgetStaleFlows(signal: AbortSignal): Promise<void> {
    const { conntrack, log, nodeAddresses } = this.#options;
    try {
      const stale = this.#udp.stale(await conntrack.udpFlows(signal), nodeAddresses);
      for (const flow of stale) await conntrack.delete(flow, signal);
      if (stale.length > 0) log.info('stale UDP flows forgotten', { flows: stale.length });
    } catch (error) {
      if (!signal.aborted)
        log.warn('cannot clean up UDP flows: clients may go on sending to pods that are gone', { error });
    }
  }

  async #check(signal: AbortSignal): Promise<void> {
    if (!this.#isKernelKnown) return;
    try {
      await this.#options.nft.apply([new TableCommands(this.#base).flushChain(CHAIN.sentinel)], signal);
    } catch {
      if (signal.aborted) return;
      this.#options.log.warn('the table is gone: it is written again');
      this.#isKernelKnown = false;
      this.#wake.ring();
    }
  }
}

/** Undefined for a Service without a health check port: only LoadBalancers of policy Local have one. */
function serviceHealth(
  { metadata, spec }: Service,
  slices: readonly EndpointSlice[],
  context: ProxyContext,
): ServiceHealth | undefined {
  const port = spec?.healthCheckNodePort ?? 0;
  if (port === 0 || spec?.externalTrafficPolicy !== 'Local') return undefined;
  const { namespace = '', name = '' } = metadata ?? {};
  return { namespace, name, port, localEndpoints: countLocalReady(slices, context.family, context) };
}
