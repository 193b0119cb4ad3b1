import { controllerRefOf } from '../api/object-facts.ts';
import type { KubeObject, LabelSelector, ReplicaSet, Service, StatefulSet } from '../api/objects.ts';
import { matchesLabels, selectorOf, selectorOfMap, type Selector } from '../api/selector.ts';
import type { PodInfo } from './pod-info.ts';

/** Where groups of pods are looked up. */
export interface GroupListers {
  services(namespace: string): readonly Service[];
  replicaSet(namespace: string, name: string): ReplicaSet | undefined;
  statefulSet(namespace: string, name: string): StatefulSet | undefined;
}

/**
 * The selector of a pod's like: that of each Service which selects it and that of its owner, all together; null when there
 * is none (scheduler helper.DefaultSelector).
 */
export function groupSelector(pod: PodInfo, listers: GroupListers): Selector | null {
  const requirements: Selector[number][] = [];
  for (const { spec } of listers.services(pod.namespace)) {
    const { selector = {} } = spec ?? {};
    if (Object.keys(selector).length === 0) continue;
    const requirement = selectorOfMap(selector);
    if (matchesLabels(requirement, pod.labels)) requirements.push(...requirement);
  }
  requirements.push(...(selectorOf(ownerSelector(pod, listers)) ?? []));
  return requirements.length === 0 ? null : requirements;
}

function ownerSelector({ pod, namespace }: PodInfo, listers: GroupListers): LabelSelector | undefined {
  const owner = controllerRefOf(pod);
  if (owner === undefined || !owner.apiVersion.startsWith('apps/')) return undefined;
  const isOwner = (object: KubeObject | undefined): boolean => object?.metadata?.uid === owner.uid;
  const replicaSet = owner.kind === 'ReplicaSet' ? listers.replicaSet(namespace, owner.name) : undefined;
  if (isOwner(replicaSet)) return replicaSet?.spec?.selector;
  const statefulSet = owner.kind === 'StatefulSet' ? listers.statefulSet(namespace, owner.name) : undefined;
  return isOwner(statefulSet) ? statefulSet?.spec?.selector : undefined;
}
