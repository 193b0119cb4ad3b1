import { conditionOf } from '../api/condition.ts';
import { isDeleting } from '../api/object-facts.ts';
import type { ContainerPort, DiscoveryEndpointPort, Endpoint, Pod, Service, ServicePort } from '../api/objects.ts';
import { isPodReady, isPodTerminal } from '../api/pod-facts.ts';

/** What a Service's pods are as endpoints: shared by EndpointSlices and Endpoints. Pure. */

/** Whether a pod has a place among a Service's endpoints at all, ready or not. */
export function isEndpointPod(pod: Pod): boolean {
  return podAddresses(pod).length > 0 && !isPodTerminal(pod);
}

function podAddresses(pod: Pod): readonly string[] {
  const all = (pod.status?.podIPs ?? []).map(({ ip }) => ip).filter((ip) => ip !== undefined && ip !== '');
  if (all.length > 0) return all;
  return pod.status?.podIP === undefined || pod.status.podIP === '' ? [] : [pod.status.podIP];
}

/** Address of the family that the endpoints are for. */
export function addressOf(pod: Pod, family: 'IPv4' | 'IPv6'): string | undefined {
  return podAddresses(pod).find((address) => address.includes(':') === (family === 'IPv6'));
}

/** The number behind a Service's targetPort in one pod; undefined where the pod has no port of that name. */
function targetPortOf(pod: Pod, port: ServicePort): number | undefined {
  const target = port.targetPort ?? port.port;
  if (typeof target === 'number') return target === 0 ? port.port : target;
  const containers = [
    ...(pod.spec?.containers ?? []),
    ...(pod.spec?.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === 'Always'),
  ];
  const named = containers
    .flatMap(({ ports }) => ports ?? [])
    .find((one: ContainerPort) => one.name === target && (one.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
  return named?.containerPort;
}

/** Ports as one pod serves them; ports that it does not have are left out. */
export function endpointPorts(service: Service, pod: Pod): readonly DiscoveryEndpointPort[] {
  return (service.spec?.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { appProtocol } = port;
    return [
      {
        name: port.name ?? '',
        port: number,
        protocol: port.protocol ?? 'TCP',
        ...(appProtocol === undefined ? {} : { appProtocol }),
      },
    ];
  });
}

/** The endpoint for a pod (KEP-752; KEP-1672 for terminating). */
export function endpointOf(service: Service, pod: Pod, address: string, zone: string | undefined): Endpoint {
  const serving = isPodReady(pod);
  const terminating = isDeleting(pod);
  const ready = service.spec?.publishNotReadyAddresses === true || (serving && !terminating);
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata?.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
    ...(zone === undefined ? {} : { zone }),
  };
}

/** Newest of what has changed: the Service itself or one of its pods' readiness; for latency metrics (KEP-752). */
export function triggerTime(service: Service, pods: readonly Pod[]): string | undefined {
  const times = pods.map((pod) => conditionOf(pod, 'Ready')?.lastTransitionTime);
  return [service.metadata?.creationTimestamp, ...times]
    .filter((time) => time !== undefined)
    .toSorted()
    .at(-1);
}
