import type { FieldError } from '../field-error.ts';
import { duplicate, invalid, notSupported, required, tooMany } from '../field-error.ts';
import { isIpv4 } from '../ipv4.ts';
import type { EndpointAddress, EndpointSlice, Endpoints } from '../objects.ts';
import { isIp, isIpv6, NOT_AN_IP } from './ip.ts';
import { dns1123Label, dns1123Subdomain, labelValue, portNumber, qualifiedName } from './names.ts';
import { immutable } from './object-meta.ts';

const PROTOCOLS = ['SCTP', 'TCP', 'UDP'];
const ADDRESS_TYPES = ['FQDN', 'IPv4', 'IPv6'];
const SLICE_ENDPOINTS_MAX = 1000;
const SLICE_PORTS_MAX = 20_000;
const SLICE_ADDRESSES_MAX = 100;

/** Endpoints, apart from their metadata. */
export function validateEndpoints(endpoints: Endpoints): FieldError[] {
  return (endpoints.subsets ?? []).flatMap((subset, i) => {
    const at = `subsets[${i}]`;
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    const errors: FieldError[] = [];
    if (addresses.length + notReadyAddresses.length === 0)
      errors.push(required(at, 'must specify `addresses` or `notReadyAddresses`'));
    for (const [j, address] of addresses.entries()) errors.push(...validateAddress(address, `${at}.addresses[${j}]`));
    for (const [j, address] of notReadyAddresses.entries())
      errors.push(...validateAddress(address, `${at}.notReadyAddresses[${j}]`));
    for (const [j, port] of ports.entries()) {
      const here = `${at}.ports[${j}]`;
      if (!port.name && ports.length > 1) errors.push(required(`${here}.name`));
      else if (port.name) errors.push(...dns1123Label(port.name).map((why) => invalid(`${here}.name`, port.name, why)));
      errors.push(...portNumber(port.port).map((why) => invalid(`${here}.port`, port.port, why)));
      if (!PROTOCOLS.includes(port.protocol ?? ''))
        errors.push(notSupported(`${here}.protocol`, port.protocol ?? '', PROTOCOLS));
    }
    return errors;
  });
}

function validateAddress({ ip, hostname, nodeName }: EndpointAddress, at: string): FieldError[] {
  const errors = isIp(ip) ? validateReachable(ip, `${at}.ip`) : [invalid(`${at}.ip`, ip, NOT_AN_IP)];
  if (hostname) errors.push(...dns1123Label(hostname).map((why) => invalid(`${at}.hostname`, hostname, why)));
  if (nodeName) errors.push(...dns1123Subdomain(nodeName).map((why) => invalid(`${at}.nodeName`, nodeName, why)));
  return errors;
}

/** An endpoint that would lead a client back to its own host is a hole in the host (CVE-2015-7528 and kin). */
function validateReachable(ip: string, at: string): FieldError[] {
  if (ip === '0.0.0.0' || ip === '::') return [invalid(at, ip, `may not be unspecified (${ip})`)];
  if (ip.startsWith('127.') || ip === '::1')
    return [invalid(at, ip, 'may not be in the loopback range (127.0.0.0/8, ::1/128)')];
  if (ip.startsWith('169.254.') || /^fe[89ab]/i.test(ip))
    return [invalid(at, ip, 'may not be in the link-local range (169.254.0.0/16, fe80::/10)')];
  if (ip.startsWith('224.0.0.'))
    return [invalid(at, ip, 'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)')];
  return [];
}

/** An EndpointSlice, apart from its metadata (pkg/apis/discovery/validation). */
export function validateEndpointSlice(slice: EndpointSlice): FieldError[] {
  const errors: FieldError[] = [];
  if (!slice.addressType) errors.push(required('addressType'));
  else if (!ADDRESS_TYPES.includes(slice.addressType))
    errors.push(notSupported('addressType', slice.addressType, ADDRESS_TYPES));
  const endpoints = slice.endpoints ?? [];
  if (endpoints.length > SLICE_ENDPOINTS_MAX)
    return [...errors, tooMany('endpoints', endpoints.length, SLICE_ENDPOINTS_MAX)];
  for (const [i, endpoint] of endpoints.entries()) {
    const at = `endpoints[${i}]`;
    const addresses = endpoint.addresses ?? [];
    if (addresses.length === 0) errors.push(required(`${at}.addresses`, 'must contain at least 1 address'));
    if (addresses.length > SLICE_ADDRESSES_MAX)
      errors.push(tooMany(`${at}.addresses`, addresses.length, SLICE_ADDRESSES_MAX));
    for (const [j, address] of addresses.entries())
      errors.push(...validateSliceAddress(address, slice.addressType, `${at}.addresses[${j}]`));
    if (endpoint.hostname)
      errors.push(...dns1123Label(endpoint.hostname).map((why) => invalid(`${at}.hostname`, endpoint.hostname, why)));
    if (endpoint.nodeName)
      errors.push(
        ...dns1123Subdomain(endpoint.nodeName).map((why) => invalid(`${at}.nodeName`, endpoint.nodeName, why)),
      );
    for (const [key, value] of Object.entries(endpoint.deprecatedTopology ?? {})) {
      errors.push(...qualifiedName(key).map((why) => invalid(`${at}.deprecatedTopology`, key, why)));
      errors.push(...labelValue(value).map((why) => invalid(`${at}.deprecatedTopology`, value, why)));
    }
  }
  return [...errors, ...validateSlicePorts(slice)];
}

function validateSliceAddress(address: string, type: string, at: string): FieldError[] {
  switch (type) {
    case 'IPv4':
      if (!isIpv4(address)) return [invalid(at, address, 'must be a valid IPv4 address')];
      return validateReachable(address, at);
    case 'IPv6':
      if (!isIpv6(address)) return [invalid(at, address, 'must be a valid IPv6 address')];
      return validateReachable(address, at);
    case 'FQDN':
      return dns1123Subdomain(address).map((why) => invalid(at, address, why));
    default:
      return [];
  }
}

function validateSlicePorts(slice: EndpointSlice): FieldError[] {
  const ports = slice.ports ?? [];
  if (ports.length > SLICE_PORTS_MAX) return [tooMany('ports', ports.length, SLICE_PORTS_MAX)];
  const names = new Set<string>();
  return ports.flatMap((port, i) => {
    const at = `ports[${i}]`;
    const name = port.name ?? '';
    const errors = name === '' ? [] : dns1123Label(name).map((why) => invalid(`${at}.name`, name, why));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (!PROTOCOLS.includes(port.protocol ?? ''))
      errors.push(notSupported(`${at}.protocol`, port.protocol ?? '', PROTOCOLS));
    if (port.port !== undefined && (port.port < 1 || port.port > 65_535))
      errors.push(invalid(`${at}.port`, port.port, 'must be between 1 and 65535, inclusive'));
    return errors;
  });
}

/** The sort of addresses of a slice is for ever. */
export function validateEndpointSliceUpdate(now: EndpointSlice, old: EndpointSlice): FieldError[] {
  return immutable('addressType', now.addressType, old.addressType);
}
