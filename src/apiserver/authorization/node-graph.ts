import type { Pod } from '../../api/objects.ts';
import type { Observer, RegistryAccess } from '../registry/registry-access.ts';
import { referencesOf } from './pod-references.ts';

/**
 * Which node may see which objects, because a pod on it names them (plugin/pkg/auth/authorizer/node, graph.go).
 * Counts references, so that an object stays visible as long as one pod needs it.
 */
export class NodeGraph implements Observer<Pod> {
  /** By pod `namespace/name`: its node and its keys. */
  readonly #pods = new Map<string, { readonly node: string; readonly uid: string; readonly keys: readonly string[] }>();
  /** By `node|namespace|resource/name`: how many pods refer to it. */
  readonly #counts = new Map<string, number>();

  /** Whether a pod on the node refers to the object, or is it. */
  refers(node: string, resource: string, namespace: string, name: string): boolean {
    if (resource === 'pods') return this.#pods.get(`${namespace}/${name}`)?.node === node;
    return this.#counts.has(`${node}|${namespace}|${resource}/${name}`);
  }

  /** The node and uid of a pod that is bound, as last heard. */
  podOn(namespace: string, name: string): { readonly node: string; readonly uid: string } | undefined {
    return this.#pods.get(`${namespace}/${name}`);
  }

  onReplace(pods: readonly Pod[]): void {
    this.#pods.clear();
    this.#counts.clear();
    for (const pod of pods) this.onUpsert(pod);
  }

  onUpsert(pod: Pod): void {
    this.onDelete(pod);
    const node = pod.spec?.nodeName;
    if (!node) return;
    const namespace = pod.metadata?.namespace ?? '';
    // A mirror pod stands for a file on the node: nothing in the API gives it rights (graph.go, AddPod).
    const isMirror = pod.metadata?.annotations?.['kubernetes.io/config.mirror'] !== undefined;
    const keys = isMirror ? [] : [...referencesOf(pod)].map((reference) => `${node}|${namespace}|${reference}`);
    this.#pods.set(keyOf(pod), { node, uid: pod.metadata?.uid ?? '', keys });
    for (const key of keys) this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
  }

  onDelete(pod: Pod): void {
    const known = this.#pods.get(keyOf(pod));
    if (known === undefined) return;
    this.#pods.delete(keyOf(pod));
    for (const key of known.keys) {
      const left = (this.#counts.get(key) ?? 1) - 1;
      if (left === 0) this.#counts.delete(key);
      else this.#counts.set(key, left);
    }
  }
}

function keyOf({ metadata }: Pod): string {
  return `${metadata?.namespace ?? ''}/${metadata?.name ?? ''}`;
}

/** Keeps the graph equal to the stored pods until `signal` is aborted; resolves when it is filled first. */
export async function observeNodeGraph(graph: NodeGraph, registry: RegistryAccess, signal: AbortSignal): Promise<void> {
  await registry.observe<Pod>('pods', graph, signal);
}
