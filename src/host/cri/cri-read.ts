import { StatusError } from '../../api/status.ts';
import type { ContainerEvent, RuntimeContainer, RuntimeContainerStatus, Sandbox, SandboxStatus } from './cri.ts';
import { POD_UID_LABEL } from './cri-call.ts';
import { NAMESPACE_MODE } from './cri-config.ts';
import type { WireContainer, WireContainerStatus, WireEvent, WireSandbox, WireSandboxStatus } from './cri-messages.ts';

/** From CRI's messages to ours: enum numbers become words, nanoseconds become milliseconds. */

const CONTAINER_STATES = ['created', 'running', 'exited', 'unknown'] as const;
const EVENT_TYPES = ['created', 'started', 'stopped', 'deleted'] as const;
const NO_METADATA = { name: '', uid: '', namespace: '', attempt: 0 };

function toMs(nanoseconds: bigint): number {
  // Go's zero time is far below 1970.
  return nanoseconds <= 0n ? 0 : Number(nanoseconds / 1_000_000n);
}

/** A sandbox of a listing. */
export function readSandbox(wire: WireSandbox): Sandbox {
  return {
    id: wire.id,
    metadata: wire.metadata ?? NO_METADATA,
    state: wire.state === 0 ? 'ready' : 'notready',
    createdAtMs: toMs(wire.createdAt),
    labels: wire.labels,
    annotations: wire.annotations,
  };
}

/** @throws StatusError NotFound when the answer was empty */
export function readSandboxStatus(wire: WireSandboxStatus | undefined, id: string): SandboxStatus {
  if (wire === undefined) throw new StatusError('NotFound', `sandbox "${id}" not found`);
  const { network } = wire;
  const ips = [network?.ip ?? '', ...(network?.additionalIps ?? []).map((one) => one.ip)].filter((ip) => ip !== '');
  return {
    ...readSandbox(wire),
    ips,
    isHostNetwork: wire.linux?.namespaces?.options?.network === NAMESPACE_MODE.node,
  };
}

function readCommon(wire: Omit<WireContainer, 'sandboxId'>): Omit<RuntimeContainer, 'sandboxId'> {
  return {
    id: wire.id,
    name: wire.metadata?.name ?? '',
    attempt: wire.metadata?.attempt ?? 0,
    state: CONTAINER_STATES[wire.state] ?? 'unknown',
    createdAtMs: toMs(wire.createdAt),
    labels: wire.labels,
    annotations: wire.annotations,
    image: wire.image?.image ?? '',
    imageRef: wire.imageRef,
  };
}

/** A container of a listing. */
export function readContainer(wire: WireContainer): RuntimeContainer {
  return { ...readCommon(wire), sandboxId: wire.sandboxId };
}

/** @throws StatusError NotFound when the answer was empty */
export function readContainerStatus(wire: WireContainerStatus | undefined, id: string): RuntimeContainerStatus {
  if (wire === undefined) throw new StatusError('NotFound', `container "${id}" not found`);
  return {
    ...readCommon(wire),
    startedAtMs: toMs(wire.startedAt),
    finishedAtMs: toMs(wire.finishedAt),
    exitCode: wire.exitCode,
    reason: wire.reason,
    message: wire.message,
    logPath: wire.logPath,
    mounts: wire.mounts,
    resources: wire.resources?.linux,
    user: wire.user?.linux,
  };
}

/** An event of the runtime; of a container whose sandbox it does not name, the pod is unknown: ''. */
export function readEvent(wire: WireEvent): ContainerEvent {
  return {
    containerId: wire.containerId,
    type: EVENT_TYPES[wire.type] ?? 'created',
    podUid: wire.sandbox?.metadata?.uid ?? wire.sandbox?.labels[POD_UID_LABEL] ?? '',
  };
}
