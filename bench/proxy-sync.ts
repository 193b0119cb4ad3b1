/**
 * One changed Service among many: bytes to nft and time, ours against writing the whole table again with what knftables
 * and kube-proxy's first nftables mode would send (a chain per endpoint, an anonymous verdict map per Service).
 *
 *     sudo node bench/proxy-sync.ts [services=10000] [endpoints=3]
 *
 * Works in a network namespace of its own, and takes less than a minute for the defaults.
 */
import { execFileSync } from 'node:child_process';
import type { EndpointSlice, Service } from '../src/api/objects.ts';
import { createNft } from '../src/host/nft.ts';
import { renderTransaction, type Command } from '../src/nft/command.ts';
import { FragmentTable } from '../src/nft/fragment-table.ts';
import { baseTable } from '../src/proxy/base-table.ts';
import { serviceRules, type ProxyContext } from '../src/proxy/ruleset.ts';

const SERVICES = Number(process.argv[2] ?? 10_000);
const ENDPOINTS = Number(process.argv[3] ?? 3);
const ROUNDS = 20;
/** The peer's whole table takes time by the square of its size: it is measured at this part of it and below. */
const PEER_SERVICES_MAX = 4000;
const context: ProxyContext = { family: 'ip', nodeName: 'n1', clusterCidr: '10.244.0.0/16' };
const { signal } = new AbortController();

function service(index: number): Service {
  const clusterIP = `10.${96 + (index >> 16)}.${(index >> 8) & 255}.${index & 255}`;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: `service-${index}` },
    spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80, protocol: 'TCP' }] },
  };
}

/** Every round moves the endpoints of the Service to other addresses. */
function slice(index: number, round: number): EndpointSlice {
  const first = (index * ENDPOINTS + round) % 60_000;
  const addresses = Array.from({ length: ENDPOINTS }, (_, i) => `10.244.${(first + i) >> 8}.${(first + i) & 255}`);
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints: addresses.map((address) => ({ addresses: [address], nodeName: 'n2', conditions: { ready: true } })),
  };
}

/** The peer's whole table, in the text that nft reads. */
function peerTable(services: number): string {
  const lines = ['add table ip kube-proxy', 'delete table ip kube-proxy', 'add table ip kube-proxy'];
  lines.push('add map ip kube-proxy service-ips { type ipv4_addr . inet_proto . inet_service : verdict ; }');
  for (let index = 0; index < services; index += 1) {
    const { metadata, spec } = service(index);
    const chain = `service-${metadata?.name}/tcp/http`;
    const endpoints = (slice(index, 0).endpoints ?? []).map(({ addresses: [address = ''] }) => ({
      address,
      name: `endpoint-${metadata?.name}/tcp/http__${address}/8080`,
    }));
    for (const { name } of endpoints) lines.push(`add chain ip kube-proxy ${name}`);
    lines.push(`add chain ip kube-proxy ${chain}`);
    for (const { name, address } of endpoints) {
      lines.push(`add rule ip kube-proxy ${name} ip saddr ${address} meta mark set mark or 0x4000`);
      lines.push(`add rule ip kube-proxy ${name} meta l4proto tcp dnat to ${address}:8080`);
    }
    const verdicts = endpoints.map(({ name }, i) => `${i} : goto ${name}`).join(' , ');
    lines.push(`add rule ip kube-proxy ${chain} numgen random mod ${endpoints.length} vmap { ${verdicts} }`);
    lines.push(`add element ip kube-proxy service-ips { ${spec?.clusterIP} . tcp . 80 : goto ${chain} }`);
  }
  return lines.join('\n');
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

async function timed(act: () => Promise<void> | void): Promise<number> {
  const startMs = performance.now();
  await act();
  return performance.now() - startMs;
}

async function ours(
  prefix: readonly string[],
): Promise<{ fullMs: number; fullBytes: number; ms: number[]; bytes: number[] }> {
  const nft = createNft(prefix);
  const table = new FragmentTable(
    baseTable({ family: 'ip', clusterCidr: '10.244.0.0/16', nodeAddresses: ['192.168.7.1'] }),
  );
  for (let i = 0; i < SERVICES; i += 1) table.set(`s${i}`, serviceRules(service(i), [slice(i, 0)], context).fragment);
  const whole = table.replacement();
  const fullMs = await timed(() => nft.apply(whole, signal));
  const [ms, bytes]: [number[], number[]] = [[], []];
  for (let round = 1; round <= ROUNDS; round += 1) {
    const index = (round * 487) % SERVICES;
    let commands: Command[] = [];
    ms.push(
      await timed(async () => {
        table.set(`s${index}`, serviceRules(service(index), [slice(index, round)], context).fragment);
        commands = table.changes();
        await nft.apply(commands, signal);
      }),
    );
    bytes.push(renderTransaction(commands).length);
  }
  return { fullMs, fullBytes: renderTransaction(whole).length, ms, bytes };
}

async function peer(prefix: readonly string[]): Promise<{ services: number; bytes: number; ms: number }> {
  const services = Math.min(SERVICES, PEER_SERVICES_MAX);
  const text = peerTable(services);
  const argv = [...prefix, 'nft', '-f', '/dev/stdin'];
  const ms = await timed(() => void execFileSync('sh', ['-c', `cat | ${argv.join(' ')}`], { input: text }));
  return { services, bytes: text.length, ms };
}

const namespace = `bramble-bench-${process.pid}`;
execFileSync('ip', ['netns', 'add', namespace]);
try {
  const prefix = ['ip', 'netns', 'exec', namespace];
  const own = await ours(prefix);
  const starts: number[] = [];
  for (let i = 0; i < ROUNDS; i += 1)
    starts.push(await timed(() => void execFileSync('ip', [...prefix.slice(1), 'nft', 'add table ip bramble'])));
  execFileSync('ip', [...prefix.slice(1), 'nft', 'flush', 'ruleset']);
  const other = await peer(prefix);
  const print = (what: string, bytes: number, ms: number): void =>
    console.log(`${what.padEnd(58)} ${String(bytes).padStart(10)} bytes ${ms.toFixed(1).padStart(9)} ms`);
  print(
    `one changed Service of ${SERVICES}, ${ENDPOINTS} endpoints (median of ${ROUNDS})`,
    median(own.bytes),
    median(own.ms),
  );
  print('  of which the program nft takes for nothing, at least', 0, median(starts));
  print('  the slowest of them', Math.max(...own.bytes), Math.max(...own.ms));
  print(`the whole table of ${SERVICES} Services, ours`, own.fullBytes, own.fullMs);
  print(`the whole table of ${other.services} Services, as knftables writes it`, other.bytes, other.ms);
  const perService = other.bytes / other.services;
  console.log(
    `bytes, whole table as knftables / our change: ${Math.round((perService * SERVICES) / median(own.bytes))}`,
  );
} finally {
  execFileSync('ip', ['netns', 'delete', namespace]);
}
