import { holdsIpv4, type Ipv4Cidr, isIpv4, parseIpv4Cidr } from '../../api/ipv4.ts';
import type { DnsRecord } from './packet.ts';
import { addressOfReverseName, reverseName } from './reverse-name.ts';
import type { HeadlessEndpoint, NamedPort, ServiceRecord } from './service-record.ts';

/** What the zone says to a question. */
export type ZoneAnswer =
  | { readonly kind: 'records'; readonly answers: readonly DnsRecord[]; readonly additionals?: readonly DnsRecord[] }
  /** The name is there, but has no record of this type. */
  | { readonly kind: 'noData' }
  | { readonly kind: 'noName' }
  /** An ExternalName: its target is to be resolved too. */
  | { readonly kind: 'alias'; readonly answers: readonly DnsRecord[]; readonly target: string }
  /** Not ours: to be asked elsewhere. */
  | { readonly kind: 'outside' };

export interface ClusterZoneOptions {
  /** `cluster.local`. */
  readonly domain: string;
  /** Prefixes of Services and pods: names of their addresses are not asked for elsewhere. */
  readonly ownCidrs: readonly string[];
  /** Service whose address is the zone's name server. */
  readonly dnsService: { readonly namespace: string; readonly name: string };
}

/** Seconds, of every record and of "no such name" (Kubernetes DNS specification: any; CoreDNS: 5). */
const TTL = 5;
const SPECIFICATION = '1.1.0';

/** The zone of the cluster after the Kubernetes DNS-Based Service Discovery specification 1.1.0. Holds no time, asks nobody. */
export class ClusterZone {
  readonly #domain: string;
  readonly #ownCidrs: readonly Ipv4Cidr[];
  readonly #dnsService: string;
  readonly #services = new Map<string, ServiceRecord>();
  readonly #namespaces = new Map<string, number>();
  /** Reverse name → owner Service → names. */
  readonly #reverse = new Map<string, Map<string, readonly string[]>>();
  #serial = 1;

  constructor({ domain, ownCidrs, dnsService }: ClusterZoneOptions) {
    this.#domain = domain.toLowerCase();
    this.#ownCidrs = ownCidrs.flatMap((text) => parseIpv4Cidr(text) ?? []);
    this.#dnsService = `${dnsService.name}.${dnsService.namespace}`;
  }

  /** Puts in, replaces or (undefined) takes out one Service. */
  set(namespace: string, name: string, record: ServiceRecord | undefined): void {
    const key = `${name}.${namespace}`;
    const before = this.#services.get(key);
    if (before !== undefined) for (const [reverse] of this.#reverseNames(before)) this.#forget(reverse, key);
    const change = Number(record !== undefined) - Number(before !== undefined);
    this.#namespaces.set(namespace, (this.#namespaces.get(namespace) ?? 0) + change);
    if (this.#namespaces.get(namespace) === 0) this.#namespaces.delete(namespace);
    this.#serial += 1;
    if (record === undefined) {
      this.#services.delete(key);
      return;
    }
    this.#services.set(key, record);
    for (const [reverse, names] of this.#reverseNames(record)) {
      const owners = this.#reverse.get(reverse) ?? new Map<string, readonly string[]>();
      this.#reverse.set(reverse, owners.set(key, [...(owners.get(key) ?? []), ...names]));
    }
  }

  /** Whether a name is the zone's to answer, whatever it knows yet. */
  owns(name: string): boolean {
    const lower = name.toLowerCase();
    if (lower === this.#domain || lower.endsWith(`.${this.#domain}`)) return true;
    const address = addressOfReverseName(lower);
    return address !== undefined && this.#ownCidrs.some((cidr) => holdsIpv4(cidr, address));
  }

  /** @param name as asked: answers carry it so */
  lookup(name: string, type: string): ZoneAnswer {
    const lower = name.toLowerCase();
    const owners = this.#reverse.get(lower);
    if (owners !== undefined) {
      const targets = [...owners.values()].flat();
      return type === 'PTR' || type === 'ANY'
        ? records(targets.map((data) => ({ type: 'PTR', name, ttl: TTL, data })))
        : NO_DATA;
    }
    if (!this.owns(lower)) return { kind: 'outside' };
    if (lower.endsWith('.arpa')) return NO_NAME;
    if (lower === this.#domain) return this.#apex(name, type);
    const labels = lower
      .slice(0, -this.#domain.length - 1)
      .split('.')
      .toReversed();
    const [kind, ...rest] = labels;
    if (kind === 'svc') return this.#serviceName(name, type, rest);
    if (kind === 'pod') return podName(name, type, rest);
    if (lower === `dns-version.${this.#domain}`)
      return type === 'TXT' ? records([{ type, name, ttl: TTL, data: SPECIFICATION }]) : NO_DATA;
    if (kind === 'dns' && rest.length === 0) return NO_DATA;
    if (kind === 'dns' && rest.length === 1 && rest[0] === 'ns')
      return addresses(name, type, this.#services.get(this.#dnsService)?.clusterIps ?? []);
    return NO_NAME;
  }

  /** For the authority section of negative answers (RFC 2308). */
  soa(): DnsRecord {
    const [mname, rname] = [`ns.dns.${this.#domain}`, `hostmaster.${this.#domain}`];
    const data = { mname, rname, serial: this.#serial, refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL };
    return { type: 'SOA', name: this.#domain, ttl: TTL, data };
  }

  #apex(name: string, type: string): ZoneAnswer {
    if (type === 'SOA') return records([this.soa()]);
    if (type === 'NS') return records([{ type, name, ttl: TTL, data: `ns.dns.${this.#domain}` }]);
    return NO_DATA;
  }

  /** `rest` is what stands before `svc`, from right to left: namespace, service, and what belongs to it. */
  #serviceName(name: string, type: string, rest: readonly string[]): ZoneAnswer {
    const [namespace, service, second, first, ...more] = rest;
    if (namespace === undefined) return NO_DATA;
    if (service === undefined) return this.#namespaces.has(namespace) ? NO_DATA : NO_NAME;
    const record = this.#services.get(`${service}.${namespace}`);
    if (record === undefined || more.length > 0) return NO_NAME;
    if (second === undefined) return this.#service(name, type, record);
    if (record.externalName !== undefined) return NO_NAME;
    if (first === undefined && !second.startsWith('_')) {
      const named = record.endpoints.filter(({ label }) => label === second);
      return named.length === 0
        ? NO_NAME
        : addresses(
            name,
            type,
            named.map(({ address }) => address),
          );
    }
    const protocol = second.slice(1);
    if (first === undefined) return portsOf(record).some((port) => port.protocol === protocol) ? NO_DATA : NO_NAME;
    if (!first.startsWith('_') || !second.startsWith('_')) return NO_NAME;
    return this.#ports(name, type, record, { name: first.slice(1), protocol });
  }

  #service(name: string, type: string, record: ServiceRecord): ZoneAnswer {
    const { externalName, isHeadless, endpoints, clusterIps } = record;
    if (externalName !== undefined) {
      const answers: DnsRecord[] = [{ type: 'CNAME', name, ttl: TTL, data: externalName }];
      return type === 'CNAME' ? records(answers) : { kind: 'alias', answers, target: externalName };
    }
    if (!isHeadless) return addresses(name, type, clusterIps);
    // Two ports of one address are two slices: the address is one all the same.
    const all = [...new Set(endpoints.map(({ address }) => address))];
    return all.length === 0 ? NO_NAME : addresses(name, type, all);
  }

  #ports(name: string, type: string, record: ServiceRecord, wanted: Omit<NamedPort, 'port'>): ZoneAnswer {
    const isWanted = (port: NamedPort): boolean => port.name === wanted.name && port.protocol === wanted.protocol;
    const base = this.#nameOf(record);
    const targets = record.isHeadless
      ? record.endpoints.flatMap((endpoint) =>
          endpoint.ports
            .filter(isWanted)
            .map(({ port }) => ({ port, target: `${endpoint.label}.${base}`, ips: [endpoint.address] })),
        )
      : record.ports.filter(isWanted).map(({ port }) => ({ port, target: base, ips: record.clusterIps }));
    if (wanted.name === '' || targets.length === 0) return NO_NAME;
    if (type !== 'SRV' && type !== 'ANY') return NO_DATA;
    const weight = Math.max(1, Math.floor(100 / targets.length));
    return {
      kind: 'records',
      answers: targets.map(({ port, target }) => ({
        type: 'SRV',
        name,
        ttl: TTL,
        data: { priority: 0, weight, port, target },
      })),
      additionals: targets.flatMap(({ target, ips }) => ips.map((ip) => addressRecord(target, ip))),
    };
  }

  #nameOf({ name, namespace }: ServiceRecord): string {
    return `${name}.${namespace}.svc.${this.#domain}`;
  }

  #reverseNames(record: ServiceRecord): [string, string[]][] {
    const base = this.#nameOf(record);
    const own = record.clusterIps.map((ip): [string, string[]] => [reverseName(ip), [base]]);
    const byAddress = Map.groupBy(record.endpoints, ({ address }: HeadlessEndpoint) => address);
    const ofEndpoints = Array.from(byAddress, ([address, same]): [string, string[]] => [
      reverseName(address),
      [...new Set(same.map(({ label }) => `${label}.${base}`))],
    ]);
    return [...own, ...ofEndpoints];
  }

  #forget(reverse: string, key: string): void {
    const owners = this.#reverse.get(reverse);
    owners?.delete(key);
    if (owners?.size === 0) this.#reverse.delete(reverse);
  }
}

const NO_DATA: ZoneAnswer = { kind: 'noData' };
const NO_NAME: ZoneAnswer = { kind: 'noName' };

function records(answers: readonly DnsRecord[]): ZoneAnswer {
  return { kind: 'records', answers };
}

function addressRecord(name: string, ip: string): DnsRecord {
  return { type: ip.includes(':') ? 'AAAA' : 'A', name, ttl: TTL, data: ip };
}

/** The addresses of the asked type; the name is there whether or not it has any. */
function addresses(name: string, type: string, ips: readonly string[]): ZoneAnswer {
  const found = ips.map((ip) => addressRecord(name, ip)).filter((record) => type === 'ANY' || record.type === type);
  return found.length === 0 ? NO_DATA : records(found);
}

function portsOf(record: ServiceRecord): readonly NamedPort[] {
  return record.isHeadless ? record.endpoints.flatMap(({ ports }) => ports) : record.ports;
}

/** `10-244-1-5.default.pod`: the address that it says (CoreDNS `pods insecure`, as kubeadm sets it). */
function podName(name: string, type: string, rest: readonly string[]): ZoneAnswer {
  const [namespace, label, ...more] = rest;
  if (namespace === undefined || (label === undefined && more.length === 0)) return NO_DATA;
  const ip = label?.replaceAll('-', '.') ?? '';
  if (more.length > 0 || !isIpv4(ip)) return NO_NAME;
  return addresses(name, type, [ip]);
}
