import type { Node } from '../api/objects.ts';
import { fullImageName } from '../api/image-name.ts';
import type { HostPort, PodInfo } from './pod-info.ts';
import { addResources, readResources, type Resources } from '../api/pod-requests.ts';

/** A node with the pods that are, or are about to be, on it, and their sums. */
export class NodeInfo {
  readonly name: string;
  readonly node: Node;
  readonly labels: Readonly<Record<string, string>>;
  readonly allocatable: Resources;
  /** Sum of the pods' requests. */
  readonly requested: Resources = new Map();
  /** The same with usual amounts for what asks for nothing. */
  readonly nonZeroRequested: Resources = new Map();
  /** Size in bytes by normalized name. */
  readonly images: ReadonlyMap<string, number>;
  readonly #pods = new Map<string, PodInfo>();
  readonly #withAffinity = new Set<PodInfo>();
  readonly #withRequiredAntiAffinity = new Set<PodInfo>();
  readonly #hostPorts = new Map<string, readonly HostPort[]>();

  constructor(node: Node, pods: Iterable<PodInfo> = []) {
    this.node = node;
    this.name = node.metadata?.name ?? '';
    this.labels = node.metadata?.labels ?? {};
    this.allocatable = readResources(node.status?.allocatable);
    this.images = imagesOf(node);
    for (const pod of pods) this.add(pod);
  }

  get pods(): ReadonlyMap<string, PodInfo> {
    return this.#pods;
  }

  /** Those with any pod affinity or anti-affinity. */
  get podsWithAffinity(): ReadonlySet<PodInfo> {
    return this.#withAffinity;
  }

  get podsWithRequiredAntiAffinity(): ReadonlySet<PodInfo> {
    return this.#withRequiredAntiAffinity;
  }

  *usedPorts(): Generator<HostPort> {
    for (const ports of this.#hostPorts.values()) yield* ports;
  }

  /** Adds a pod, or puts its new state in the place of the old. */
  add(pod: PodInfo): void {
    this.remove(pod.key);
    this.#pods.set(pod.key, pod);
    addResources(this.requested, pod.requests);
    addResources(this.nonZeroRequested, pod.nonZeroRequests);
    const { affinity, antiAffinity, preferredAffinity, preferredAntiAffinity } = pod;
    if (affinity.length + antiAffinity.length + preferredAffinity.length + preferredAntiAffinity.length > 0)
      this.#withAffinity.add(pod);
    if (antiAffinity.length > 0) this.#withRequiredAntiAffinity.add(pod);
    if (pod.hostPorts.length > 0) this.#hostPorts.set(pod.key, pod.hostPorts);
  }

  remove(key: string): void {
    const pod = this.#pods.get(key);
    if (pod === undefined) return;
    this.#pods.delete(key);
    addResources(this.requested, pod.requests, -1);
    addResources(this.nonZeroRequested, pod.nonZeroRequests, -1);
    this.#withAffinity.delete(pod);
    this.#withRequiredAntiAffinity.delete(pod);
    this.#hostPorts.delete(key);
  }

  /** The same node with other pods, for trying things out. */
  with(pods: Iterable<PodInfo>): NodeInfo {
    return new NodeInfo(this.node, pods);
  }
}

function imagesOf(node: Node): ReadonlyMap<string, number> {
  const images = new Map<string, number>();
  for (const { names = [], sizeBytes = 0 } of node.status?.images ?? [])
    for (const name of names) images.set(fullImageName(name), sizeBytes);
  return images;
}
