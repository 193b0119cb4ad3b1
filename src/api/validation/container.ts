import type { FieldError } from '../field-error.ts';
import { duplicate, invalid, notSupported, required } from '../field-error.ts';
import type { Container, ContainerPort, EphemeralContainer } from '../objects.ts';
import { validateEnv, validateEnvFrom } from './env.ts';
import { dns1123Label, portName, portNumber } from './names.ts';
import { validateLifecycle, validateProbes } from './probe.ts';
import { validateResources } from './resources.ts';
import { validateContainerSecurity } from './security-context.ts';
import { validateVolumeDevices, validateVolumeMounts } from './volume-mount.ts';

/** What a container's rules need to know of its pod. */
export interface PodFacts {
  readonly hostNetwork: boolean;
  readonly volumeNames: ReadonlySet<string>;
  /** Names of volumes that are persistent claims: only those may be devices. */
  readonly claimVolumes: ReadonlySet<string>;
  readonly restartPolicy: string;
}

const PULL_POLICIES = ['Always', 'IfNotPresent', 'Never'];
const MESSAGE_POLICIES = ['File', 'FallbackToLogsOnError'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];

/** The containers of a pod, in upstream's order of complaints (validateContainers). */
export function validateContainers(containers: readonly Container[], facts: PodFacts, path: string): FieldError[] {
  if (containers.length === 0) return [required(path)];
  const names = new Set<string>();
  const errors: FieldError[] = [];
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    errors.push(...validateCommon(container, facts, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    errors.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`));
    errors.push(...validateProbes(container, at));
    errors.push(...validateRestartPolicy(container, at));
  }
  return [...errors, ...hostPortConflicts(containers, path)];
}

/** The init containers: those that always restart are sidecars and may have probes and hooks (KEP-753). */
export function validateInitContainers(
  containers: readonly Container[],
  regular: readonly Container[],
  facts: PodFacts,
  path: string,
): FieldError[] {
  const names = new Set(regular.map(({ name }) => name));
  const errors: FieldError[] = [];
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    errors.push(...validateCommon(container, facts, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    errors.push(...validateRestartPolicy(container, at));
    if (container.restartPolicy === 'Always') {
      errors.push(...validateLifecycle(container.lifecycle, `${at}.lifecycle`));
      errors.push(...validateProbes(container, at));
      continue;
    }
    for (const field of ['lifecycle', 'livenessProbe', 'readinessProbe', 'startupProbe'] as const) {
      if (container[field] !== undefined)
        errors.push({
          type: 'FieldValueForbidden',
          field: `${at}.${field}`,
          message: 'Forbidden: may not be set for init containers without restartPolicy=Always',
        });
    }
  }
  return [...errors, ...hostPortConflicts(containers, path)];
}

/** What is forbidden to an ephemeral container, since nobody planned for it when the pod was placed. */
const EPHEMERAL_FORBIDDEN = [
  'lifecycle',
  'livenessProbe',
  'readinessProbe',
  'startupProbe',
  'ports',
  'resizePolicy',
] as const;

/** The ephemeral containers (KEP-277). */
export function validateEphemeralContainers(
  containers: readonly EphemeralContainer[],
  others: readonly Container[],
  facts: PodFacts,
  path: string,
): FieldError[] {
  const names = new Set(others.map(({ name }) => name));
  const targets = new Set(others.map(({ name }) => name));
  const errors: FieldError[] = [];
  for (const [i, container] of containers.entries()) {
    const at = `${path}[${i}]`;
    errors.push(...validateCommon(container, facts, at));
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !targets.has(target))
      errors.push({
        type: 'FieldValueNotFound',
        field: `${at}.targetContainerName`,
        message: `Not found: ${JSON.stringify(target)}`,
      });
    for (const field of EPHEMERAL_FORBIDDEN) {
      const value = container[field];
      if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
      errors.push(cannotBeSet(`${at}.${field}`));
    }
    if (Object.keys(container.resources ?? {}).length > 0) errors.push(cannotBeSet(`${at}.resources`));
  }
  return errors;
}

function cannotBeSet(field: string): FieldError {
  return {
    type: 'FieldValueForbidden',
    field,
    message: 'Forbidden: cannot be set for an Ephemeral Container',
  };
}

function validateCommon(container: Container, facts: PodFacts, at: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!container.name) errors.push(required(`${at}.name`));
  else errors.push(...dns1123Label(container.name).map((why) => invalid(`${at}.name`, container.name, why)));
  const image = container.image ?? '';
  if (image === '') errors.push(required(`${at}.image`));
  else if (image !== image.trim())
    errors.push(invalid(`${at}.image`, image, 'must not have leading or trailing whitespace'));
  if (!MESSAGE_POLICIES.includes(container.terminationMessagePolicy ?? 'File'))
    errors.push(
      notSupported(`${at}.terminationMessagePolicy`, container.terminationMessagePolicy, MESSAGE_POLICIES, 'given'),
    );
  errors.push(...validatePorts(container.ports ?? [], facts, `${at}.ports`));
  errors.push(...validateEnv(container.env ?? [], `${at}.env`));
  errors.push(...validateEnvFrom(container.envFrom ?? [], `${at}.envFrom`));
  errors.push(...validateVolumeMounts(container, facts.volumeNames, `${at}.volumeMounts`));
  errors.push(...validateVolumeDevices(container, facts, `${at}.volumeDevices`));
  if (!PULL_POLICIES.includes(container.imagePullPolicy ?? 'IfNotPresent'))
    errors.push(notSupported(`${at}.imagePullPolicy`, container.imagePullPolicy, PULL_POLICIES));
  errors.push(...validateResources(container.resources, `${at}.resources`));
  errors.push(...validateContainerSecurity(container.securityContext, `${at}.securityContext`));
  return errors;
}

function validateRestartPolicy(container: Container, at: string): FieldError[] {
  const policy = container.restartPolicy;
  if (policy === undefined || ['Always', 'Never', 'OnFailure'].includes(policy)) return [];
  return [notSupported(`${at}.restartPolicy`, policy, ['Always', 'Never', 'OnFailure'])];
}

function validatePorts(ports: readonly ContainerPort[], facts: PodFacts, path: string): FieldError[] {
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `${path}[${i}]`;
    const errors: FieldError[] = [];
    if (port.name) {
      const wrong = portName(port.name);
      errors.push(...wrong.map((why) => invalid(`${at}.name`, port.name, why)));
      if (wrong.length === 0 && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    if (!port.containerPort) errors.push(required(`${at}.containerPort`));
    else
      errors.push(
        ...portNumber(port.containerPort).map((why) => invalid(`${at}.containerPort`, port.containerPort, why)),
      );
    if (port.hostPort) {
      errors.push(...portNumber(port.hostPort).map((why) => invalid(`${at}.hostPort`, port.hostPort, why)));
      if (facts.hostNetwork && port.hostPort !== port.containerPort)
        errors.push(
          invalid(`${at}.containerPort`, port.containerPort, 'must match `hostPort` when `hostNetwork` is true'),
        );
    }
    if (!PROTOCOLS.includes(port.protocol ?? 'TCP'))
      errors.push(notSupported(`${at}.protocol`, port.protocol, PROTOCOLS));
    return errors;
  });
}

/** Two containers of one pod cannot listen on one port of the host. */
function hostPortConflicts(containers: readonly Container[], path: string): FieldError[] {
  const seen = new Set<string>();
  return containers.flatMap((container, i) =>
    (container.ports ?? []).flatMap((port, j) => {
      if (!port.hostPort) return [];
      const key = `${port.protocol ?? 'TCP'}/${port.hostIP ?? ''}/${port.hostPort}`;
      const isTaken = seen.has(key);
      seen.add(key);
      return isTaken ? [duplicate(`${path}[${i}].ports[${j}].hostPort`, key)] : [];
    }),
  );
}
