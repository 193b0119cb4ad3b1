import type { FieldError } from '../field-error.ts';
import { forbiddenField, invalid, notSupported, required, valueNotFound } from '../field-error.ts';
import type { Container, VolumeMount } from '../objects.ts';
import type { PodFacts } from './container.ts';
import { descendingPath } from './security-context.ts';

const PROPAGATION = ['Bidirectional', 'HostToContainer', 'None'];

/** Where volumes appear in a container: each path once, each volume one of the pod's. */
export function validateVolumeMounts(
  container: Container,
  volumeNames: ReadonlySet<string>,
  path: string,
): FieldError[] {
  const paths = new Set<string>();
  const devices = new Set((container.volumeDevices ?? []).map(({ devicePath }) => devicePath));
  return (container.volumeMounts ?? []).flatMap((mount, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!mount.name) errors.push(required(`${at}.name`));
    else if (!volumeNames.has(mount.name)) errors.push(valueNotFound(`${at}.name`, mount.name));
    if (!mount.mountPath) errors.push(required(`${at}.mountPath`));
    if (paths.has(mount.mountPath)) errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must be unique'));
    paths.add(mount.mountPath);
    if (devices.has(mount.mountPath))
      errors.push(invalid(`${at}.mountPath`, mount.mountPath, 'must not already exist as a path in volumeDevices'));
    return [...errors, ...validateSubPath(mount, at), ...validateMode(mount, container, at)];
  });
}

function validateSubPath({ subPath, subPathExpr }: VolumeMount, at: string): FieldError[] {
  const errors = subPath ? descendingPath(subPath, `${at}.subPath`) : [];
  if (subPathExpr) {
    if (subPath)
      errors.push(invalid(`${at}.subPathExpr`, subPathExpr, 'subPathExpr and subPath are mutually exclusive'));
    errors.push(...descendingPath(subPathExpr, `${at}.subPathExpr`));
  }
  return errors;
}

function validateMode(mount: VolumeMount, container: Container, at: string): FieldError[] {
  const errors: FieldError[] = [];
  const { mountPropagation, recursiveReadOnly } = mount;
  if (mountPropagation !== undefined && !PROPAGATION.includes(mountPropagation))
    errors.push(notSupported(`${at}.mountPropagation`, mountPropagation, PROPAGATION));
  if (mountPropagation === 'Bidirectional' && container.securityContext?.privileged !== true)
    errors.push(
      forbiddenField(
        `${at}.mountPropagation`,
        'Bidirectional mount propagation is available only to privileged containers',
      ),
    );
  if (recursiveReadOnly !== undefined && recursiveReadOnly !== 'Disabled') {
    if (!['Enabled', 'IfPossible'].includes(recursiveReadOnly))
      errors.push(notSupported(`${at}.recursiveReadOnly`, recursiveReadOnly, ['Disabled', 'Enabled', 'IfPossible']));
    else if (mount.readOnly !== true)
      errors.push(forbiddenField(`${at}.recursiveReadOnly`, 'may only be specified when readOnly is true'));
  }
  return errors;
}

/** Block devices of a container: persistent claims only. */
export function validateVolumeDevices(container: Container, facts: PodFacts, path: string): FieldError[] {
  const paths = new Set<string>();
  return (container.volumeDevices ?? []).flatMap(({ name, devicePath }, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (!name) errors.push(required(`${at}.name`));
    else if (!facts.volumeNames.has(name)) errors.push(valueNotFound(`${at}.name`, name));
    else if (!facts.claimVolumes.has(name))
      errors.push(
        invalid(
          `${at}.name`,
          name,
          'can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode',
        ),
      );
    if (!devicePath) errors.push(required(`${at}.devicePath`));
    else errors.push(...descendingPath(devicePath.replace(/^\//, ''), `${at}.devicePath`));
    if (paths.has(devicePath)) errors.push(invalid(`${at}.devicePath`, devicePath, 'must be unique'));
    paths.add(devicePath);
    return errors;
  });
}
