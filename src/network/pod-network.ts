import type { Node } from '../api/objects.ts';
import type { Informer } from '../client/informer.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { execAny } from '../host/exec.ts';
import { readFileIfThere, writeFileAtomic } from '../host/file.ts';
import type { Log } from '../host/log.ts';
import { createNetLinks, type Link, type NetLinks } from '../host/net-links.ts';
import { createVxlan, type Vxlan } from '../host/net-vxlan.ts';
import { createNft, type Nft } from '../host/nft.ts';
import { FragmentTable } from '../nft/fragment-table.ts';
import { freeLeftoverAddresses } from './address-leftovers.ts';
import { BRIDGE, cniConfig, gatewayOf, podCidrIn } from './cni-config.ts';
import { masqueradeTable, nodeFragment } from './masquerade-table.ts';
import { planOverlay, syncOverlay } from './overlay.ts';
import { diffRoutes, internalAddress, planRoutes, podCidrOf, type RoutePlan } from './pod-routes.ts';

export interface PodNetworkOptions {
  /** Run by whoever made it; may be shared. */
  readonly nodes: Informer<Node>;
  readonly nodeName: string;
  /** Interface by which the other nodes are reached. */
  readonly uplink: string;
  /** Pod addresses of the whole cluster, as `10.244.0.0/16`. */
  readonly clusterCidr: string;
  /** Ids of the sandboxes that the runtime knows. Absent: leftover addresses are not freed. */
  readonly liveSandboxes?: (signal: AbortSignal) => Promise<ReadonlySet<string>>;
  /** Told of this node's gateway address as soon as the bridge has it, and of each later one. */
  readonly onGateway?: (address: string) => void;
  readonly log: Log;
  readonly clock?: Clock;
  readonly links?: NetLinks;
  readonly vxlan?: Vxlan;
  readonly nft?: Nft;
  /** The runtime reads its network from here; upstream's place unless set. */
  readonly cniConfigPath?: string;
}

const CNI_CONFIG_PATH = '/etc/cni/net.d/10-bramble.conflist';
/** Marks our routes among others' (`ip route show proto 66`); not in /etc/iproute2/rt_protos. */
const ROUTE_PROTOCOL = 66;
/** What others undid (a DHCP client that flushed routes, a flushed ruleset) is put back within this. */
const RESYNC_MS = 60_000;
const RETRY_MS = 1000;
/** A burst of Node changes is worked on once. */
const SETTLE_MS = 100;
const LEFTOVERS_MS = 5 * 60_000;

/**
 * Keeps the pod network of this node: the bridge, the CNI configuration, routes to the other nodes' pods, and
 * masquerading of what leaves the cluster. Needs no API server to come back after a boot: the pod prefix of last time is
 * read from the CNI configuration. Everything stays when aborted: pods live on while the agent restarts.
 */
export async function runPodNetwork(options: PodNetworkOptions, signal: AbortSignal): Promise<void> {
  await new PodNetwork(options).run(signal);
}

class PodNetwork {
  readonly #options: PodNetworkOptions;
  readonly #clock: Clock;
  readonly #links: NetLinks;
  readonly #vxlan: Vxlan;
  readonly #nft: Nft;
  readonly #configPath: string;
  #gateway: string | undefined;
  #masquerade: { key: string; table: FragmentTable; nodes: Set<string> } | undefined;
  /** Nodes on other networks; not empty at first, so that tunnels of a process before us are looked at. */
  #unreachable = 'unknown';
  #hasIptables = false;
  #leftoversMs = -Infinity;

  constructor(options: PodNetworkOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#links = options.links ?? createNetLinks();
    this.#vxlan = options.vxlan ?? createVxlan();
    this.#nft = options.nft ?? createNft();
    this.#configPath = options.cniConfigPath ?? CNI_CONFIG_PATH;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { nodes, log } = this.#options;
    let changed = new AbortController();
    const stop = nodes.onChange((before, now) => {
      if (before === undefined || now === undefined || isNetworkChange(before, now)) changed.abort();
    });
    await this.#prepareHost();
    await this.#findIptables();
    while (!signal.aborted) {
      changed = new AbortController();
      let pauseMs = RESYNC_MS;
      try {
        await this.#sync(signal);
      } catch (error) {
        if (signal.aborted) break;
        log.error('pod network is not as it should be', { error });
        pauseMs = RETRY_MS;
      }
      const wake = AbortSignal.any([signal, changed.signal]);
      await this.#clock.sleepMs(pauseMs, wake).catch(() => undefined); // rejects only when aborted
      if (!signal.aborted) await this.#clock.sleepMs(SETTLE_MS, signal).catch(() => undefined);
    }
    stop();
  }

  /** Settings of the kernel without which no packet gets from pod to pod. */
  async #prepareHost(): Promise<void> {
    const { log, uplink } = this.#options;
    const bridgeSetting = 'net.bridge.bridge-nf-call-iptables';
    if (!(await this.#links.setSysctl(bridgeSetting, '1'))) {
      await execAny(['modprobe', 'br_netfilter']);
      if (!(await this.#links.setSysctl(bridgeSetting, '1')))
        log.warn('no br_netfilter in this kernel: a Service cannot lead from a pod to a pod of the same node');
    }
    if (!(await this.#links.setSysctl('net.ipv4.ip_forward', '1'))) log.warn('cannot turn on net.ipv4.ip_forward');
    // A redirect to a pod would name another pod's address for a Service's, and spends the rate of ICMP refusals.
    for (const name of ['all', 'default', uplink])
      await this.#links.setSysctl(`net.ipv4.conf.${name}.send_redirects`, '0');
  }

  async #findIptables(): Promise<void> {
    this.#hasIptables = (await execAny(['iptables', '--version'])).code === 0;
    if (!this.#hasIptables) this.#options.log.warn('no iptables on this board: hostPort of pods has no effect');
  }

  async #sync(signal: AbortSignal): Promise<void> {
    const { nodes, nodeName, uplink } = this.#options;
    const own = nodes.lister.get('', nodeName);
    const podCidr = (own && podCidrOf(own)) ?? podCidrIn((await readFileIfThere(this.#configPath)) ?? '');
    const link = (await this.#links.links(signal)).find(({ name }) => name === uplink);
    if (link === undefined) throw new Error(`There is no interface "${uplink}"`);
    if (podCidr === undefined) return; // node IPAM has not been here yet: its change of the Node wakes us
    await this.#syncBridge(podCidr, link, signal);
    const plan = planRoutes(nodes.lister.list(), nodeName, link);
    await this.#syncMasquerade(podCidr, plan.unreachable, signal);
    // Not knowing any node says nothing about routes: after a boot the API may be away.
    if (own !== undefined) await this.#syncRoutes(podCidr, link, plan, signal);
    await this.#freeLeftovers(signal);
  }

  async #syncBridge(podCidr: string, uplink: Link, signal: AbortSignal): Promise<void> {
    const { log, onGateway } = this.#options;
    const gateway = gatewayOf(podCidr);
    await this.#links.ensureBridge({ ...gateway, name: BRIDGE, mtu: uplink.mtu }, signal);
    await this.#links.setSysctl(`net.ipv4.conf.${BRIDGE}.send_redirects`, '0');
    const config = `${JSON.stringify(cniConfig({ podCidr, mtu: uplink.mtu, hasIptables: this.#hasIptables }), undefined, 2)}\n`;
    if ((await readFileIfThere(this.#configPath)) !== config) {
      await writeFileAtomic(this.#configPath, config, 0o644);
      log.info('CNI configuration written', { podCidr, mtu: uplink.mtu });
    }
    if (this.#gateway !== gateway.address) onGateway?.(gateway.address);
    this.#gateway = gateway.address;
  }

  async #syncMasquerade(podCidr: string, unreachable: readonly string[], signal: AbortSignal): Promise<void> {
    const { nodes, clusterCidr } = this.#options;
    const key = `${podCidr} ${clusterCidr}`;
    if (this.#masquerade?.key !== key)
      this.#masquerade = { key, table: new FragmentTable(masqueradeTable(podCidr, clusterCidr)), nodes: new Set() };
    const { table, nodes: known } = this.#masquerade;
    // Routers between networks do not know pods: to a node behind one, a pod goes as its own node.
    const near = nodes.lister.list().filter(({ metadata }) => !unreachable.includes(metadata?.name ?? ''));
    const addresses = new Set(near.flatMap((node) => internalAddress(node) ?? []));
    for (const address of addresses.difference(known)) table.set(address, nodeFragment(address));
    for (const address of known.difference(addresses)) table.set(address, undefined);
    this.#masquerade.nodes = addresses;
    // The table is small: the whole of it again costs as little as finding out whether someone flushed it.
    await this.#nft.apply(table.replacement(), signal);
  }

  async #syncRoutes(podCidr: string, uplink: Link, plan: RoutePlan, signal: AbortSignal): Promise<void> {
    const { nodes, log } = this.#options;
    const { unreachable } = plan;
    const overlay = planOverlay(nodes.lister.list(), unreachable);
    const [{ address } = { address: '' }] = uplink.addresses;
    if (overlay.peers.length > 0 || this.#unreachable !== '')
      await syncOverlay(this.#vxlan, { podCidr, uplink: uplink.name, address }, overlay.peers, signal);
    const wanted = [...plan.wanted, ...overlay.routes];
    const { remove, put } = diffRoutes(wanted, await this.#links.routes(ROUTE_PROTOCOL, signal));
    for (const route of remove) await this.#links.removeRoute(route, ROUTE_PROTOCOL, signal);
    for (const route of put) await this.#links.putRoute(route, ROUTE_PROTOCOL, signal);
    if (remove.length + put.length > 0) log.info('routes changed', { put, removed: remove.length });
    if (unreachable.join() !== this.#unreachable && unreachable.length > 0)
      log.info('nodes on another network: their pods are reached by VXLAN', { nodes: unreachable });
    this.#unreachable = unreachable.join();
  }

  async #freeLeftovers(signal: AbortSignal): Promise<void> {
    const { liveSandboxes, log } = this.#options;
    if (liveSandboxes === undefined || this.#clock.monotonicMs() - this.#leftoversMs < LEFTOVERS_MS) return;
    this.#leftoversMs = this.#clock.monotonicMs();
    try {
      const freed = await freeLeftoverAddresses(await liveSandboxes(signal), this.#clock.nowMs());
      if (freed.length > 0) log.info('addresses of lost pods freed', { addresses: freed });
    } catch (error) {
      if (!signal.aborted) log.warn('cannot tell which pod addresses are in use', { error });
    }
  }
}

/** Nodes are written every few seconds for their conditions alone. */
function isNetworkChange(before: Node, now: Node): boolean {
  return podCidrOf(before) !== podCidrOf(now) || internalAddress(before) !== internalAddress(now);
}
