import type { Pod } from '../api/objects.ts';
import { podRequests } from '../api/pod-requests.ts';
import type { ResizeRefusal } from './resize-allocation.ts';
import { isHostNetwork, isSidecar, isStaticPod } from './pod-identity.ts';

/** What the board offers. */
export interface BoardOffer {
  /** What all pods may use together. */
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly ephemeralStorageBytes: number;
  readonly pods: number;
  /** Of the Node; undefined while it is not known. */
  readonly labels: Readonly<Record<string, string>> | undefined;
}

/** Reason and message of a refusal. */
interface Refusal {
  readonly reason: string;
  readonly message: string;
}

/**
 * Why a pod bound to this board cannot run on it, as the reason and message of its failure; undefined when it can
 * (upstream lifecycle/predicate.go). Static pods always may: nothing else would run them.
 */
export function refusal(pod: Pod, others: readonly Pod[], offer: BoardOffer): Refusal | undefined {
  if (isStaticPod(pod)) return undefined;
  return lackOf(pod, others, offer) ?? misfit(pod, others, offer);
}

/**
 * Why a running pod cannot be resized to its spec: more than the whole board is infeasible, more than others leave is
 * put off until they leave it (upstream canResizePod).
 */
export function resizeRefusal(pod: Pod, others: readonly Pod[], offer: BoardOffer): ResizeRefusal | undefined {
  const { status: _, ...bare } = pod; // what it has now is given up for what it asks for
  for (const [name, capacity] of [
    ['memory', offer.memoryBytes],
    ['cpu', offer.cpuMilli],
  ] as const) {
    const requested = podRequests(bare).get(name) ?? 0;
    const message = `Node didn't have enough capacity: ${name}, requested: ${requested}, capacity: ${capacity}`;
    if (requested > capacity) return { reason: 'Infeasible', message };
  }
  const lack = lackOf(bare, others, offer);
  return lack === undefined ? undefined : { reason: 'Deferred', message: lack.message };
}

function lackOf(pod: Pod, others: readonly Pod[], offer: BoardOffer): Refusal | undefined {
  const short = (resource: string, requested: number, used: number, capacity: number): Refusal => ({
    reason: `OutOf${resource}`,
    message: `Node didn't have enough resource: ${resource}, requested: ${requested}, used: ${used}, capacity: ${capacity}`,
  });
  if (others.length + 1 > offer.pods) return short('pods', 1, others.length, offer.pods);
  for (const { name, capacity } of [
    { name: 'cpu', capacity: offer.cpuMilli },
    { name: 'memory', capacity: offer.memoryBytes },
    { name: 'ephemeral-storage', capacity: offer.ephemeralStorageBytes },
  ]) {
    const wanted = podRequests(pod).get(name) ?? 0;
    const used = others.reduce((sum, one) => sum + (podRequests(one).get(name) ?? 0), 0);
    if (wanted > 0 && used + wanted > capacity) return short(name, wanted, used, capacity);
  }
  return undefined;
}

function misfit(pod: Pod, others: readonly Pod[], { labels }: BoardOffer): Refusal | undefined {
  const fail = (name: string, why: string): Refusal => ({
    reason: name,
    message: `Predicate ${name} failed: ${why}`,
  });
  const wanted = Object.entries(pod.spec?.nodeSelector ?? {});
  if (labels !== undefined && wanted.some(([key, value]) => labels[key] !== value))
    return fail('NodeAffinity', "node(s) didn't match Pod's node affinity/selector");
  const taken = others.flatMap(hostPorts);
  if (hostPorts(pod).some((port) => taken.some((other) => conflict(port, other))))
    return fail('NodePorts', "node(s) didn't have free ports for the requested pod ports");
  return undefined;
}

interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

function hostPorts(pod: Pod): readonly HostPort[] {
  const sidecars = (pod.spec?.initContainers ?? []).filter(isSidecar);
  return [...(pod.spec?.containers ?? []), ...sidecars].flatMap(({ ports = [] }) =>
    ports.flatMap(({ hostPort, containerPort, hostIP = '', protocol = 'TCP' }) => {
      // On the board's network a port of the container is one of the board.
      const port = hostPort ?? (isHostNetwork(pod) ? containerPort : 0);
      return port > 0 ? [{ ip: hostIP === '' ? '0.0.0.0' : hostIP, protocol, port }] : [];
    }),
  );
}

function conflict(a: HostPort, b: HostPort): boolean {
  const isSameIp = a.ip === b.ip || a.ip === '0.0.0.0' || b.ip === '0.0.0.0';
  return a.port === b.port && a.protocol === b.protocol && isSameIp;
}
