import type { Node } from '../api/objects.ts';
import type { Snapshot } from './framework.ts';
import { NodeInfo } from './node-info.ts';
import type { PodInfo } from './pod-info.ts';

/**
 * The nodes and the pods on them: those that the API server says are there, and those assumed, for which a binding is on
 * its way. It is its own snapshot, for cycles are synchronous.
 */
export class SchedulerCache implements Snapshot {
  readonly #nodes = new Map<string, NodeInfo>();
  /** key -> where the pod is, or is assumed to be */
  readonly #places = new Map<
    string,
    { readonly nodeName: string; readonly pod: PodInfo; readonly isAssumed: boolean }
  >();
  /** Pods on nodes that are not known, or not any more. */
  readonly #homeless = new Map<string, Map<string, PodInfo>>();
  #list: readonly NodeInfo[] | undefined;

  get nodes(): readonly NodeInfo[] {
    this.#list ??= [...this.#nodes.values()];
    return this.#list;
  }

  node(name: string): NodeInfo | undefined {
    return this.#nodes.get(name);
  }

  /** How much is known, under the names of kube-scheduler's metric. */
  sizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number } {
    const assumed = [...this.#places.values()].filter(({ isAssumed }) => isAssumed);
    return { nodes: this.#nodes.size, pods: this.#places.size, assumed_pods: assumed.length };
  }

  /** Whether a binding of this pod is on its way and not yet seen to have arrived. */
  isAssumed(key: string): boolean {
    return this.#places.get(key)?.isAssumed ?? false;
  }

  putNode(node: Node): void {
    const name = node.metadata?.name ?? '';
    const pods = this.#nodes.get(name)?.pods ?? this.#homeless.get(name) ?? new Map<string, PodInfo>();
    this.#homeless.delete(name);
    this.#nodes.set(name, new NodeInfo(node, pods.values()));
    this.#list = undefined;
  }

  removeNode(name: string): void {
    const pods = this.#nodes.get(name)?.pods;
    if (pods === undefined) return;
    if (pods.size > 0) this.#homeless.set(name, new Map(pods));
    this.#nodes.delete(name);
    this.#list = undefined;
  }

  /** Takes in a pod that has a node; confirms it if it was assumed. */
  putPod(pod: PodInfo): void {
    this.#place(pod, pod.pod.spec?.nodeName ?? '', false);
  }

  removePod(key: string): void {
    const place = this.#places.get(key);
    if (place === undefined) return;
    this.#places.delete(key);
    this.#nodes.get(place.nodeName)?.remove(key);
    const homeless = this.#homeless.get(place.nodeName);
    homeless?.delete(key);
    if (homeless?.size === 0) this.#homeless.delete(place.nodeName);
  }

  /** Counts a pod on a node before the API server knows. */
  assume(pod: PodInfo, nodeName: string): void {
    this.#place(pod, nodeName, true);
  }

  /** Takes an assumption back, unless it was confirmed meanwhile. */
  forget({ key, uid }: Pick<PodInfo, 'key' | 'uid'>): void {
    const place = this.#places.get(key);
    // A new pod of the same name may have been assumed since.
    if (place?.isAssumed === true && place.pod.uid === uid) this.removePod(key);
  }

  #place(pod: PodInfo, nodeName: string, isAssumed: boolean): void {
    this.removePod(pod.key);
    this.#places.set(pod.key, { nodeName, pod, isAssumed });
    const node = this.#nodes.get(nodeName);
    if (node !== undefined) return node.add(pod);
    const homeless = this.#homeless.get(nodeName) ?? new Map<string, PodInfo>();
    this.#homeless.set(nodeName, homeless.set(pod.key, pod));
  }
}
