import type { Service, ServiceSpec } from '../../api/objects.ts';
import { sameJson } from '../../api/validation/object-meta.ts';

/** Fields of a Service that its type gives and takes (pkg/registry/core/service/storage, strategy.go). */

/** Whether a Service of this type has an address in the cluster, be it `None`. */
export function needsClusterIp({ type }: ServiceSpec): boolean {
  return type !== 'ExternalName';
}

/** Whether each port is given a port on the nodes. */
export function needsNodePorts(spec: ServiceSpec): boolean {
  if (spec.type === 'NodePort') return true;
  return spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
}

/** Whether a load balancer asks each node if it has endpoints of its own. */
export function needsHealthCheckPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function isExternal(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs ?? []).length > 0;
}

/** All node ports that the Service has, the health check's included. */
export function nodePortsOf({ ports, healthCheckNodePort }: ServiceSpec): number[] {
  const all = (ports ?? []).map(({ nodePort }) => nodePort ?? 0);
  return [...new Set([...all, healthCheckNodePort ?? 0])].filter((port) => port !== 0);
}

/** The addresses of the Service that were allocated. */
export function addressesOf({ clusterIP, clusterIPs }: ServiceSpec): string[] {
  const all = clusterIPs ?? (clusterIP === undefined ? [] : [clusterIP]);
  return all.filter((address) => address !== '' && address !== 'None');
}

/** One address is also the list of addresses, whichever of the two a client wrote (normalizeClusterIPs). */
export function normalizeClusterIps(spec: ServiceSpec, before: ServiceSpec | null): void {
  if (before === null) {
    if (spec.clusterIP && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [spec.clusterIP];
    if (!spec.clusterIP && spec.clusterIPs?.[0] !== undefined) spec.clusterIP = spec.clusterIPs[0];
    return;
  }
  const isIpChanged = spec.clusterIP !== before.clusterIP;
  const isListChanged = !sameJson(spec.clusterIPs, before.clusterIPs);
  if (isIpChanged && !isListChanged) {
    if (spec.clusterIP) spec.clusterIPs = [spec.clusterIP];
    else delete spec.clusterIPs;
  } else if (isListChanged && !isIpChanged && spec.clusterIPs?.[0] !== undefined) {
    spec.clusterIP = spec.clusterIPs[0];
  }
}

/** What the server gave and a client that replaces the object left out stays (patchAllocatedValues). */
export function carryAllocated(spec: ServiceSpec, before: ServiceSpec): void {
  if (needsClusterIp(before) && needsClusterIp(spec)) {
    if (!spec.clusterIP && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && before.clusterIPs !== undefined && spec.clusterIP === before.clusterIP)
      spec.clusterIPs = [...before.clusterIPs];
    if (spec.ipFamilies === undefined && before.ipFamilies !== undefined) spec.ipFamilies = [...before.ipFamilies];
    if (spec.ipFamilyPolicy === undefined && before.ipFamilyPolicy !== undefined)
      spec.ipFamilyPolicy = before.ipFamilyPolicy;
  }
  if (needsNodePorts(before) && needsNodePorts(spec)) {
    const used = new Set(nodePortsOf(spec));
    for (const port of spec.ports ?? []) {
      const same = (before.ports ?? []).find((one) => one.port === port.port && one.protocol === port.protocol);
      if (port.nodePort || !same?.nodePort || used.has(same.nodePort)) continue;
      port.nodePort = same.nodePort;
      used.add(same.nodePort);
    }
  }
  if (needsHealthCheckPort(before) && needsHealthCheckPort(spec) && before.healthCheckNodePort)
    spec.healthCheckNodePort ||= before.healthCheckNodePort;
}

/** What another type gave goes with it, unless the client changed it in the same write (dropTypeDependentFields). */
export function dropOfOldType(service: Service, old: Service): void {
  const spec = service.spec ?? {};
  const before = old.spec ?? {};
  if (needsClusterIp(before) && !needsClusterIp(spec) && spec.clusterIP === before.clusterIP) {
    delete spec.clusterIP;
    delete spec.clusterIPs;
    delete spec.ipFamilies;
    delete spec.ipFamilyPolicy;
    delete spec.internalTrafficPolicy;
  }
  const portsOf = ({ ports }: ServiceSpec): unknown => (ports ?? []).map(({ nodePort }) => nodePort);
  const isNodePort = ({ type }: ServiceSpec): boolean => type === 'NodePort' || type === 'LoadBalancer';
  if (isNodePort(before) && !isNodePort(spec) && sameJson(portsOf(spec), portsOf(before)))
    for (const port of spec.ports ?? []) delete port.nodePort;
  if (
    needsHealthCheckPort(before) &&
    !needsHealthCheckPort(spec) &&
    spec.healthCheckNodePort === before.healthCheckNodePort
  )
    delete spec.healthCheckNodePort;
  if (isExternal(before) && !isExternal(spec) && spec.externalTrafficPolicy === before.externalTrafficPolicy)
    delete spec.externalTrafficPolicy;
  if (before.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    delete spec.allocateLoadBalancerNodePorts;
    delete spec.loadBalancerClass;
    service.status = { loadBalancer: {} };
  }
}
