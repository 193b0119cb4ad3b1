import type { Pod } from '../../api/objects.ts';
import type { InterfaceStats, UsageStats } from '../../host/cri/cri.ts';
import type { FilesystemRoom } from './node-usage.ts';
import type { ContainerUsage, PodUsage, Usage } from './usage-reader.ts';

/** `/stats/summary` in upstream's shape (k8s.io/kubelet stats/v1alpha1 Summary). @param onlyCpuAndMemory as the query asks */
export function statsSummary(nodeName: string, usage: Usage, onlyCpuAndMemory: boolean): object {
  const { node, imageFilesystem, imageBytes } = usage;
  const time = timeOf(node.timestampMs);
  const basic = { nodeName, startTime: timeOf(node.bootMs), cpu: cpuOf(node), memory: memoryOf(node) };
  const pods = usage.pods.map((pod) => podSummary(pod, imageFilesystem, onlyCpuAndMemory));
  if (onlyCpuAndMemory) return { node: basic, pods };
  return {
    node: {
      ...basic,
      network: networkOf(time, node.interfaces),
      fs: { time, ...node.filesystem },
      runtime: {
        imageFs: { time, ...imageFilesystem, usedBytes: imageBytes },
        containerFs: { time, ...imageFilesystem, usedBytes: imageBytes },
      },
      rlimit: { time, maxpid: node.pidsMax, curproc: node.pids },
    },
    pods,
  };
}

function podSummary({ pod, stats, containers }: PodUsage, room: FilesystemRoom, onlyCpuAndMemory: boolean): object {
  const { name = '', namespace = '', uid = '' } = pod.metadata ?? {};
  const time = timeOf(stats.timestampMs);
  const basic = {
    podRef: { name, namespace, uid },
    startTime: pod.status?.startTime ?? null,
    containers: containers.map((one) => containerSummary(pod, one, room, onlyCpuAndMemory)),
    cpu: cpuOf(stats),
    memory: memoryOf(stats),
  };
  if (onlyCpuAndMemory) return basic;
  const usedBytes = containers.reduce((sum, one) => sum + (one.stats.writableBytes ?? 0) + one.logBytes, 0);
  return {
    ...basic,
    ...(stats.interfaces.length === 0 ? {} : { network: networkOf(time, stats.interfaces) }),
    'ephemeral-storage': { time, ...room, usedBytes },
    ...(stats.processCount === undefined ? {} : { process_stats: { process_count: stats.processCount } }),
  };
}

function containerSummary(
  pod: Pod,
  { stats, logBytes }: ContainerUsage,
  room: FilesystemRoom,
  onlyCpuAndMemory: boolean,
): object {
  const time = timeOf(stats.timestampMs);
  const basic = {
    name: stats.name,
    startTime: startedAt(pod, stats.name) ?? null,
    cpu: cpuOf(stats),
    memory: memoryOf(stats),
  };
  if (onlyCpuAndMemory) return basic;
  const inodesUsed = stats.writableInodes === undefined ? {} : { inodesUsed: stats.writableInodes };
  return {
    ...basic,
    rootfs: { time, ...room, usedBytes: stats.writableBytes ?? 0, ...inodesUsed },
    logs: { time, ...room, usedBytes: logBytes },
  };
}

/** When the container of that name began its present run. RFC 3339. */
export function startedAt(pod: Pod, name: string): string | undefined {
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod.status ?? {};
  const all = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses];
  return all.find((one) => one.name === name)?.state?.running?.startedAt;
}

function cpuOf(stats: UsageStats & { readonly cpuNanoCores: number | undefined }): object {
  return {
    time: timeOf(stats.timestampMs),
    ...(stats.cpuNanoCores === undefined ? {} : { usageNanoCores: stats.cpuNanoCores }),
    usageCoreNanoSeconds: stats.cpuNanoseconds ?? 0,
  };
}

/** Fields of which nothing is known are left out: JSON drops what is undefined. */
function memoryOf(stats: UsageStats): object {
  return {
    time: timeOf(stats.timestampMs),
    availableBytes: stats.memoryAvailableBytes,
    usageBytes: stats.memoryUsageBytes,
    workingSetBytes: stats.memoryWorkingSetBytes,
    rssBytes: stats.memoryRssBytes,
    pageFaults: stats.pageFaults,
    majorPageFaults: stats.majorPageFaults,
  };
}

function networkOf(time: string, interfaces: readonly InterfaceStats[]): object {
  const [main] = interfaces;
  return { time, ...main, interfaces };
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
