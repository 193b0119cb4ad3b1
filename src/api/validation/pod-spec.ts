import type { FieldError } from '../field-error.ts';
import { invalid, notSupported, required, tooMany } from '../field-error.ts';
import type { PodSpec } from '../objects.ts';
import type { PodFacts } from './container.ts';
import { validateContainers, validateEphemeralContainers, validateInitContainers } from './container.ts';
import { isIp } from './ip.ts';
import { dns1123Label, dns1123Subdomain, qualifiedName } from './names.ts';
import { duplicates, validateLabels } from './object-meta.ts';
import { validateAffinity, validateTolerations, validateTopologySpread } from './placement.ts';
import { validateQuantity, validateResourceName, validateResources } from './resources.ts';
import { validatePodSecurity } from './security-context.ts';
import { validateVolumes } from './volume.ts';

const RESTART_POLICIES = ['Always', 'OnFailure', 'Never'];
const DNS_POLICIES = ['ClusterFirstWithHostNet', 'ClusterFirst', 'Default', 'None'];
/** Limits of resolv.conf that the kubelet writes. */
const NAMESERVERS_MAX = 3;
const SEARCHES_MAX = 32;
const SEARCH_CHARACTERS_MAX = 2048;
const INT32_MAX = 2_147_483_647;

/** A pod's spec wherever it stands, in upstream's order (ValidatePodSpec). @param path of the spec: `spec`, `spec.template.spec` */
export function validatePodSpec(spec: PodSpec, path: string): FieldError[] {
  const facts = factsOf(spec);
  const containers = spec.containers ?? [];
  const initContainers = spec.initContainers ?? [];
  const errors = validateVolumes(spec.volumes ?? [], `${path}.volumes`);
  errors.push(...validateContainers(containers, facts, `${path}.containers`));
  errors.push(...validateInitContainers(initContainers, containers, facts, `${path}.initContainers`));
  const others = [...containers, ...initContainers];
  errors.push(
    ...validateEphemeralContainers(spec.ephemeralContainers ?? [], others, facts, `${path}.ephemeralContainers`),
  );
  if (!RESTART_POLICIES.includes(spec.restartPolicy ?? ''))
    errors.push(
      spec.restartPolicy
        ? notSupported(`${path}.restartPolicy`, spec.restartPolicy, RESTART_POLICIES, 'given')
        : required(`${path}.restartPolicy`),
    );
  if (!DNS_POLICIES.includes(spec.dnsPolicy ?? ''))
    errors.push(
      spec.dnsPolicy
        ? notSupported(`${path}.dnsPolicy`, spec.dnsPolicy, DNS_POLICIES, 'given')
        : required(`${path}.dnsPolicy`),
    );
  errors.push(...validateLabels(spec.nodeSelector, `${path}.nodeSelector`));
  errors.push(...validatePodSecurity(spec, `${path}.securityContext`));
  for (const [i, { name }] of (spec.imagePullSecrets ?? []).entries()) {
    if (!name) errors.push(required(`${path}.imagePullSecrets[${i}].name`));
  }
  errors.push(...validateAffinity(spec.affinity, `${path}.affinity`));
  errors.push(...validateDns(spec, `${path}.dnsConfig`));
  errors.push(...validateGates(spec, path));
  errors.push(...validateTopologySpread(spec.topologySpreadConstraints ?? [], `${path}.topologySpreadConstraints`));
  errors.push(...validateNamesInSpec(spec, path));
  errors.push(...validateTolerations(spec.tolerations ?? [], `${path}.tolerations`));
  errors.push(...validateHostAliases(spec, `${path}.hostAliases`));
  errors.push(...validateRest(spec, path));
  return errors;
}

function factsOf(spec: PodSpec): PodFacts {
  const volumes = spec.volumes ?? [];
  const isClaim = (volume: (typeof volumes)[number]): boolean =>
    volume.persistentVolumeClaim !== undefined || volume.ephemeral !== undefined;
  return {
    hostNetwork: spec.hostNetwork === true,
    volumeNames: new Set(volumes.map(({ name }) => name)),
    claimVolumes: new Set(volumes.filter(isClaim).map(({ name }) => name)),
    restartPolicy: spec.restartPolicy ?? 'Always',
  };
}

function validateNamesInSpec(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  const subdomains = ['serviceAccountName', 'nodeName'] as const;
  for (const field of subdomains) {
    const value = spec[field];
    if (value) errors.push(...dns1123Subdomain(value).map((why) => invalid(`${path}.${field}`, value, why)));
  }
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > INT32_MAX))
    errors.push(invalid(`${path}.activeDeadlineSeconds`, deadline, `must be between 1 and ${INT32_MAX}, inclusive`));
  for (const field of ['hostname', 'subdomain'] as const) {
    const value = spec[field];
    if (value) errors.push(...dns1123Label(value).map((why) => invalid(`${path}.${field}`, value, why)));
  }
  return errors;
}

function validateRest(spec: PodSpec, path: string): FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ['priorityClassName', 'runtimeClassName'] as const) {
    const value = spec[field];
    if (value) errors.push(...dns1123Subdomain(value).map((why) => invalid(`${path}.${field}`, value, why)));
  }
  const { preemptionPolicy } = spec;
  if (preemptionPolicy && !['Never', 'PreemptLowerPriority'].includes(preemptionPolicy))
    errors.push(notSupported(`${path}.preemptionPolicy`, preemptionPolicy, ['Never', 'PreemptLowerPriority']));
  for (const [name, quantity] of Object.entries(spec.overhead ?? {})) {
    const at = `${path}.overhead[${name}]`;
    errors.push(...validateResourceName(name, at), ...validateQuantity(name, quantity, at));
  }
  errors.push(...validateResources(spec.resources, `${path}.resources`));
  const os = spec.os?.name;
  if (os !== undefined && os !== 'linux' && os !== 'windows')
    errors.push(notSupported(`${path}.os`, os, ['linux', 'windows']));
  if (!spec.schedulerName) errors.push(required(`${path}.schedulerName`));
  else if (qualifiedName(spec.schedulerName).length > 0)
    errors.push(
      ...qualifiedName(spec.schedulerName).map((why) => invalid(`${path}.schedulerName`, spec.schedulerName, why)),
    );
  return errors;
}

function validateGates(spec: PodSpec, path: string): FieldError[] {
  const errors = (spec.readinessGates ?? []).flatMap(({ conditionType }, i) =>
    qualifiedName(conditionType).map((why) =>
      invalid(`${path}.readinessGates[${i}].conditionType`, conditionType, why),
    ),
  );
  const gates = spec.schedulingGates ?? [];
  for (const [i, { name }] of gates.entries())
    errors.push(...qualifiedName(name).map((why) => invalid(`${path}.schedulingGates[${i}]`, name, why)));
  errors.push(
    ...duplicates(
      gates.map(({ name }) => name),
      (i) => `${path}.schedulingGates[${i}]`,
    ),
  );
  return errors;
}

function validateDns({ dnsPolicy, dnsConfig }: PodSpec, path: string): FieldError[] {
  const nameservers = dnsConfig?.nameservers ?? [];
  const errors: FieldError[] = [];
  if (dnsPolicy === 'None' && dnsConfig === undefined)
    return [required(path, 'must provide `dnsConfig` when `dnsPolicy` is None')];
  if (dnsPolicy === 'None' && nameservers.length === 0)
    errors.push(required(`${path}.nameservers`, 'must provide at least one DNS nameserver when `dnsPolicy` is None'));
  if (nameservers.length > NAMESERVERS_MAX)
    errors.push(tooMany(`${path}.nameservers`, nameservers.length, NAMESERVERS_MAX));
  for (const [i, address] of nameservers.entries()) {
    if (!isIp(address))
      errors.push(
        invalid(`${path}.nameservers[${i}]`, address, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'),
      );
  }
  const searches = dnsConfig?.searches ?? [];
  if (searches.length > SEARCHES_MAX) errors.push(tooMany(`${path}.searches`, searches.length, SEARCHES_MAX));
  if (searches.join(' ').length > SEARCH_CHARACTERS_MAX)
    errors.push(
      invalid(
        `${path}.searches`,
        searches,
        `must not have more than ${SEARCH_CHARACTERS_MAX} characters (including spaces) in the search list`,
      ),
    );
  for (const [i, search] of searches.entries()) {
    if (search === '.') continue;
    const name = search.replace(/\.$/, '').replaceAll('_', '-');
    errors.push(...dns1123Subdomain(name).map((why) => invalid(`${path}.searches[${i}]`, search, why)));
  }
  for (const [i, { name }] of (dnsConfig?.options ?? []).entries()) {
    if (!name) errors.push(required(`${path}.options[${i}]`, 'must not be empty'));
  }
  return errors;
}

function validateHostAliases(spec: PodSpec, path: string): FieldError[] {
  return (spec.hostAliases ?? []).flatMap(({ ip, hostnames }, i) => {
    const errors = isIp(ip)
      ? []
      : [invalid(`${path}[${i}].ip`, ip, 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)')];
    for (const [j, name] of (hostnames ?? []).entries())
      errors.push(...dns1123Subdomain(name).map((why) => invalid(`${path}[${i}].hostnames[${j}]`, name, why)));
    return errors;
  });
}
