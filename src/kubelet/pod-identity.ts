import type { Container, Pod } from '../api/objects.ts';

/** Names of pods as upstream's kubelet spells them, and where its annotations say they come from. */

const SOURCE_ANNOTATION = 'kubernetes.io/config.source';
const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';
const HASH_ANNOTATION = 'kubernetes.io/config.hash';

/** The uid; '' for a pod without one, which no server has seen. */
export function podUid(pod: Pod): string {
  return pod.metadata?.uid ?? '';
}

/** The name; for a static pod with its node's name behind. */
export function podName(pod: Pod): string {
  return pod.metadata?.name ?? '';
}

/** The namespace; '' where none is said. */
export function podNamespace(pod: Pod): string {
  return pod.metadata?.namespace ?? '';
}

/** `namespace/name`: of at most one pod that runs at a time. */
export function podFullName(pod: Pod): string {
  return `${podNamespace(pod)}/${podName(pod)}`;
}

/** `name_namespace(uid)`, as Events and messages have it. */
export function describePod(pod: Pod): string {
  return `${podName(pod)}_${podNamespace(pod)}(${podUid(pod)})`;
}

/** From a file of this board, not from the API. */
export function isStaticPod(pod: Pod): boolean {
  const source = pod.metadata?.annotations?.[SOURCE_ANNOTATION];
  return source !== undefined && source !== 'api';
}

/** The API's image of a static pod. */
export function isMirrorPod(pod: Pod): boolean {
  return pod.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined;
}

/** What a static pod of the given hash is marked with. */
export function staticPodAnnotations(hash: string): Record<string, string> {
  return { [HASH_ANNOTATION]: hash, [SOURCE_ANNOTATION]: 'file' };
}

/** The static pod's uid that a mirror pod stands for; undefined for other pods. */
export function mirroredUid(pod: Pod): string | undefined {
  return pod.metadata?.annotations?.[MIRROR_ANNOTATION];
}

/** The mirror of a static pod, still without its owner. */
export function mirrorOf(pod: Pod): Pod {
  const annotations = { ...pod.metadata?.annotations };
  annotations[MIRROR_ANNOTATION] = annotations[HASH_ANNOTATION] ?? podUid(pod);
  return { ...pod, metadata: { ...pod.metadata, annotations } };
}

/** Whether the pod lives in the board's network: no sandbox address, no CNI. */
export function isHostNetwork(pod: Pod): boolean {
  return pod.spec?.hostNetwork === true;
}

/** A sidecar: an init container that is kept running (KEP-753). */
export function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

/** Containers of every sort; ephemeral ones are containers too. */
export function allContainers(pod: Pod): readonly Container[] {
  const ephemeral = pod.spec?.ephemeralContainers ?? [];
  return [...(pod.spec?.initContainers ?? []), ...(pod.spec?.containers ?? []), ...ephemeral];
}

/** The container of that name, of whichever sort. */
export function findContainerSpec(pod: Pod, name: string): Container | undefined {
  return allContainers(pod).find((container) => container.name === name);
}

/** The fieldPath of a container in Events: `spec.containers{web}`. */
export function containerFieldPath(pod: Pod, name: string): string {
  if ((pod.spec?.initContainers ?? []).some((one) => one.name === name)) return `spec.initContainers{${name}}`;
  if ((pod.spec?.ephemeralContainers ?? []).some((one) => one.name === name))
    return `spec.ephemeralContainers{${name}}`;
  return `spec.containers{${name}}`;
}
