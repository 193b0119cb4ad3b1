import type { Container, Pod, ResourceRequirements } from '../../api/objects.ts';
import { parseMilli, parseUnits } from '../../api/quantity.ts';
import type { LinuxResources } from '../../host/cri/cri-config.ts';
import { isSidecar } from '../pod-identity.ts';
import { qosClass } from '../../api/qos-class.ts';

/** From requests and limits to what the kernel takes (upstream pkg/kubelet/cm/helpers_linux.go, qos/policy.go). */

const SHARES_MIN = 2;
const SHARES_MAX = 262_144;
export const PERIOD_US = 100_000;
const QUOTA_MIN_US = 1000;
const OOM_GUARANTEED = -997;
const OOM_BEST_EFFORT = 1000;
/** Pods of priority class system-node-critical and above. */
const CRITICAL_PRIORITY = 2_000_000_000;

/** cgroup v1 weight of so many thousandths of a CPU. */
export function cpuShares(milli: number): number {
  if (milli === 0) return SHARES_MIN;
  return Math.min(SHARES_MAX, Math.max(SHARES_MIN, Math.floor((milli * 1024) / 1000)));
}

/** cgroup v2 weight of the same share (KEP-2254). */
export function cpuWeight(shares: number): number {
  return Math.floor(1 + ((shares - 2) * 9999) / 262_142);
}

/** CFS quota in microseconds per period; 0 is none. */
export function cpuQuota(milli: number): number {
  return milli === 0 ? 0 : Math.max(QUOTA_MIN_US, Math.floor((milli * PERIOD_US) / 1000));
}

interface Amounts {
  readonly cpuRequestMilli: number;
  readonly cpuLimitMilli: number;
  readonly memoryRequestBytes: number;
  readonly memoryLimitBytes: number;
}

/** Requests and limits as numbers, 0 where absent; a limit alone is its own request. */
function amounts(resources: ResourceRequirements | undefined): Amounts {
  const { limits, requests } = resources ?? {};
  const cpuLimitMilli = parseMilli(limits?.['cpu'] ?? 0);
  const memoryLimitBytes = parseUnits(limits?.['memory'] ?? 0);
  return {
    cpuLimitMilli,
    memoryLimitBytes,
    cpuRequestMilli: requests?.['cpu'] === undefined ? cpuLimitMilli : parseMilli(requests['cpu']),
    memoryRequestBytes: requests?.['memory'] === undefined ? memoryLimitBytes : parseUnits(requests['memory']),
  };
}

/** What the board can do about limits. */
export interface LimitFacts {
  readonly memoryCapacityBytes: number;
  readonly cgroupVersion: 1 | 2;
  /** The kernel limits swap: pods then get none. */
  readonly hasSwapLimit: boolean;
}

/** The container's limits for the runtime. */
export function containerResources(pod: Pod, container: Container, facts: LimitFacts): LinuxResources {
  const own = amounts(container.resources);
  const quota = cpuQuota(own.cpuLimitMilli);
  const memory = own.memoryLimitBytes;
  return {
    cpuShares: cpuShares(own.cpuRequestMilli),
    ...(quota === 0 ? {} : { cpuPeriod: PERIOD_US, cpuQuota: quota }),
    ...(memory === 0 ? {} : { memoryLimitInBytes: memory }),
    ...(memory === 0 || !facts.hasSwapLimit ? {} : { memorySwapLimitInBytes: memory }),
    oomScoreAdj: oomScore(pod, container, facts.memoryCapacityBytes),
    // All processes of a container go together when its memory is full.
    ...(facts.cgroupVersion === 2 ? { unified: { 'memory.oom.group': '1' } } : {}),
  };
}

/** Who is killed first when the board's memory is full: 1000 first, -997 last. */
export function oomScore(pod: Pod, container: Container, memoryCapacityBytes: number): number {
  if ((pod.spec?.priority ?? 0) >= CRITICAL_PRIORITY) return OOM_GUARANTEED;
  const qos = qosClass(pod);
  if (qos === 'Guaranteed') return OOM_GUARANTEED;
  if (qos === 'BestEffort') return OOM_BEST_EFFORT;
  const own = burstableScore(container, memoryCapacityBytes);
  if (!isSidecar(container)) return own;
  const mains = (pod.spec?.containers ?? []).map((one) => burstableScore(one, memoryCapacityBytes));
  return Math.min(own, ...mains);
}

function burstableScore(container: Container, memoryCapacityBytes: number): number {
  const request = amounts(container.resources).memoryRequestBytes;
  const score = 1000 - Math.trunc((1000 * request) / memoryCapacityBytes);
  if (score < 1000 + OOM_GUARANTEED) return 1000 + OOM_GUARANTEED;
  return score === OOM_BEST_EFFORT ? score - 1 : score;
}

/** What the pod's own cgroup gets. */
export interface PodLimits {
  readonly cpuShares: number;
  /** 0: no limit. */
  readonly cpuQuotaUs: number;
  readonly memoryBytes: number;
}

/** Limits of the pod as a whole: limits only where every container has one (upstream ResourceConfigForPod). */
export function podLimits(pod: Pod): PodLimits {
  const own = pod.spec?.resources;
  const mains = (pod.spec?.containers ?? []).map((one) => amounts(one.resources));
  const inits = pod.spec?.initContainers ?? [];
  const sidecars = inits.filter(isSidecar).map((one) => amounts(one.resources));
  const onceOnly = inits.filter((one) => !isSidecar(one)).map((one) => amounts(one.resources));
  const running = [...mains, ...sidecars];
  const total = (key: keyof Amounts): number => {
    const sum = running.reduce((all, one) => all + one[key], 0);
    const largestInit = Math.max(0, ...onceOnly.map((one) => one[key]));
    return Math.max(sum, largestInit);
  };
  const all = [...running, ...onceOnly];
  const hasCpu = all.length > 0 && all.every((one) => one.cpuLimitMilli > 0);
  const hasMemory = all.length > 0 && all.every((one) => one.memoryLimitBytes > 0);
  const wanted = amounts(own);
  const overhead = amounts({ requests: pod.spec?.overhead ?? {} });
  const pick = (given: number, computed: number): number => (given > 0 ? given : computed);
  const cpuRequest = pick(wanted.cpuRequestMilli, total('cpuRequestMilli')) + overhead.cpuRequestMilli;
  const cpuLimit = pick(wanted.cpuLimitMilli, hasCpu ? total('cpuLimitMilli') : 0);
  const memory = pick(wanted.memoryLimitBytes, hasMemory ? total('memoryLimitBytes') : 0);
  return {
    cpuShares: cpuShares(cpuRequest),
    cpuQuotaUs: cpuQuota(cpuLimit === 0 ? 0 : cpuLimit + overhead.cpuRequestMilli),
    memoryBytes: memory === 0 ? 0 : memory + overhead.memoryRequestBytes,
  };
}
