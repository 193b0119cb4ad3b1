import type { DeleteOptions, Pod, UnknownObject } from '../../api/objects.ts';
import { invalidObject } from '../../api/field-error.ts';
import { isPodTerminal } from '../../api/pod-facts.ts';
import {
  validateEphemeralUpdate,
  validatePod,
  validatePodCreate,
  validatePodStatusUpdate,
  validatePodUpdate,
} from '../../api/validation/pod.ts';
import type { Strategy, SubresourceStrategy } from '../registry/strategy.ts';
import { BIND, bindingSubresource, bindRules } from './pod-binding.ts';
import { evictionSubresource } from './pod-eviction.ts';
import { qosClass } from '../../api/qos-class.ts';

/** What is special about Pods (pkg/registry/core/pod/strategy.go). */
export const podStrategy: Strategy = {
  returnsDeletedObject: true,

  prepareForCreate(object, { name }) {
    const pod = object as Pod;
    pod.status = { phase: 'Pending', qosClass: qosClass(pod) };
    const errors = validatePodCreate(pod).filter(({ message }) => message.startsWith('Forbidden: cannot be set'));
    if (errors.length > 0) throw invalidObject('Pod', name || (pod.metadata?.name ?? ''), errors);
    if ((pod.spec?.schedulingGates ?? []).length === 0) return;
    pod.status.conditions = [
      {
        type: 'PodScheduled',
        status: 'False',
        reason: 'SchedulingGated',
        message: 'Scheduling is blocked due to non-empty scheduling gates',
        lastTransitionTime: pod.metadata?.creationTimestamp ?? '',
      },
    ];
  },
  validate: (object) => validatePod(object as Pod),
  validateUpdate: (object, old) => validatePodUpdate(object as Pod, old as Pod),

  /** A pod that no node runs, or that has run, has nobody to say goodbye to and goes at once (CheckGracefulDelete). */
  gracefulDeletion: (object, options) => ({ graceSeconds: graceSecondsOf(object as Pod, options) }),

  selectableField(object, path) {
    const { spec } = object as Pod;
    switch (path) {
      case 'spec.hostNetwork':
        return String(spec?.hostNetwork ?? false);
      default:
        return undefined;
    }
  },
  subresources: {
    status: {
      type: 'update',
      prepareForUpdate(object, old) {
        const pod = object as Pod;
        const before = old as Pod;
        pod.status ??= {};
        const qosClass = pod.status.qosClass ?? before.status?.qosClass;
        if (qosClass !== undefined) pod.status.qosClass = qosClass;
        if (pod.metadata !== undefined && before.metadata?.ownerReferences !== undefined)
          pod.metadata.ownerReferences = before.metadata.ownerReferences;
      },
      validateUpdate: (object, old) => validatePodStatusUpdate(object as Pod, old as Pod),
    },
    ephemeralcontainers: {
      type: 'update',
      prepareForUpdate: (object, old) => keepAllButSpecField(object, old, 'ephemeralContainers'),
      validateUpdate: (object, old) => validateEphemeralUpdate(object as Pod, old as Pod),
    },
    resize: resizeRules(),
    binding: bindingSubresource,
    [BIND]: bindRules,
    eviction: evictionSubresource,
  },
};

/** Seconds that a pod gets to end. */
function graceSecondsOf(pod: Pod, { gracePeriodSeconds }: DeleteOptions): number {
  if (!pod.spec?.nodeName || isPodTerminal(pod)) return 0;
  const seconds = gracePeriodSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
  return seconds < 0 ? 1 : seconds;
}

/** Puts everything back as it was but one field of the spec. */
function keepAllButSpecField(object: UnknownObject, old: UnknownObject, field: 'ephemeralContainers'): void {
  const pod = object as Pod;
  const value = pod.spec?.[field];
  const spec = structuredClone((old as Pod).spec ?? { containers: [] });
  if (value === undefined) delete spec[field];
  else spec[field] = value;
  pod.spec = spec;
  object['status'] = structuredClone(old['status']);
}

/** In-place resize: resources of containers by name, nothing else (KEP-1287). */
function resizeRules(): SubresourceStrategy {
  return {
    type: 'update',
    prepareForUpdate(object, old) {
      const pod = object as Pod;
      const wanted = new Map(
        [...(pod.spec?.containers ?? []), ...(pod.spec?.initContainers ?? [])].map((one) => [one.name, one]),
      );
      const spec = structuredClone((old as Pod).spec ?? { containers: [] });
      for (const container of [...spec.containers, ...(spec.initContainers ?? [])]) {
        const { resources, resizePolicy } = wanted.get(container.name) ?? {};
        if (resources !== undefined) container.resources = resources;
        if (resizePolicy !== undefined) container.resizePolicy = resizePolicy;
      }
      pod.spec = spec;
      object['status'] = structuredClone(old['status']);
    },
    validateUpdate(object, old) {
      const [now, before] = [qosClass(object as Pod), qosClass(old as Pod)];
      const errors = validatePod(object as Pod);
      if (now === before) return errors;
      return [
        ...errors,
        {
          type: 'FieldValueInvalid',
          field: 'spec',
          message: `Invalid value: "${now}": Pod QOS Class may not change as a result of resizing`,
        },
      ];
    },
  };
}
