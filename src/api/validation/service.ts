import type { FieldError } from '../field-error.ts';
import { duplicate, forbiddenField, invalid, notSupported, required } from '../field-error.ts';
import type { Service, ServicePort, ServiceSpec } from '../objects.ts';
import { isCidr, isIp, NOT_AN_IP } from './ip.ts';
import { dns1123Label, dns1123Subdomain, portNumber, qualifiedName } from './names.ts';
import { immutable, validateLabels } from './object-meta.ts';
import { validatePort } from './probe.ts';

const TYPES = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];
const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const AFFINITIES = ['ClientIP', 'None'];
const POLICIES = ['Cluster', 'Local'];
const FAMILIES = ['IPv4', 'IPv6'];
const FAMILY_POLICIES = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
const AFFINITY_SECONDS_MAX = 86_400;

/** A Service, apart from its metadata (ValidateService). */
export function validateService(service: Service): FieldError[] {
  const spec = service.spec ?? {};
  const errors: FieldError[] = [];
  const isHeadless = spec.clusterIP === 'None';
  if ((spec.ports ?? []).length === 0 && !isHeadless && spec.type !== 'ExternalName')
    errors.push(required('spec.ports'));
  errors.push(...validateType(spec));
  errors.push(...validatePorts(spec.ports ?? [], isHeadless));
  errors.push(...validateLabels(spec.selector, 'spec.selector'));
  if (!spec.sessionAffinity) errors.push(required('spec.sessionAffinity'));
  else if (!AFFINITIES.includes(spec.sessionAffinity))
    errors.push(notSupported('spec.sessionAffinity', spec.sessionAffinity, AFFINITIES));
  errors.push(...validateAffinity(spec));
  errors.push(...validateClusterIps(spec));
  for (const [i, address] of (spec.externalIPs ?? []).entries())
    errors.push(...validateExternalIp(address, `spec.externalIPs[${i}]`));
  if (!spec.type) errors.push(required('spec.type'));
  else if (!TYPES.includes(spec.type)) errors.push(notSupported('spec.type', spec.type, TYPES));
  errors.push(...validateNodePorts(spec));
  errors.push(...validateLoadBalancer(spec));
  errors.push(...validatePolicies(spec));
  return errors;
}

function validateType(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  if (spec.type === 'LoadBalancer' && spec.clusterIP === 'None')
    errors.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for LoadBalancer services"));
  if (spec.type === 'NodePort' && spec.clusterIP === 'None')
    errors.push(invalid('spec.clusterIPs[0]', 'None', "may not be set to 'None' for NodePort services"));
  if (spec.type !== 'ExternalName') return errors;
  if ((spec.clusterIPs ?? []).length > 0)
    errors.push(forbiddenField('spec.clusterIPs', 'may not be set for ExternalName services'));
  else if (spec.clusterIP) errors.push(forbiddenField('spec.clusterIP', 'may not be set for ExternalName services'));
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') errors.push(required('spec.externalName'));
  else errors.push(...dns1123Subdomain(name).map((why) => invalid('spec.externalName', spec.externalName, why)));
  return errors;
}

function validatePorts(ports: readonly ServicePort[], isHeadless: boolean): FieldError[] {
  const names = new Set<string>();
  const pairs = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `spec.ports[${i}]`;
    const errors: FieldError[] = [];
    if (!port.name) {
      if (ports.length > 1) errors.push(required(`${at}.name`));
    } else {
      errors.push(...dns1123Label(port.name).map((why) => invalid(`${at}.name`, port.name, why)));
      if (names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
      names.add(port.name);
    }
    errors.push(...portNumber(port.port ?? 0).map((why) => invalid(`${at}.port`, port.port ?? 0, why)));
    if (!port.protocol) errors.push(required(`${at}.protocol`));
    else if (!PROTOCOLS.includes(port.protocol)) errors.push(notSupported(`${at}.protocol`, port.protocol, PROTOCOLS));
    errors.push(...validatePort(port.targetPort, `${at}.targetPort`));
    if (port.appProtocol)
      errors.push(...qualifiedName(port.appProtocol).map((why) => invalid(`${at}.appProtocol`, port.appProtocol, why)));
    const pair = `${port.protocol}/${port.port}`;
    // A headless Service has no port of its own, so two names may share a number.
    if (pairs.has(pair) && !isHeadless)
      errors.push({
        type: 'FieldValueDuplicate',
        field: at,
        message: `Duplicate value: ${JSON.stringify({ port: port.port, protocol: port.protocol })}`,
      });
    pairs.add(pair);
    return errors;
  });
}

function validateAffinity(spec: ServiceSpec): FieldError[] {
  const config = spec.sessionAffinityConfig;
  const at = 'spec.sessionAffinityConfig';
  if (spec.sessionAffinity === 'None' && config !== undefined)
    return [forbiddenField(at, 'must not be set when session affinity is None')];
  if (spec.sessionAffinity !== 'ClientIP') return [];
  const seconds = config?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [required(`${at}.clientIP.timeoutSeconds`)];
  if (seconds <= 0 || seconds > AFFINITY_SECONDS_MAX)
    return [
      invalid(`${at}.clientIP.timeoutSeconds`, seconds, `must be greater than 0 and less than ${AFFINITY_SECONDS_MAX}`),
    ];
  return [];
}

function validateClusterIps(spec: ServiceSpec): FieldError[] {
  if (spec.type === 'ExternalName') return [];
  const addresses = spec.clusterIPs ?? [];
  const errors: FieldError[] = [];
  if (addresses.length > 0 && spec.clusterIP !== addresses[0])
    errors.push(invalid('spec.clusterIPs', addresses, 'first value must match `clusterIP`'));
  if (addresses.length > 2) errors.push(invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values'));
  for (const [i, address] of addresses.entries()) {
    if (address === 'None') {
      if (addresses.length > 1)
        errors.push(invalid('spec.clusterIPs', addresses, "'None' must be the first and only value"));
    } else if (!isIp(address)) errors.push(invalid(`spec.clusterIPs[${i}]`, address, NOT_AN_IP));
  }
  for (const [i, family] of (spec.ipFamilies ?? []).entries()) {
    if (!FAMILIES.includes(family)) errors.push(notSupported(`spec.ipFamilies[${i}]`, family, FAMILIES));
  }
  const policy = spec.ipFamilyPolicy;
  if (policy !== undefined && !FAMILY_POLICIES.includes(policy))
    errors.push(notSupported('spec.ipFamilyPolicy', policy, FAMILY_POLICIES));
  return errors;
}

/** An address on which nodes take traffic: never one that every host has of its own. */
function validateExternalIp(address: string, at: string): FieldError[] {
  if (!isIp(address)) return [invalid(at, address, NOT_AN_IP)];
  if (address === '0.0.0.0' || address === '::') return [invalid(at, address, `may not be unspecified (${address})`)];
  if (address.startsWith('127.') || address === '::1')
    return [invalid(at, address, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (address.startsWith('169.254.') || /^fe[89ab]/i.test(address))
    return [invalid(at, address, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  if (address.startsWith('224.0.0.'))
    return [invalid(at, address, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  return [];
}

function validateNodePorts(spec: ServiceSpec): FieldError[] {
  const used = new Set<string>();
  return (spec.ports ?? []).flatMap((port, i) => {
    if (!port.nodePort) return [];
    const at = `spec.ports[${i}].nodePort`;
    if (spec.type === 'ClusterIP') return [forbiddenField(at, "may not be used when `type` is 'ClusterIP'")];
    if (spec.type === 'ExternalName') return [forbiddenField(at, "may not be used when `type` is 'ExternalName'")];
    const key = `${port.protocol}/${port.nodePort}`;
    const isTaken = used.has(key);
    used.add(key);
    return isTaken ? [duplicate(at, port.nodePort)] : [];
  });
}

function validateLoadBalancer(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const isBalancer = spec.type === 'LoadBalancer';
  for (const [i, range] of (spec.loadBalancerSourceRanges ?? []).entries()) {
    if (!isBalancer) {
      errors.push(forbiddenField('spec.LoadBalancerSourceRanges', "may only be used when `type` is 'LoadBalancer'"));
      break;
    }
    if (!isCidr(range.trim()))
      errors.push(
        invalid(
          `spec.LoadBalancerSourceRanges[${i}]`,
          range,
          'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ),
      );
  }
  if (isBalancer && spec.allocateLoadBalancerNodePorts === undefined)
    errors.push(required('spec.allocateLoadBalancerNodePorts'));
  for (const field of ['allocateLoadBalancerNodePorts', 'loadBalancerClass'] as const) {
    if (!isBalancer && spec[field] !== undefined)
      errors.push(forbiddenField(`spec.${field}`, "may only be used when `type` is 'LoadBalancer'"));
  }
  if (isBalancer && spec.loadBalancerClass)
    errors.push(
      ...qualifiedName(spec.loadBalancerClass).map((why) =>
        invalid('spec.loadBalancerClass', spec.loadBalancerClass, why),
      ),
    );
  return errors;
}

function validatePolicies(spec: ServiceSpec): FieldError[] {
  const errors: FieldError[] = [];
  const isExternal = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
  const { externalTrafficPolicy, internalTrafficPolicy, healthCheckNodePort } = spec;
  if (isExternal && spec.type !== 'ExternalName') {
    if (!externalTrafficPolicy) errors.push(required('spec.externalTrafficPolicy'));
    else if (!POLICIES.includes(externalTrafficPolicy))
      errors.push(notSupported('spec.externalTrafficPolicy', externalTrafficPolicy, POLICIES));
  } else if (externalTrafficPolicy) {
    errors.push(
      invalid(
        'spec.externalTrafficPolicy',
        externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    );
  }
  const needsCheck = spec.type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
  if (healthCheckNodePort && !needsCheck)
    errors.push(
      invalid(
        'spec.healthCheckNodePort',
        healthCheckNodePort,
        "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'",
      ),
    );
  if (internalTrafficPolicy !== undefined && !POLICIES.includes(internalTrafficPolicy))
    errors.push(notSupported('spec.internalTrafficPolicy', internalTrafficPolicy, POLICIES));
  return errors;
}

/** What an update may not change (ValidateServiceUpdate): the cluster IP, as long as the Service keeps having one. */
export function validateServiceUpdate(service: Service, old: Service): FieldError[] {
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  const errors: FieldError[] = [];
  if (before.type !== 'ExternalName' && spec.type !== 'ExternalName' && before.clusterIP) {
    if (spec.clusterIP !== before.clusterIP)
      errors.push(invalid('spec.clusterIPs[0]', [spec.clusterIP ?? ''], 'may not change once set'));
    const second = before.clusterIPs?.[1];
    const now = spec.clusterIPs?.[1];
    if (second !== undefined && now !== undefined && second !== now)
      errors.push(invalid('spec.clusterIPs[1]', spec.clusterIPs, 'may not change once set'));
  }
  const isStill = spec.type === 'LoadBalancer' && before.type === 'LoadBalancer';
  if (isStill)
    errors.push(
      ...immutable(
        'spec.loadBalancerClass',
        spec.loadBalancerClass,
        before.loadBalancerClass,
        'may not change once set',
      ),
    );
  return errors;
}
