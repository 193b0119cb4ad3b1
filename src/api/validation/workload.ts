import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { Deployment, LabelSelector, PodTemplateSpec, ReplicaSet } from '../objects.ts';
import { matchesLabels, selectorOf } from '../selector.ts';
import { validateLabelSelector } from './label-selector.ts';
import { immutable, NOT_NEGATIVE, validateAnnotations, validateLabels } from './object-meta.ts';
import { validatePodSpec } from './pod-spec.ts';

/** A Deployment, apart from its metadata (pkg/apis/apps/validation, ValidateDeployment). */
export function validateDeployment(deployment: Deployment): FieldError[] {
  const { spec } = deployment;
  if (spec === undefined) return [required('spec.selector'), required('spec.template.spec.containers')];
  const errors = notNegative(spec.replicas, 'spec.replicas');
  errors.push(...validateSelector(spec.selector));
  errors.push(...validateTemplate(spec.template, spec.selector));
  errors.push(...validateStrategy(spec.strategy ?? {}));
  errors.push(...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'));
  errors.push(...notNegative(spec.revisionHistoryLimit, 'spec.revisionHistoryLimit'));
  const deadline = spec.progressDeadlineSeconds;
  if (deadline !== undefined) {
    errors.push(...notNegative(deadline, 'spec.progressDeadlineSeconds'));
    if (deadline <= (spec.minReadySeconds ?? 0))
      errors.push(invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
  return errors;
}

/** A Deployment's and a ReplicaSet's selector is for ever. */
export function validateWorkloadUpdate(now: Deployment | ReplicaSet, old: Deployment | ReplicaSet): FieldError[] {
  return immutable('spec.selector', now.spec?.selector, old.spec?.selector);
}

/** A ReplicaSet, apart from its metadata. */
export function validateReplicaSet(replicaSet: ReplicaSet): FieldError[] {
  const { spec } = replicaSet;
  if (spec === undefined) return [required('spec.selector'), required('spec.template')];
  return [
    ...notNegative(spec.replicas, 'spec.replicas'),
    ...notNegative(spec.minReadySeconds, 'spec.minReadySeconds'),
    ...validateSelector(spec.selector),
    ...validateTemplate(spec.template, spec.selector),
  ];
}

/** Counts in a workload's status: none negative, and no part larger than the whole. */
export function validateReplicaStatus(
  status: Readonly<Record<string, unknown>>,
  fields: readonly string[],
): FieldError[] {
  const number = (field: string): number => (typeof status[field] === 'number' ? status[field] : 0);
  const errors = fields.flatMap((field) => notNegative(number(field), `status.${field}`));
  for (const field of fields) {
    if (
      field !== 'replicas' &&
      field !== 'observedGeneration' &&
      field !== 'unavailableReplicas' &&
      field !== 'terminatingReplicas' &&
      field !== 'collisionCount' &&
      number(field) > number('replicas')
    )
      errors.push(invalid(`status.${field}`, number(field), 'cannot be greater than status.replicas'));
  }
  if (fields.includes('availableReplicas') && number('availableReplicas') > number('readyReplicas'))
    errors.push(
      invalid('status.availableReplicas', number('availableReplicas'), 'cannot be greater than readyReplicas'),
    );
  return errors;
}

function notNegative(value: number | undefined, path: string): FieldError[] {
  return (value ?? 0) < 0 ? [invalid(path, value, NOT_NEGATIVE)] : [];
}

function validateSelector(selector: LabelSelector | undefined): FieldError[] {
  if (selector === undefined) return [required('spec.selector')];
  const errors = validateLabelSelector(selector, 'spec.selector');
  if (Object.keys(selector.matchLabels ?? {}).length + (selector.matchExpressions ?? []).length === 0)
    errors.push(invalid('spec.selector', selector, 'empty selector is invalid for deployment'));
  return errors;
}

/** The template of a workload that keeps its pods running: its labels match, its pods restart always. */
function validateTemplate(template: PodTemplateSpec | undefined, selector: LabelSelector | undefined): FieldError[] {
  if (template === undefined) return [required('spec.template')];
  const errors: FieldError[] = [];
  const requirements = selectorOf(selector);
  const labels = template.metadata?.labels;
  if (requirements !== null && requirements.length > 0 && !matchesLabels(requirements, labels))
    errors.push(invalid('spec.template.metadata.labels', labels ?? {}, '`selector` does not match template `labels`'));
  errors.push(...validateLabels(labels, 'spec.template.labels'));
  errors.push(...validateAnnotations(template.metadata?.annotations, 'spec.template.annotations'));
  const spec = template.spec;
  if (spec === undefined) return [...errors, required('spec.template.spec.containers')];
  errors.push(...validatePodSpec(spec, 'spec.template.spec'));
  if ((spec.ephemeralContainers ?? []).length > 0)
    errors.push(
      forbiddenField('spec.template.spec.ephemeralContainers', 'ephemeral containers not allowed in pod template'),
    );
  if (spec.restartPolicy && spec.restartPolicy !== 'Always')
    errors.push(notSupported('spec.template.spec.restartPolicy', spec.restartPolicy, ['Always']));
  if (spec.activeDeadlineSeconds !== undefined)
    errors.push(
      forbiddenField(
        'spec.template.spec.activeDeadlineSeconds',
        'activeDeadlineSeconds in ReplicaSet is not Supported',
      ),
    );
  return errors;
}

type DeploymentStrategy = NonNullable<NonNullable<Deployment['spec']>['strategy']>;

function validateStrategy(strategy: DeploymentStrategy): FieldError[] {
  const at = 'spec.strategy';
  if (strategy.type === 'Recreate') {
    if (strategy.rollingUpdate === undefined) return [];
    return [forbiddenField(`${at}.rollingUpdate`, "may not be specified when strategy `type` is 'Recreate'")];
  }
  if (strategy.type !== 'RollingUpdate')
    return [notSupported(`${at}.type`, strategy.type, ['Recreate', 'RollingUpdate'])];
  const rolling = strategy.rollingUpdate;
  if (rolling === undefined) return [required(`${at}.rollingUpdate`, 'this should be defaulted and never be nil')];
  const errors = [
    ...intOrPercent(rolling.maxUnavailable, `${at}.rollingUpdate.maxUnavailable`),
    ...intOrPercent(rolling.maxSurge, `${at}.rollingUpdate.maxSurge`),
  ];
  if (numberOf(rolling.maxUnavailable) === 0 && numberOf(rolling.maxSurge) === 0)
    errors.push(
      invalid(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable, 'may not be 0 when `maxSurge` is 0'),
    );
  if (typeof rolling.maxUnavailable === 'string' && numberOf(rolling.maxUnavailable) > 100)
    errors.push(invalid(`${at}.rollingUpdate.maxUnavailable`, rolling.maxUnavailable, 'must not be greater than 100%'));
  return errors;
}

function intOrPercent(value: number | string | undefined, at: string): FieldError[] {
  if (typeof value === 'number') return notNegative(value, at);
  if (/^\d+%$/.test(value ?? '')) return [];
  return [
    invalid(
      at,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

function numberOf(value: number | string | undefined): number {
  return typeof value === 'number' ? value : Number((value ?? '0').replace('%', ''));
}
