import type { ConfigMap, Container, EnvVar, Pod, Secret } from '../../api/objects.ts';
import { isReason, StatusError } from '../../api/status.ts';
import { fieldValue, resourceValue } from './downward-value.ts';
import type { BoardResources, PodAddresses } from './downward-value.ts';
import { expandVariables } from './expand-variables.ts';
import { findContainerSpec, podNamespace } from '../pod-identity.ts';

/** Where the values of a container's environment come from. */
export interface EnvironmentSources {
  readonly addresses: PodAddresses;
  readonly board: BoardResources;
  /** Of Services; the container's own variables win. */
  readonly services: ReadonlyMap<string, string>;
  /** @throws StatusError NotFound */
  getConfigMap(namespace: string, name: string): Promise<ConfigMap>;
  /** @throws StatusError NotFound */
  getSecret(namespace: string, name: string): Promise<Secret>;
}

/**
 * The container's environment (upstream makeEnvironmentVariables).
 *
 * @throws StatusError when something that must be there is not: becomes CreateContainerConfigError
 */
export async function containerEnvironment(
  pod: Pod,
  container: Container,
  sources: EnvironmentSources,
): Promise<Map<string, string>> {
  const result = new Map<string, string>();
  for (const source of container.envFrom ?? []) {
    const data = await bulkData(podNamespace(pod), source, sources);
    for (const [key, value] of Object.entries(data)) result.set(`${source.prefix ?? ''}${key}`, value);
  }
  const lookup = (name: string): string | undefined => result.get(name) ?? sources.services.get(name);
  for (const variable of container.env ?? []) {
    const value =
      variable.valueFrom === undefined
        ? expandVariables(variable.value ?? '', lookup)
        : await referredValue(pod, container, variable, sources);
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of sources.services) if (!result.has(name)) result.set(name, value);
  return result;
}

type EnvFrom = NonNullable<Container['envFrom']>[number];

async function bulkData(
  namespace: string,
  source: EnvFrom,
  sources: EnvironmentSources,
): Promise<Readonly<Record<string, string>>> {
  const { configMapRef, secretRef } = source;
  if (configMapRef !== undefined) {
    const name = configMapRef.name ?? '';
    const map = await orAbsent(sources.getConfigMap(namespace, name), configMapRef.optional);
    return map?.data ?? {};
  }
  if (secretRef === undefined) return {};
  const secret = await orAbsent(sources.getSecret(namespace, secretRef.name ?? ''), secretRef.optional);
  return Object.fromEntries(Object.entries(secret?.data ?? {}).map(([key, value]) => [key, decode(value)]));
}

/** Undefined where the reference is optional and leads nowhere. */
async function referredValue(
  pod: Pod,
  container: Container,
  variable: EnvVar,
  sources: EnvironmentSources,
): Promise<string | undefined> {
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = variable.valueFrom ?? {};
  if (fieldRef !== undefined) return fieldValue(pod, fieldRef.fieldPath, sources.addresses);
  if (resourceFieldRef !== undefined) {
    const { containerName = '', resource, divisor = '0' } = resourceFieldRef;
    const owner = containerName === '' ? container : findContainerSpec(pod, containerName);
    if (owner === undefined) throw new StatusError('BadRequest', `container ${containerName} not found`);
    return resourceValue(owner, resource, divisor, sources.board);
  }
  const namespace = podNamespace(pod);
  if (configMapKeyRef !== undefined) {
    const { name = '', key, optional } = configMapKeyRef;
    const map = await orAbsent(sources.getConfigMap(namespace, name), optional);
    const value = map?.data?.[key];
    if (value === undefined && optional !== true)
      throw new StatusError('NotFound', `couldn't find key ${key} in ConfigMap ${namespace}/${name}`);
    return value;
  }
  if (secretKeyRef === undefined) return '';
  const { name = '', key, optional } = secretKeyRef;
  const secret = await orAbsent(sources.getSecret(namespace, name), optional);
  const value = secret?.data?.[key];
  if (value === undefined && optional !== true)
    throw new StatusError('NotFound', `couldn't find key ${key} in Secret ${namespace}/${name}`);
  return value === undefined ? undefined : decode(value);
}

async function orAbsent<T>(getting: Promise<T>, isOptional: boolean | undefined): Promise<T | undefined> {
  try {
    return await getting;
  } catch (error) {
    if (isOptional === true && isReason(error, 'NotFound')) return undefined;
    throw error;
  }
}

function decode(base64: string): string {
  return Buffer.from(base64, 'base64').toString('utf8');
}
