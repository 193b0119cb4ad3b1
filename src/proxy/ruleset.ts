import type { EndpointSlice, Service, ServicePort } from '../api/objects.ts';
import { isCidr, isIp } from '../api/validation/ip.ts';
import {
  addressOrPrefix,
  randomBelow,
  sourceAddress,
  sourceType,
  transportProtocol,
  type Expression,
  type Family,
} from '../nft/expression.ts';
import {
  differs,
  dnat,
  drop,
  equals,
  goto,
  isIn,
  jump,
  remember,
  type Rule,
  type Statement,
  type Verdict,
} from '../nft/statement.ts';
import { elementKey, type Chain, type Fragment, type SetShape } from '../nft/table.ts';
import { CHAIN, SET } from './base-table.ts';
import { chooseEndpoints, type EndpointChoice, type Here, type Target } from './endpoint-choice.ts';

/** What the rules of every Service depend on. */
export interface ProxyContext extends Here {
  readonly family: Family;
  /** Pod addresses of the cluster. Other sources are masqueraded on their way to a Service. */
  readonly clusterCidr: string;
}

/** One Service's part of the table, and its ways in by UDP. */
export interface ServiceRules {
  readonly fragment: Fragment;
  readonly udp: readonly UdpFrontend[];
}

/** A way into a UDP service port and the addresses of the endpoints behind it. A NodePort has no address of its own. */
export interface UdpFrontend {
  readonly address?: string;
  readonly port: number;
  readonly targets: readonly string[];
}

/** ServiceSpec.sessionAffinityConfig.clientIP.timeoutSeconds when not set. */
const AFFINITY_SECONDS = 10_800;
/** Clients remembered per endpoint of a Service with session affinity. */
const AFFINITY_CLIENTS_MAX = 65_535;
const AFFINITY_SET = { flags: ['timeout'], size: AFFINITY_CLIENTS_MAX } as const;

/** Whether kube-proxy's job is ours for this Service: it has an address, and no other proxy claims it. */
export function isProxied({ metadata, spec }: Service): boolean {
  if (metadata?.labels?.['service.kubernetes.io/service-proxy-name'] !== undefined) return false;
  if (spec?.type === 'ExternalName') return false;
  return spec?.clusterIP !== undefined && spec.clusterIP !== '' && spec.clusterIP !== 'None';
}

/** Whether the slice may be used: kube-proxy leaves out those of headless Services and of other proxies. */
export function isProxiedSlice({ metadata }: EndpointSlice): boolean {
  const labels = metadata?.labels ?? {};
  return (
    labels['service.kubernetes.io/headless'] === undefined &&
    labels['service.kubernetes.io/service-proxy-name'] === undefined
  );
}

/**
 * The rules of one Service, as KEP-3866 has them, except that endpoints are rules of their Service's chain instead of
 * chains of their own, and no anonymous map is used: both make a change dear in a table of thousands of Services.
 */
export function serviceRules(service: Service, slices: readonly EndpointSlice[], context: ProxyContext): ServiceRules {
  const parts = (service.spec?.ports ?? []).map((port) => {
    const choice = chooseEndpoints(service, port, slices, context.family, context);
    return new PortRules(service, port, choice, context);
  });
  const fragment = {
    chains: new Map(parts.flatMap(({ chains }) => [...chains])),
    sets: new Map(parts.flatMap(({ sets }) => [...sets])),
    elements: merged(parts.map(({ elements }) => elements)),
  };
  return { fragment, udp: parts.flatMap((part) => part.udp) };
}

type ElementsBySet = Map<string, Map<string, Verdict | null>>;

function merged(all: readonly ElementsBySet[]): ElementsBySet {
  const result: ElementsBySet = new Map();
  for (const one of all)
    for (const [set, elements] of one) result.set(set, new Map([...(result.get(set) ?? []), ...elements]));
  return result;
}

/** What one service port adds to the table. */
class PortRules {
  readonly chains = new Map<string, Chain>();
  readonly sets = new Map<string, SetShape>();
  readonly elements: ElementsBySet = new Map();
  readonly udp: UdpFrontend[] = [];
  readonly #choice: EndpointChoice;
  readonly #service: Service;
  readonly #port: ServicePort;
  readonly #protocol: string;
  readonly #context: ProxyContext;
  /** `<hash>-<namespace>/<name>/<protocol>/<port>`: unique, and readable in `nft list`. */
  readonly #id: string;

  constructor(service: Service, port: ServicePort, choice: EndpointChoice, context: ProxyContext) {
    this.#service = service;
    this.#port = port;
    this.#context = context;
    this.#protocol = (port.protocol ?? 'TCP').toLowerCase();
    this.#choice = choice;
    this.#id = portId(service, this.#protocol, port);
    this.#plan();
  }

  #plan(): void {
    const { spec } = this.#service;
    const cluster = this.#endpointChain('service', this.#choice.cluster);
    const local = this.#endpointChain('local', this.#choice.local);
    const isInternalLocal = spec?.internalTrafficPolicy === 'Local';
    for (const address of clusterAddresses(this.#service, this.#context.family)) {
      this.#put(SET.clusterIps, address, null);
      this.#open(address, isInternalLocal ? local : cluster, isInternalLocal);
    }
    const external = externalAddresses(this.#service, this.#context.family);
    const nodePort = this.#port.nodePort ?? 0;
    if (external.length === 0 && nodePort === 0) return;
    const isLocal = spec?.externalTrafficPolicy === 'Local';
    const way = this.#externalChain(cluster, local, isLocal);
    for (const address of external) {
      this.#open(address, way, isLocal);
      this.#allowSources(address);
    }
    if (nodePort === 0) return;
    const key = elementKey(this.#protocol, nodePort);
    if (way !== undefined) this.#put(SET.serviceNodeports, key, goto(way));
    const refusal = this.#refusal(isLocal);
    if (refusal !== undefined) this.#put(SET.noEndpointNodeports, key, refusal);
    this.#frontend({ port: nodePort });
  }

  /** One address of the service port: to its chain, or refused. */
  #open(address: string, chain: string | undefined, isLocal: boolean): void {
    const key = elementKey(address, this.#protocol, this.#port.port);
    if (chain !== undefined) this.#put(SET.serviceIps, key, goto(chain));
    const refusal = this.#refusal(isLocal);
    if (refusal !== undefined) this.#put(SET.noEndpointServices, key, refusal);
    this.#frontend({ address, port: this.#port.port });
  }

  /** A Service without endpoints says so; one whose endpoints are elsewhere is silent, as upstream. */
  #refusal(isLocal: boolean): Verdict | undefined {
    if (!this.#choice.hasAny) return goto(CHAIN.reject);
    return isLocal && this.#choice.local.length === 0 ? drop : undefined;
  }

  /** The chain that gives a connection to one of the targets; undefined when there is none. */
  #endpointChain(kind: 'service' | 'local', targets: readonly Target[]): string | undefined {
    if (targets.length === 0) return undefined;
    const name = `${kind}-${this.#id}`;
    this.chains.set(name, {
      rules: this.#service.spec?.sessionAffinity === 'ClientIP' ? this.#sticky(targets) : this.#random(targets),
    });
    for (const { address, isLocal } of targets) if (isLocal) this.#put(SET.hairpin, elementKey(address, address), null);
    return name;
  }

  /** A rule per target: the first takes 1 of n, the next 1 of the n-1 left, the last the rest. */
  #random(targets: readonly Target[], before: (target: Target) => readonly Statement[] = () => []): Rule[] {
    return targets.map((target, index) => {
      const left = targets.length - index;
      const share = left === 1 ? [] : [equals(randomBelow(left), 0)];
      return { statements: [...share, ...before(target), ...this.#deliver(target)] };
    });
  }

  /** First whoever is remembered for a target, then by chance; each time the memory is renewed. */
  #sticky(targets: readonly Target[]): Rule[] {
    const { family } = this.#context;
    const seconds = this.#service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? AFFINITY_SECONDS;
    const source = sourceAddress(family);
    const renew = (target: Target): Statement => remember(source, this.#affinitySet(target), seconds);
    const known = targets.map((target) => {
      const set = this.#affinitySet(target);
      this.sets.set(set, { ...AFFINITY_SET, type: [family === 'ip' ? 'ipv4_addr' : 'ipv6_addr'] });
      return { statements: [isIn(source, set), renew(target), ...this.#deliver(target)] };
    });
    return [...known, ...this.#random(targets, (target) => [renew(target)])];
  }

  #affinitySet({ address, port }: Target): string {
    return `affinity-${this.#id}/${address.replaceAll(':', '.')}/${port}`;
  }

  #deliver({ address, port }: Target): readonly Statement[] {
    return [equals(transportProtocol, this.#protocol), dnat(address, port)];
  }

  /** The way for traffic to NodePorts, external and load-balancer addresses. */
  #externalChain(cluster: string | undefined, local: string | undefined, isLocal: boolean): string | undefined {
    if (cluster === undefined && local === undefined) return undefined;
    const rules: Rule[] = [];
    if (!isLocal) rules.push({ statements: [jump(CHAIN.mark)] });
    else if (cluster !== undefined) {
      const isOwn = equals(sourceType, 'local');
      const isPod = equals(sourceAddress(this.#context.family), addressOrPrefix(this.#context.clusterCidr));
      rules.push(
        { statements: [isPod, goto(cluster)], comment: 'pods are not external' },
        { statements: [isOwn, jump(CHAIN.mark)], comment: 'nor is this node' },
        { statements: [isOwn, goto(cluster)] },
      );
    }
    const last = isLocal ? local : cluster;
    if (last !== undefined) rules.push({ statements: [goto(last)] });
    if (rules.length === 0) return undefined;
    const name = `external-${this.#id}`;
    this.chains.set(name, { rules });
    return name;
  }

  /** loadBalancerSourceRanges: everyone else is dropped before the address is translated. */
  #allowSources(address: string): void {
    const ranges = this.#service.spec?.loadBalancerSourceRanges ?? [];
    const ingress = this.#service.status?.loadBalancer?.ingress ?? [];
    const own = ranges.map((range) => range.trim()).filter((range) => isOfFamily(range, this.#context.family));
    if (ranges.length === 0 || !ingress.some(({ ip }) => ip === address)) return;
    const name = `firewall-${this.#id}`;
    const allowed: Expression = { set: own.map((range) => addressOrPrefix(range)) };
    const match = own.length === 0 ? [] : [differs(sourceAddress(this.#context.family), allowed)];
    this.chains.set(name, { rules: [{ statements: [...match, drop] }] });
    this.#put(SET.firewallIps, elementKey(address, this.#protocol, this.#port.port), goto(name));
  }

  #frontend(way: { readonly address?: string; readonly port: number }): void {
    if (this.#protocol !== 'udp') return;
    const { cluster, local } = this.#choice;
    this.udp.push({ ...way, targets: [...new Set([...cluster, ...local].map(({ address }) => address))] });
  }

  #put(set: string, key: string, verdict: Verdict | null): void {
    this.elements.set(set, (this.elements.get(set) ?? new Map<string, Verdict | null>()).set(key, verdict));
  }
}

function clusterAddresses({ spec }: Service, family: Family): string[] {
  const all = spec?.clusterIPs ?? (spec?.clusterIP === undefined ? [] : [spec.clusterIP]);
  return all.filter((address) => isOfFamily(address, family));
}

function externalAddresses({ spec, status }: Service, family: Family): string[] {
  const ingress = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, ipMode }) =>
    ip === undefined || ipMode === 'Proxy' ? [] : [ip],
  );
  return [...new Set([...(spec?.externalIPs ?? []), ...ingress])].filter((address) => isOfFamily(address, family));
}

/** What is no address or prefix is left out too: one of them would make nft refuse the table of all Services. */
function isOfFamily(address: string, family: Family): boolean {
  return (isIp(address) || isCidr(address)) && address.includes(':') === (family === 'ip6');
}

/** Names of chains and sets may have 127 bytes; the longest kind and endpoint added to this need 70. */
const READABLE_MAX = 48;

function portId({ metadata }: Service, protocol: string, port: ServicePort): string {
  const readable = `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}/${protocol}/${port.name ?? ''}`;
  return `${hash(readable)}-${readable.slice(0, READABLE_MAX)}`;
}

/** FNV-1a, 64 bits, in base 36. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = BigInt.asUintN(64, (value ^ BigInt(byte)) * 0x100000001b3n);
  return value.toString(36).toUpperCase().padStart(13, '0');
}
