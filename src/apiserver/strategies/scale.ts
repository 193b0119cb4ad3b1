import type { Deployment, LabelSelector, ReplicaSet } from '../../api/objects.ts';
import { invalid } from '../../api/field-error.ts';
import { formatSelector, selectorOf } from '../../api/selector.ts';
import type { SubresourceStrategy } from '../registry/strategy.ts';

/** The scale of a workload: how many replicas are wanted and how many there are (autoscaling/v1 Scale). */
export const scaleSubresource: SubresourceStrategy = {
  type: 'view',
  view(object) {
    const { metadata = {}, spec, status } = object as Deployment | ReplicaSet;
    const { name = '', namespace = '', uid = '', resourceVersion = '', creationTimestamp = '' } = metadata;
    return {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      spec: replicasOf(spec?.replicas ?? 0),
      status: { replicas: status?.replicas ?? 0, selector: textOf(spec?.selector) },
    };
  },
  apply(view, object) {
    const replicas = (view as { spec?: { replicas?: number } }).spec?.replicas ?? 0;
    if (replicas < 0) return [invalid('spec.replicas', replicas, 'must be greater than or equal to 0')];
    const workload = object as ReplicaSet;
    if (workload.spec !== undefined) workload.spec.replicas = replicas;
    return [];
  },
};

/** Zero is left out, as upstream's omitempty does. */
function replicasOf(replicas: number): { replicas?: number } {
  return replicas === 0 ? {} : { replicas };
}

function textOf(selector: LabelSelector | undefined): string {
  return formatSelector(selectorOf(selector) ?? []);
}
