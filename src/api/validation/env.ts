import type { FieldError } from '../field-error.ts';
import { invalid, notSupported, required } from '../field-error.ts';
import type { EnvFromSource, EnvVar } from '../objects.ts';
import { configMapKey, envVarName } from './names.ts';

const ENV_FIELDS = [
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
  'spec.nodeName',
  'spec.serviceAccountName',
  'status.hostIP',
  'status.hostIPs',
  'status.podIP',
  'status.podIPs',
];
const VOLUME_FIELDS = [
  'metadata.annotations',
  'metadata.labels',
  'metadata.name',
  'metadata.namespace',
  'metadata.uid',
];
const CONTAINER_RESOURCES = ['limits.cpu', 'limits.ephemeral-storage', 'limits.memory'];
const RESOURCES = [...CONTAINER_RESOURCES, ...CONTAINER_RESOURCES.map((name) => name.replace('limits', 'requests'))];

type FieldRef = NonNullable<NonNullable<EnvVar['valueFrom']>['fieldRef']>;
type ResourceRef = NonNullable<NonNullable<EnvVar['valueFrom']>['resourceFieldRef']>;

/** Environment variables: their names, and one source for each value. */
export function validateEnv(variables: readonly EnvVar[], path: string): FieldError[] {
  return variables.flatMap((variable, i) => {
    const at = `${path}[${i}]`;
    const errors = variable.name
      ? envVarName(variable.name).map((why) => invalid(`${at}.name`, variable.name, why))
      : [required(`${at}.name`)];
    return [...errors, ...validateSource(variable, `${at}.valueFrom`)];
  });
}

function validateSource({ value, valueFrom }: EnvVar, at: string): FieldError[] {
  if (valueFrom === undefined) return [];
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
  const sources = [fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef].filter(Boolean).length;
  const errors: FieldError[] = [];
  if (fieldRef !== undefined) errors.push(...validateFieldRef(fieldRef, ENV_FIELDS, `${at}.fieldRef`));
  if (resourceFieldRef !== undefined)
    errors.push(...validateResourceFieldRef(resourceFieldRef, false, `${at}.resourceFieldRef`));
  for (const [name, ref] of Object.entries({ configMapKeyRef, secretKeyRef })) {
    if (ref === undefined) continue;
    if (!ref.name) errors.push(required(`${at}.${name}.name`));
    if (!ref.key) errors.push(required(`${at}.${name}.key`));
    else errors.push(...configMapKey(ref.key).map((why) => invalid(`${at}.${name}.key`, ref.key, why)));
  }
  if (sources === 0)
    errors.push(
      invalid(
        at,
        '',
        'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`',
      ),
    );
  else if (value) errors.push(invalid(at, '', 'may not be specified when `value` is not empty'));
  if (sources > 1) errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
  return errors;
}

/** A field of the pod in an environment variable or a file of a downward API volume. */
function validateFieldRef(ref: FieldRef, fields: readonly string[], at: string): FieldError[] {
  if (!ref.apiVersion) return [required(`${at}.apiVersion`)];
  if (!ref.fieldPath) return [required(`${at}.fieldPath`)];
  if (ref.apiVersion !== 'v1')
    return [
      invalid(
        `${at}.fieldPath`,
        ref.fieldPath,
        `error converting fieldPath: unsupported pod version: ${ref.apiVersion}`,
      ),
    ];
  const subscript = /^(metadata\.(?:labels|annotations))\['(.+)'\]$/.exec(ref.fieldPath);
  if (subscript !== null || fields.includes(ref.fieldPath)) return [];
  if (!ENV_FIELDS.includes(ref.fieldPath) && !VOLUME_FIELDS.includes(ref.fieldPath))
    return [
      invalid(
        `${at}.fieldPath`,
        ref.fieldPath,
        `error converting fieldPath: field label not supported: ${ref.fieldPath}`,
      ),
    ];
  return [notSupported(`${at}.fieldPath`, ref.fieldPath, fields)];
}

/** A field of the pod in a file of a volume. */
export function validateVolumeFieldRef(ref: FieldRef, at: string): FieldError[] {
  return validateFieldRef(ref, VOLUME_FIELDS, at);
}

/** A container's resource; in a volume it has to say of which container. */
export function validateResourceFieldRef(ref: ResourceRef, isVolume: boolean, at: string): FieldError[] {
  if (isVolume && !ref.containerName) return [required(`${at}.containerName`)];
  if (!ref.resource) return [required(`${at}.resource`)];
  if (!RESOURCES.includes(ref.resource) && !/^(limits|requests)\.hugepages-/.test(ref.resource))
    return [notSupported(`${at}.resource`, ref.resource, RESOURCES)];
  return [];
}

/** Whole ConfigMaps and Secrets as environment variables. */
export function validateEnvFrom(sources: readonly EnvFromSource[], path: string): FieldError[] {
  return sources.flatMap(({ prefix, configMapRef, secretRef }, i) => {
    const at = `${path}[${i}]`;
    const errors = prefix ? envVarName(prefix).map((why) => invalid(`${at}.prefix`, prefix, why)) : [];
    if (configMapRef !== undefined && !configMapRef.name) errors.push(required(`${at}.configMapRef.name`));
    if (secretRef !== undefined && !secretRef.name) errors.push(required(`${at}.secretRef.name`));
    if (configMapRef === undefined && secretRef === undefined)
      errors.push(invalid(at, '', 'must specify one of: `configMapRef` or `secretRef`'));
    if (configMapRef !== undefined && secretRef !== undefined)
      errors.push(invalid(at, '', 'may not have more than one field specified at a time'));
    return errors;
  });
}
