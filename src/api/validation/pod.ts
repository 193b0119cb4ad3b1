import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, required } from '../field-error.ts';
import type { Container, Pod, PodSpec, Toleration } from '../objects.ts';
import { isPodTerminal } from '../pod-facts.ts';
import { IMMUTABLE, immutable, sameJson } from './object-meta.ts';
import { validateEphemeralContainers } from './container.ts';
import { validatePodSpec } from './pod-spec.ts';

/** What upstream says to every other change of a pod's spec (ValidatePodUpdate). */
const ONLY =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

const LESS_OR_EQUAL = 'must be less than or equal to previous value';

/** A whole Pod, apart from its metadata. */
export function validatePod(pod: Pod): FieldError[] {
  if (pod.spec === undefined) return [required('spec.containers')];
  return validatePodSpec(pod.spec, 'spec');
}

/** What is asked only of new pods: ephemeral containers come later, through their subresource. */
export function validatePodCreate(pod: Pod): FieldError[] {
  const errors = validatePod(pod);
  if ((pod.spec?.ephemeralContainers ?? []).length > 0)
    errors.push(forbiddenField('spec.ephemeralContainers', 'cannot be set on create'));
  if ((pod.spec?.schedulingGates ?? []).length > 0 && pod.spec?.nodeName)
    errors.push(forbiddenField('spec.nodeName', 'cannot be set until all schedulingGates have been cleared'));
  return errors;
}

/** Changes of a pod through its main resource: images, a shorter deadline, more tolerations, and hardly anything else. */
export function validatePodUpdate(pod: Pod, old: Pod): FieldError[] {
  const spec = pod.spec ?? { containers: [] };
  const before = old.spec ?? { containers: [] };
  const errors: FieldError[] = [];
  for (const field of ['containers', 'initContainers'] as const) {
    if ((spec[field] ?? []).length !== (before[field] ?? []).length)
      return [forbiddenField(`spec.${field}`, 'pod updates may not add or remove containers')];
    for (const [i, container] of (spec[field] ?? []).entries()) {
      if (!container.image?.trim()) errors.push(required(`spec.${field}[${i}].image`));
    }
  }
  errors.push(...validateDeadline(spec.activeDeadlineSeconds, before.activeDeadlineSeconds));
  const isAdded = onlyAdds(spec.tolerations ?? [], before.tolerations ?? []);
  if (!isAdded)
    errors.push(
      forbiddenField('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds'),
    );
  errors.push(...validateGatesUpdate(spec, before));
  if (!sameJson(withoutMutable(spec, before), before)) errors.push(forbiddenField('spec', ONLY));
  return errors;
}

function validateDeadline(seconds: number | undefined, before: number | undefined): FieldError[] {
  const at = 'spec.activeDeadlineSeconds';
  if (seconds === undefined)
    return before === undefined ? [] : [invalid(at, null, 'must not update from a positive integer to nil value')];
  if (seconds < 0 || seconds > 2_147_483_647)
    return [invalid(at, seconds, 'must be between 0 and 2147483647, inclusive')];
  return before !== undefined && seconds > before ? [invalid(at, seconds, LESS_OR_EQUAL)] : [];
}

function onlyAdds(tolerations: readonly Toleration[], before: readonly Toleration[]): boolean {
  const sameButSeconds = (a: Toleration, b: Toleration): boolean =>
    sameJson({ ...a, tolerationSeconds: 0 }, { ...b, tolerationSeconds: 0 });
  return before.every((old) => tolerations.some((one) => sameButSeconds(one, old)));
}

function validateGatesUpdate(spec: PodSpec, before: PodSpec): FieldError[] {
  const gates = new Set((before.schedulingGates ?? []).map(({ name }) => name));
  const isAdded = (spec.schedulingGates ?? []).some(({ name }) => !gates.has(name));
  return isAdded
    ? [forbiddenField('spec.schedulingGates', 'only deletion is allowed, but found new scheduling gate')]
    : [];
}

/** The new spec with everything that may change put back as it was: what still differs was not allowed to. */
function withoutMutable(spec: PodSpec, before: PodSpec): PodSpec {
  const withImages = (
    list: readonly Container[] | undefined,
    old: readonly Container[] | undefined,
  ): Container[] | undefined =>
    list?.map((container, i) => (old?.[i] === undefined ? container : { ...container, image: old[i].image ?? '' }));
  const copy: PodSpec = { ...spec, containers: withImages(spec.containers, before.containers) ?? [] };
  const init = withImages(spec.initContainers, before.initContainers);
  if (init !== undefined) copy.initContainers = init;
  restore(copy, before, 'activeDeadlineSeconds');
  restore(copy, before, 'tolerations');
  restore(copy, before, 'schedulingGates');
  if ((before.terminationGracePeriodSeconds ?? 0) < 0 && spec.terminationGracePeriodSeconds === 1)
    restore(copy, before, 'terminationGracePeriodSeconds');
  // A gated pod may still say where it wants to go (KEP-3838).
  if ((before.schedulingGates ?? []).length > 0) {
    restore(copy, before, 'nodeSelector');
    restore(copy, before, 'affinity');
  }
  return copy;
}

function restore(copy: PodSpec, before: PodSpec, field: keyof PodSpec): void {
  const fields = copy as unknown as Record<string, unknown>;
  if (before[field] === undefined) delete fields[field];
  else fields[field] = before[field];
}

/** Changes through the status subresource: the node's name stays. */
export function validatePodStatusUpdate(pod: Pod, old: Pod): FieldError[] {
  const errors = immutable('status.nodeName', pod.spec?.nodeName, old.spec?.nodeName, 'may not be changed directly');
  if (old.status?.qosClass !== undefined && pod.status?.qosClass !== old.status.qosClass)
    errors.push(invalid('status.qosClass', pod.status?.qosClass ?? '', IMMUTABLE));
  if (pod.spec?.restartPolicy === 'Always') {
    errors.push(...neverRestarted(pod, old, 'containerStatuses'));
  }
  const types = (pod.status?.conditions ?? []).map(({ type }) => type);
  for (const [i, type] of types.entries()) {
    if (!type) errors.push(required(`status.conditions[${i}].type`));
  }
  return errors;
}

/** A container of a pod that always restarts cannot be said to have ended for good and then run again. */
function neverRestarted(pod: Pod, old: Pod, field: 'containerStatuses'): FieldError[] {
  if (!isPodTerminal(old)) return [];
  const running = (pod.status?.[field] ?? []).findIndex(({ state }) => state?.running !== undefined);
  return running < 0
    ? []
    : [forbiddenField(`status.${field}[${running}].state`, 'may not be transitioned to non-terminated state')];
}

/** Ephemeral containers may only be added, and nothing else may change (ValidatePodEphemeralContainersUpdate). */
export function validateEphemeralUpdate(pod: Pod, old: Pod): FieldError[] {
  const spec = pod.spec ?? { containers: [] };
  const before = old.spec?.ephemeralContainers ?? [];
  const now = spec.ephemeralContainers ?? [];
  const at = 'spec.ephemeralContainers';
  const facts = {
    hostNetwork: spec.hostNetwork === true,
    volumeNames: new Set((spec.volumes ?? []).map(({ name }) => name)),
    claimVolumes: new Set<string>(),
    restartPolicy: spec.restartPolicy ?? 'Always',
  };
  const errors = validateEphemeralContainers(now, [...spec.containers, ...(spec.initContainers ?? [])], facts, at);
  for (const one of before) {
    const current = now.find(({ name }) => name === one.name);
    if (current === undefined)
      errors.push(forbiddenField(at, `existing ephemeral containers ${JSON.stringify(one.name)} may not be removed\n`));
    else if (!sameJson(current, one))
      errors.push(forbiddenField(at, `existing ephemeral containers ${JSON.stringify(one.name)} may not be changed\n`));
  }
  return errors;
}
