import type { Pod } from '../api/objects.ts';
import { isMirrorPod, isStaticPod, mirroredUid, podFullName, podUid } from './pod-identity.ts';

/** The pods that the board shall run, from the API and from files, and the mirrors of the latter (upstream pod_manager). */
export class PodStore {
  readonly #apiPods = new Map<string, Pod>();
  readonly #staticPods = new Map<string, Pod>();
  /** By full name. */
  readonly #mirrors = new Map<string, Pod>();

  putApi(pod: Pod): void {
    if (isMirrorPod(pod)) this.#mirrors.set(podFullName(pod), pod);
    else this.#apiPods.set(podUid(pod), pod);
  }

  removeApi(pod: Pod): void {
    const mirror = this.#mirrors.get(podFullName(pod));
    if (isMirrorPod(pod) && mirror !== undefined && podUid(mirror) === podUid(pod))
      this.#mirrors.delete(podFullName(pod));
    this.#apiPods.delete(podUid(pod));
  }

  /** Replaces the static pods. @returns those that are gone, and those that were not there before */
  setStatic(pods: readonly Pod[]): { readonly gone: readonly Pod[]; readonly added: readonly Pod[] } {
    const now = new Map(pods.map((pod) => [podUid(pod), pod]));
    const gone = [...this.#staticPods.values()].filter((pod) => !now.has(podUid(pod)));
    const added = pods.filter((pod) => !this.#staticPods.has(podUid(pod)));
    this.#staticPods.clear();
    for (const [uid, pod] of now) this.#staticPods.set(uid, pod);
    return { gone, added };
  }

  get(uid: string): Pod | undefined {
    return this.#apiPods.get(uid) ?? this.#staticPods.get(uid);
  }

  /** All but mirrors: one entry per pod that runs. */
  all(): readonly Pod[] {
    return [...this.#apiPods.values(), ...this.#staticPods.values()];
  }

  staticPods(): readonly Pod[] {
    return [...this.#staticPods.values()];
  }

  mirrors(): readonly Pod[] {
    return [...this.#mirrors.values()];
  }

  mirrorOf(pod: Pod): Pod | undefined {
    return this.#mirrors.get(podFullName(pod));
  }

  /** The API's pod that shows the status of this uid. */
  apiPod(uid: string): Pod | undefined {
    const pod = this.get(uid);
    if (pod === undefined) return undefined;
    if (!isStaticPod(pod)) return pod;
    const mirror = this.mirrorOf(pod);
    // A mirror of an older version of the file shows nothing of the new one.
    return mirror !== undefined && mirroredUid(mirror) === uid ? mirror : undefined;
  }

  /** The uid that the runtime knows the pod by: a mirror's is its static pod's. */
  runningUid(pod: Pod): string {
    if (!isMirrorPod(pod)) return podUid(pod);
    return mirroredUid(pod) ?? podUid(pod);
  }
}
