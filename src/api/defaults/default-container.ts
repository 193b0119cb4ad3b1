import { defaultPullPolicy } from '../image-name.ts';
import type { Container, ContainerPort, EphemeralContainer, LifecycleHandler, Probe } from '../objects.ts';
import { canonicalMap } from './canonical-map.ts';
import { canonicalQuantity, isQuantity } from '../quantity.ts';

/** Fills in what upstream fills in for a container of any sort (pkg/apis/core/v1/defaults.go, SetDefaults_Container). */
export function defaultContainer(container: Container | EphemeralContainer): void {
  container.imagePullPolicy ||= defaultPullPolicy(container.image ?? '');
  container.terminationMessagePath ||= '/dev/termination-log';
  container.terminationMessagePolicy ||= 'File';
  container.resources ??= {};
  canonicalMap(container.resources.limits);
  canonicalMap(container.resources.requests);
  for (const port of container.ports ?? []) defaultPort(port);
  for (const { valueFrom } of container.env ?? []) {
    if (valueFrom?.fieldRef !== undefined) valueFrom.fieldRef.apiVersion ||= 'v1';
    const resource = valueFrom?.resourceFieldRef;
    if (resource !== undefined)
      resource.divisor = isQuantity(resource.divisor) ? canonicalQuantity(resource.divisor) : (resource.divisor ?? '0');
  }
  defaultProbe(container.livenessProbe);
  defaultProbe(container.readinessProbe);
  defaultProbe(container.startupProbe);
  defaultHandler(container.lifecycle?.postStart);
  defaultHandler(container.lifecycle?.preStop);
}

/** A request that is not given is the limit (SetDefaults_Pod; templates keep what was written). */
export function defaultRequests(container: Container): void {
  const { resources } = container;
  if (resources?.limits === undefined) return;
  const requests = { ...resources.requests };
  for (const [name, limit] of Object.entries(resources.limits)) requests[name] ??= limit;
  if (Object.keys(requests).length > 0) resources.requests = requests;
}

/** On the host's network a container's port is the host's port. */
export function defaultHostPorts(container: Container): void {
  for (const port of container.ports ?? []) port.hostPort ||= port.containerPort;
}

function defaultPort(port: ContainerPort): void {
  port.protocol ||= 'TCP';
}

function defaultProbe(probe: Probe | undefined): void {
  if (probe === undefined) return;
  probe.timeoutSeconds ||= 1;
  probe.periodSeconds ||= 10;
  probe.successThreshold ||= 1;
  probe.failureThreshold ||= 3;
  defaultHandler(probe);
  if (probe.grpc !== undefined) probe.grpc.service ??= '';
}

function defaultHandler(handler: Pick<LifecycleHandler, 'httpGet'> | undefined): void {
  const get = handler?.httpGet;
  if (get === undefined) return;
  get.path ||= '/';
  get.scheme ||= 'HTTP';
}
