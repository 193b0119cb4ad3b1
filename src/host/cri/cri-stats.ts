import type { ContainerStats, InterfaceStats, SandboxStats, UsageStats } from './cri.ts';
import { containerMetadataMessage, sandboxMetadataMessage } from './cri-config.ts';
import type { SandboxMetadata } from './cri-config.ts';
import { field, map, message, repeated } from '../protobuf.ts';

/** Stats messages of CRI v1 and how they are read. */

interface WireUint {
  value: bigint;
}
type Uint = WireUint | undefined;
const uint = message<WireUint>('UInt64Value', { value: field(1, 'biguint64') });

interface WireCpu {
  timestamp: bigint;
  usage: Uint;
}
const cpu = message<WireCpu>('CpuUsage', { timestamp: field(1, 'bigint64'), usage: field(2, uint) });

interface WireMemory {
  workingSet: Uint;
  available: Uint;
  usage: Uint;
  rss: Uint;
  faults: Uint;
  majorFaults: Uint;
}
const memory = message<WireMemory>('MemoryUsage', {
  workingSet: field(2, uint),
  available: field(3, uint),
  usage: field(4, uint),
  rss: field(5, uint),
  faults: field(6, uint),
  majorFaults: field(7, uint),
});

interface WireFilesystem {
  id: { mountpoint: string } | undefined;
  used: Uint;
  inodes: Uint;
}
const filesystemId = message<{ mountpoint: string }>('FilesystemIdentifier', { mountpoint: field(1, 'string') });
export const filesystemMessage = message<WireFilesystem>('FilesystemUsage', {
  id: field(2, filesystemId),
  used: field(3, uint),
  inodes: field(4, uint),
});

interface WireAttributes {
  id: string;
  metadata: { name: string; attempt: number } | undefined;
  labels: Record<string, string>;
}
const attributes = message<WireAttributes>('ContainerAttributes', {
  id: field(1, 'string'),
  metadata: field(2, containerMetadataMessage),
  labels: map(3, 'string', 'string'),
});
export interface WireContainerStats {
  attributes: WireAttributes | undefined;
  cpu: WireCpu | undefined;
  memory: WireMemory | undefined;
  writableLayer: WireFilesystem | undefined;
}
const containerStats = message<WireContainerStats>('ContainerStats', {
  attributes: field(1, attributes),
  cpu: field(2, cpu),
  memory: field(3, memory),
  writableLayer: field(4, filesystemMessage),
});
export const containerStatsResponse = message<{ stats: WireContainerStats | undefined }>('ContainerStatsResponse', {
  stats: field(1, containerStats),
});
interface StatsFilter {
  sandboxId: string;
  labelSelector: Record<string, string>;
}
const statsFilter = message<StatsFilter>('ContainerStatsFilter', {
  sandboxId: field(2, 'string'),
  labelSelector: map(3, 'string', 'string'),
});
export const listContainerStatsRequest = message<{ filter: StatsFilter }>('ListContainerStatsRequest', {
  filter: field(1, statsFilter),
});
export const listContainerStatsResponse = message<{ stats: WireContainerStats[] }>('ListContainerStatsResponse', {
  stats: repeated(1, containerStats),
});

interface WireInterface {
  name: string;
  rxBytes: Uint;
  rxErrors: Uint;
  txBytes: Uint;
  txErrors: Uint;
}
const interfaceUsage = message<WireInterface>('NetworkInterfaceUsage', {
  name: field(1, 'string'),
  rxBytes: field(2, uint),
  rxErrors: field(3, uint),
  txBytes: field(4, uint),
  txErrors: field(5, uint),
});
interface WireNetworkUsage {
  main: WireInterface | undefined;
  others: WireInterface[];
}
const networkUsage = message<WireNetworkUsage>('NetworkUsage', {
  main: field(2, interfaceUsage),
  others: repeated(3, interfaceUsage),
});
const processUsage = message<{ count: Uint }>('ProcessUsage', { count: field(2, uint) });
interface WireLinuxStats {
  cpu: WireCpu | undefined;
  memory: WireMemory | undefined;
  network: WireNetworkUsage | undefined;
  process: { count: Uint } | undefined;
  containers: WireContainerStats[];
}
const linuxStats = message<WireLinuxStats>('LinuxPodSandboxStats', {
  cpu: field(1, cpu),
  memory: field(2, memory),
  network: field(3, networkUsage),
  process: field(4, processUsage),
  containers: repeated(5, containerStats),
});
interface WireSandboxAttributes {
  id: string;
  metadata: SandboxMetadata | undefined;
}
const sandboxAttributes = message<WireSandboxAttributes>('PodSandboxAttributes', {
  id: field(1, 'string'),
  metadata: field(2, sandboxMetadataMessage),
});
export interface WireSandboxStats {
  attributes: WireSandboxAttributes | undefined;
  linux: WireLinuxStats | undefined;
}
const sandboxStats = message<WireSandboxStats>('PodSandboxStats', {
  attributes: field(1, sandboxAttributes),
  linux: field(2, linuxStats),
});
export const sandboxStatsResponse = message<{ stats: WireSandboxStats | undefined }>('PodSandboxStatsResponse', {
  stats: field(1, sandboxStats),
});

/** A wrapped number, cut to what a double holds exactly (an unlimited cgroup says 2^63). */
export function readUint(wrapped: Uint): number | undefined {
  if (wrapped === undefined) return undefined;
  return wrapped.value > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(wrapped.value);
}

/** containerd says 0 where a group has no limit (1.7, on cgroup v1 and v2), which is no memory left in others' eyes. */
function readAvailable(wrapped: Uint): number | undefined {
  return wrapped?.value === 0n ? undefined : readUint(wrapped);
}

function readUsage(cpu: WireCpu | undefined, memory: WireMemory | undefined): UsageStats {
  return {
    timestampMs: Number((cpu?.timestamp ?? 0n) / 1_000_000n),
    cpuNanoseconds: readUint(cpu?.usage),
    memoryWorkingSetBytes: readUint(memory?.workingSet),
    memoryUsageBytes: readUint(memory?.usage),
    memoryRssBytes: readUint(memory?.rss),
    memoryAvailableBytes: readAvailable(memory?.available),
    pageFaults: readUint(memory?.faults),
    majorPageFaults: readUint(memory?.majorFaults),
  };
}

/** A container's numbers from the wire. */
export function readContainerStats(wire: WireContainerStats): ContainerStats {
  return {
    ...readUsage(wire.cpu, wire.memory),
    id: wire.attributes?.id ?? '',
    name: wire.attributes?.metadata?.name ?? '',
    attempt: wire.attributes?.metadata?.attempt ?? 0,
    labels: wire.attributes?.labels ?? {},
    writableBytes: readUint(wire.writableLayer?.used),
    writableInodes: readUint(wire.writableLayer?.inodes),
  };
}

/** A sandbox's numbers from the wire. */
export function readSandboxStats(wire: WireSandboxStats): SandboxStats {
  const { attributes, linux } = wire;
  const main = linux?.network?.main;
  const interfaces = [...(main === undefined ? [] : [main]), ...(linux?.network?.others ?? [])];
  return {
    ...readUsage(linux?.cpu, linux?.memory),
    id: attributes?.id ?? '',
    metadata: attributes?.metadata ?? { name: '', uid: '', namespace: '', attempt: 0 },
    interfaces: interfaces.map(readInterface),
    processCount: readUint(linux?.process?.count),
    containers: (linux?.containers ?? []).map(readContainerStats),
  };
}

function readInterface(wire: WireInterface): InterfaceStats {
  return {
    name: wire.name,
    rxBytes: readUint(wire.rxBytes) ?? 0,
    rxErrors: readUint(wire.rxErrors) ?? 0,
    txBytes: readUint(wire.txBytes) ?? 0,
    txErrors: readUint(wire.txErrors) ?? 0,
  };
}
