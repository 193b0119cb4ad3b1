import type { Pod } from '../../api/objects.ts';
import type { DnsConfig } from '../../host/cri/cri-config.ts';
import { isHostNetwork, podNamespace } from '../pod-identity.ts';

/** glibc reads no more than these (upstream pkg/apis/core/validation limits). */
const SERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARS_MAX = 2048;

/** What the cluster's DNS is, and what the board's own resolv.conf says. */
export interface DnsFacts {
  /** Addresses of the cluster's DNS Service; empty: pods resolve as the board does. */
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  readonly host: DnsConfig;
}

/** The resolv.conf of a pod (upstream network/dns GetPodDNS). */
export function podDns(pod: Pod, facts: DnsFacts): DnsConfig {
  const base = baseConfig(pod, facts);
  const own = pod.spec?.dnsConfig;
  const options = mergeOptions(base.options, own?.options ?? []);
  return {
    servers: unique([...base.servers, ...(own?.nameservers ?? [])]).slice(0, SERVERS_MAX),
    searches: fitSearches(unique([...base.searches, ...(own?.searches ?? [])])),
    options,
  };
}

function baseConfig(pod: Pod, { clusterDns, clusterDomain, host }: DnsFacts): DnsConfig {
  const policy = pod.spec?.dnsPolicy ?? 'ClusterFirst';
  if (policy === 'None') return { servers: [], searches: [], options: [] };
  const isCluster = policy === 'ClusterFirstWithHostNet' || (policy === 'ClusterFirst' && !isHostNetwork(pod));
  if (!isCluster || clusterDns.length === 0) return host;
  const own = [`${podNamespace(pod)}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain];
  return { servers: clusterDns, searches: unique([...own, ...host.searches]), options: ['ndots:5'] };
}

/** An option of the pod replaces one of the same name. */
function mergeOptions(
  base: readonly string[],
  own: readonly { readonly name?: string; readonly value?: string }[],
): readonly string[] {
  const merged = new Map(base.map((option) => [option.split(':')[0] ?? '', option]));
  for (const { name = '', value } of own)
    merged.set(name, value === undefined || value === '' ? name : `${name}:${value}`);
  return [...merged.values()];
}

function fitSearches(searches: readonly string[]): readonly string[] {
  const result: string[] = [];
  let length = 0;
  for (const search of searches.slice(0, SEARCHES_MAX)) {
    length += search.length + (result.length === 0 ? 0 : 1);
    if (length > SEARCH_CHARS_MAX) break;
    result.push(search);
  }
  return result;
}

function unique(items: readonly string[]): readonly string[] {
  return [...new Set(items)];
}

/** What a resolv.conf says (resolv.conf(5)): the last `search` wins, `.` is no search. */
export function parseResolvConf(text: string): DnsConfig {
  const servers: string[] = [];
  let searches: readonly string[] = [];
  let options: readonly string[] = [];
  for (const line of text.split('\n')) {
    const [key, ...values] = line.trim().split(/\s+/);
    if (key === 'nameserver' && values[0] !== undefined) servers.push(values[0]);
    else if (key === 'search' || key === 'domain') searches = values.filter((one) => one !== '.').map(withoutDot);
    else if (key === 'options') options = values;
  }
  return { servers, searches, options };
}

function withoutDot(name: string): string {
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
}
