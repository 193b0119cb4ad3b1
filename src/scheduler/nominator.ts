import type { PodInfo } from './pod-info.ts';

/** Which waiting pods have been promised a place on which node, after preemption. */
export class Nominator {
  readonly #nodeOf = new Map<string, string>();
  readonly #pods = new Map<string, Map<string, PodInfo>>();

  /** The empty string takes a promise back. */
  set(pod: PodInfo, nodeName: string): void {
    this.delete(pod.key);
    if (nodeName === '') return;
    this.#nodeOf.set(pod.key, nodeName);
    const pods = this.#pods.get(nodeName) ?? new Map<string, PodInfo>();
    this.#pods.set(nodeName, pods.set(pod.key, pod));
  }

  delete(key: string): void {
    const nodeName = this.#nodeOf.get(key);
    if (nodeName === undefined) return;
    this.#nodeOf.delete(key);
    const pods = this.#pods.get(nodeName);
    pods?.delete(key);
    if (pods?.size === 0) this.#pods.delete(nodeName);
  }

  on(nodeName: string): readonly PodInfo[] {
    return [...(this.#pods.get(nodeName)?.values() ?? [])];
  }
}
