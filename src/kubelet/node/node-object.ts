import type { ContainerImage, Node, NodeCondition, NodeStatus, Taint } from '../../api/objects.ts';
import { formatBytes, formatMilli } from '../../api/quantity.ts';
import { rfc3339 } from '../../api/time.ts';
import type { Board } from '../../host/board.ts';
import type { RuntimeCondition, RuntimeImage } from '../../host/cri/cri.ts';
import { thresholdQuantity } from '../eviction/thresholds.ts';
import type { PressureType, Thresholds } from '../eviction/thresholds.ts';

/** The Kubernetes version whose kubelet this one stands for. */
export const KUBELET_VERSION = 'v1.36.0+bramble';

/** Images told of in the Node object, the largest first (upstream nodeStatusMaxImages). */
const IMAGES_MAX = 50;
const IMAGE_NAMES_MAX = 5;

/** What the board keeps for itself. */
export interface Reserved {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly storageBytes: number;
}

/** What a Node's status is made from. */
export interface NodeFacts {
  readonly name: string;
  readonly board: Board;
  /** What the board is short of. */
  readonly pressures: readonly PressureType[];
  readonly thresholds: Thresholds;
  readonly reserved: Reserved;
  readonly podsMax: number;
  readonly addresses: readonly string[];
  readonly port: number;
  /** `containerd://1.7.24` */
  readonly runtimeVersion: string;
  readonly images: readonly RuntimeImage[];
  /** Why the board is not ready, each with its own sentence. */
  readonly problems: readonly string[];
  readonly nowMs: number;
}

/** What pods may use: capacity, less what the board keeps, less the eviction threshold, where pods would be ended. */
export function allocatable(board: Board, reserved: Reserved, thresholds: Thresholds): Reserved {
  const { memoryBytes, storageBytes } = board;
  const keptMemory = thresholdQuantity(thresholds['memory.available'] ?? '0', memoryBytes);
  const keptStorage = thresholdQuantity(thresholds['nodefs.available'] ?? '0', storageBytes);
  return {
    cpuMilli: Math.max(0, board.cpuMilli - reserved.cpuMilli),
    memoryBytes: Math.max(0, memoryBytes - reserved.memoryBytes - keptMemory),
    storageBytes: Math.max(0, storageBytes - keptStorage - reserved.storageBytes),
  };
}

/** The Node object to register with. */
export function newNode(
  facts: NodeFacts,
  given: { readonly labels: Readonly<Record<string, string>>; readonly taints: readonly Taint[] },
): Node {
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: {
      name: facts.name,
      labels: nodeLabels(facts.name, facts.board.architecture, given.labels),
      annotations: { 'volumes.kubernetes.io/controller-managed-attach-detach': 'true' },
    },
    ...(given.taints.length === 0 ? {} : { spec: { taints: [...given.taints] } }),
    status: nodeStatus(facts, undefined),
  };
}

/** The labels that a node carries by itself, and those it was given. */
export function nodeLabels(
  name: string,
  architecture: string,
  given: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    'beta.kubernetes.io/arch': architecture,
    'beta.kubernetes.io/os': 'linux',
    'kubernetes.io/arch': architecture,
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    ...given,
  };
}

/** The Node's status. @param before as the API has it: conditions keep their time of change, others' stay */
export function nodeStatus(facts: NodeFacts, before: NodeStatus | undefined): NodeStatus {
  const { board, reserved, thresholds } = facts;
  return {
    capacity: resources({ ...board }, facts.podsMax),
    allocatable: resources(allocatable(board, reserved, thresholds), facts.podsMax),
    conditions: nodeConditions(facts, before?.conditions ?? []),
    addresses: [
      ...facts.addresses.map((address) => ({ type: 'InternalIP', address })),
      { type: 'Hostname', address: facts.name },
    ],
    daemonEndpoints: { kubeletEndpoint: { Port: facts.port } },
    nodeInfo: {
      machineID: board.machineId,
      systemUUID: board.systemUuid,
      bootID: board.bootId,
      kernelVersion: board.kernelVersion,
      osImage: board.osImage,
      containerRuntimeVersion: facts.runtimeVersion,
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: '',
      operatingSystem: 'linux',
      architecture: board.architecture,
    },
    images: nodeImages(facts.images),
  };
}

function resources(amounts: Reserved, podsMax: number): Record<string, string> {
  return {
    cpu: formatMilli(amounts.cpuMilli),
    memory: formatBytes(Math.floor(amounts.memoryBytes / 1024) * 1024),
    'ephemeral-storage': formatBytes(Math.floor(amounts.storageBytes / 1024) * 1024),
    pods: String(podsMax),
  };
}

function nodeImages(images: readonly RuntimeImage[]): ContainerImage[] {
  return images
    .toSorted((a, b) => b.sizeBytes - a.sizeBytes)
    .slice(0, IMAGES_MAX)
    .map(({ repoTags, repoDigests, sizeBytes }) => ({
      names: [...repoDigests, ...repoTags].slice(0, IMAGE_NAMES_MAX),
      sizeBytes,
    }));
}

function nodeConditions(facts: NodeFacts, before: readonly NodeCondition[]): NodeCondition[] {
  const now = rfc3339(facts.nowMs);
  const own = ownConditions(facts).map((condition): NodeCondition => {
    const former = before.find(({ type }) => type === condition.type);
    const isSame = former?.status === condition.status && former.lastTransitionTime !== undefined;
    return { ...condition, lastHeartbeatTime: now, lastTransitionTime: isSame ? former.lastTransitionTime : now };
  });
  const types = new Set(own.map(({ type }) => type));
  return [...before.filter(({ type }) => !types.has(type)), ...own];
}

function ownConditions({ pressures, problems }: NodeFacts): NodeCondition[] {
  return [
    pressures.includes('MemoryPressure')
      ? condition('MemoryPressure', true, 'KubeletHasInsufficientMemory', 'kubelet has insufficient memory available')
      : condition('MemoryPressure', false, 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    pressures.includes('DiskPressure')
      ? condition('DiskPressure', true, 'KubeletHasDiskPressure', 'kubelet has disk pressure')
      : condition('DiskPressure', false, 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    pressures.includes('PIDPressure')
      ? condition('PIDPressure', true, 'KubeletHasInsufficientPID', 'kubelet has insufficient PID available')
      : condition('PIDPressure', false, 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    problems.length === 0
      ? condition('Ready', true, 'KubeletReady', 'kubelet is posting ready status')
      : condition('Ready', false, 'KubeletNotReady', goErrors(problems)),
  ];
}

function condition(type: string, isTrue: boolean, reason: string, message: string): NodeCondition {
  return { type, status: isTrue ? 'True' : 'False', reason, message };
}

/** Several errors as Go's errors.Aggregate prints them. */
function goErrors(problems: readonly string[]): string {
  return problems.length === 1 ? (problems[0] ?? '') : `[${problems.join(', ')}]`;
}

/** Why the runtime's conditions keep the board from being ready (upstream runtimeState). */
export function runtimeProblems(conditions: readonly RuntimeCondition[]): {
  readonly runtime: string | undefined;
  readonly network: string | undefined;
} {
  const say = (type: string, prefix: string): string | undefined => {
    const found = conditions.find((one) => one.type === type);
    if (found?.status === true) return undefined;
    return `${prefix}: ${type}=${found?.status ?? false} reason:${found?.reason ?? ''} message:${found?.message ?? ''}`;
  };
  return {
    runtime: say('RuntimeReady', 'container runtime not ready'),
    network: say('NetworkReady', 'container runtime network not ready'),
  };
}

/** Whether two statuses differ in more than the time of the heartbeat. */
export function hasStatusChanged(before: NodeStatus | undefined, now: NodeStatus): boolean {
  const strip = (status: NodeStatus | undefined): string => {
    const { conditions = [], capacity, allocatable, addresses, nodeInfo, images, daemonEndpoints } = status ?? {};
    const bare = conditions.map(({ type, status, reason, message }) => ({ type, status, reason, message }));
    bare.sort((a, b) => (a.type < b.type ? -1 : 1));
    return JSON.stringify(
      [bare, capacity, allocatable, addresses, nodeInfo, images ?? [], daemonEndpoints].map(sorted),
    );
  };
  return strip(before) !== strip(now);
}

/** Objects with their keys in order: the API server may have turned them round. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, item]): [string, unknown] => [key, sorted(item)])
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
