import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { Volume, VolumeProjection } from '../objects.ts';
import { compareQuantity, isQuantity } from '../quantity.ts';
import { validateResourceFieldRef, validateVolumeFieldRef } from './env.ts';
import { dns1123Label } from './names.ts';
import { descendingPath } from './security-context.ts';

const HOST_PATH_TYPES = [
  '',
  'BlockDevice',
  'CharDevice',
  'Directory',
  'DirectoryOrCreate',
  'File',
  'FileOrCreate',
  'Socket',
];
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';
/** A projected token lives at least ten minutes and at most 2^32 seconds. */
const TOKEN_SECONDS_MIN = 600;
const TOKEN_SECONDS_MAX = 2 ** 32;

/** The volumes of a pod: unique names, one source each. */
export function validateVolumes(volumes: readonly Volume[], path: string): FieldError[] {
  const names = new Set<string>();
  return volumes.flatMap((volume, i) => {
    const at = `${path}[${i}]`;
    const errors = validateSources(volume, at);
    if (!volume.name) errors.push(required(`${at}.name`));
    else errors.push(...dns1123Label(volume.name).map((why) => invalid(`${at}.name`, volume.name, why)));
    if (names.has(volume.name)) errors.push(duplicate(`${at}.name`, volume.name));
    names.add(volume.name);
    return errors;
  });
}

function validateSources(volume: Volume, at: string): FieldError[] {
  const sources = Object.keys(volume).filter((key) => key !== 'name');
  if (sources.length === 0) return [required(at, 'must specify a volume type')];
  const errors: FieldError[] = [];
  for (const [i, source] of sources.entries()) {
    if (i > 0) errors.push(forbiddenField(`${at}.${source}`, 'may not specify more than 1 volume type'));
    else errors.push(...validateSource(volume, source, `${at}.${source}`));
  }
  return errors;
}

function validateSource(volume: Volume, source: string, at: string): FieldError[] {
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected, persistentVolumeClaim, nfs, csi } = volume;
  switch (source) {
    case 'emptyDir':
      return isQuantity(emptyDir?.sizeLimit) && compareQuantity(emptyDir.sizeLimit, 0) < 0
        ? [forbiddenField(`${at}.sizeLimit`, 'SizeLimit field must be a valid resource quantity')]
        : [];
    case 'hostPath':
      return validateHostPath(hostPath?.path ?? '', hostPath?.type ?? '', at);
    case 'secret':
      return [...(secret?.secretName ? [] : [required(`${at}.secretName`)]), ...validateFiles(secret ?? {}, at)];
    case 'configMap':
      return [...(configMap?.name ? [] : [required(`${at}.name`)]), ...validateFiles(configMap ?? {}, at)];
    case 'downwardAPI':
      return validateDownward(downwardAPI ?? {}, at);
    case 'projected':
      return validateProjected(projected ?? {}, at);
    case 'persistentVolumeClaim':
      return persistentVolumeClaim?.claimName ? [] : [required(`${at}.claimName`)];
    case 'nfs':
      return [
        ...(nfs?.server ? [] : [required(`${at}.server`)]),
        ...(nfs?.path ? [] : [required(`${at}.path`)]),
        ...(nfs?.path?.startsWith('/') === false ? [invalid(`${at}.path`, nfs.path, 'must be an absolute path')] : []),
      ];
    case 'csi':
      return csi?.driver ? [] : [required(`${at}.driver`)];
    default:
      // The kubelet refuses what it cannot mount.
      return [];
  }
}

function validateHostPath(path: string, type: string, at: string): FieldError[] {
  if (path === '') return [required(`${at}.path`)];
  const errors = path.split('/').includes('..') ? [invalid(`${at}.path`, path, "must not contain '..'")] : [];
  if (!HOST_PATH_TYPES.includes(type)) errors.push(notSupported(`${at}.type`, type, HOST_PATH_TYPES));
  return errors;
}

interface Files {
  defaultMode?: number;
  items?: readonly { key?: string; path?: string; mode?: number }[];
}

function validateFiles({ defaultMode, items }: Files, at: string): FieldError[] {
  const errors = validateMode(defaultMode, `${at}.defaultMode`);
  for (const [i, item] of (items ?? []).entries()) {
    const here = `${at}.items[${i}]`;
    if (!item.key) errors.push(required(`${here}.key`));
    if (!item.path) errors.push(required(`${here}.path`));
    errors.push(...validateFilePath(item.path ?? '', `${here}.path`));
    if (item.mode !== undefined && (item.mode < 0 || item.mode > 0o777))
      errors.push(invalid(`${here}.mode`, item.mode, MODE));
  }
  return errors;
}

/** A file inside a volume: relative, never up, never a name that the kubelet's own links have. */
function validateFilePath(path: string, at: string): FieldError[] {
  const errors = descendingPath(path, at);
  if (path.startsWith('..') && !path.startsWith('../')) errors.push(invalid(at, path, "must not start with '..'"));
  return errors;
}

function validateMode(mode: number | undefined, at: string): FieldError[] {
  return mode !== undefined && (mode < 0 || mode > 0o777) ? [invalid(at, mode, MODE)] : [];
}

type Downward = NonNullable<VolumeProjection['downwardAPI']> & { defaultMode?: number };

function validateDownward({ defaultMode, items }: Downward, at: string): FieldError[] {
  const errors = validateMode(defaultMode, `${at}.defaultMode`);
  for (const [i, { path, fieldRef, resourceFieldRef, mode }] of (items ?? []).entries()) {
    const here = `${at}.items[${i}]`;
    if (!path) errors.push(required(`${here}.path`));
    errors.push(...validateFilePath(path ?? '', `${here}.path`));
    if (fieldRef !== undefined) {
      errors.push(...validateVolumeFieldRef(fieldRef, `${here}.fieldRef`));
      if (resourceFieldRef !== undefined)
        errors.push(invalid(here, 'resource', 'fieldRef and resourceFieldRef can not be specified simultaneously'));
    } else if (resourceFieldRef !== undefined) {
      errors.push(...validateResourceFieldRef(resourceFieldRef, true, `${here}.resourceFieldRef`));
    } else {
      errors.push(required(`${here}.fieldRef`, 'one of fieldRef and resourceFieldRef is required'));
    }
    errors.push(...validateMode(mode, `${here}.mode`));
  }
  return errors;
}

function validateProjected(projected: NonNullable<Volume['projected']>, at: string): FieldError[] {
  const errors = validateMode(projected.defaultMode, `${at}.defaultMode`);
  const paths = new Set<string>();
  for (const [i, source] of (projected.sources ?? []).entries()) {
    const here = `${at}.sources[${i}]`;
    const kinds = Object.keys(source);
    if (kinds.length === 0) errors.push(required(here, 'must specify a volume projection source'));
    for (const extra of kinds.slice(1))
      errors.push(forbiddenField(`${here}.${extra}`, 'may not specify more than 1 volume type'));
    errors.push(...validateProjection(source, here));
    for (const [file, field] of filesOf(source, here)) {
      if (paths.has(file)) errors.push(invalid(field, file, 'conflicting duplicate paths'));
      paths.add(file);
    }
  }
  return errors;
}

function validateProjection(source: VolumeProjection, at: string): FieldError[] {
  const { secret, configMap, downwardAPI, serviceAccountToken } = source;
  const errors: FieldError[] = [];
  if (secret !== undefined) {
    if (!secret.name) errors.push(required(`${at}.secret.name`));
    errors.push(...validateFiles(secret, `${at}.secret`));
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.push(required(`${at}.configMap.name`));
    errors.push(...validateFiles(configMap, `${at}.configMap`));
  }
  if (downwardAPI !== undefined) errors.push(...validateDownward(downwardAPI, `${at}.downwardAPI`));
  if (serviceAccountToken !== undefined) {
    const { expirationSeconds = 3600, path } = serviceAccountToken;
    const here = `${at}.serviceAccountToken`;
    if (expirationSeconds < TOKEN_SECONDS_MIN)
      errors.push(
        invalid(`${here}.expirationSeconds`, expirationSeconds, 'may not specify a duration less than 10 minutes'),
      );
    if (expirationSeconds > TOKEN_SECONDS_MAX)
      errors.push(
        invalid(`${here}.expirationSeconds`, expirationSeconds, 'may not specify a duration larger than 2^32 seconds'),
      );
    if (!path) errors.push(required(`${here}.path`));
    else errors.push(...validateFilePath(path, `${here}.path`));
  }
  return errors;
}

/** Paths that a source writes, each with its field. */
function filesOf(
  { secret, configMap, downwardAPI, serviceAccountToken }: VolumeProjection,
  at: string,
): [string, string][] {
  const lists = Object.entries({ secret, configMap, downwardAPI });
  const files = lists.flatMap(([name, source]): [string, string][] =>
    (source?.items ?? []).flatMap(({ path }, i) => (path ? [[path, `${at}.${name}.items[${i}].path`]] : [])),
  );
  const token = serviceAccountToken?.path;
  return token ? [...files, [token, `${at}.serviceAccountToken.path`]] : files;
}
