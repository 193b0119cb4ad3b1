import { isDeepStrictEqual } from 'node:util';
import { isDeleting } from '../api/object-facts.ts';
import type { EndpointAddress, EndpointPort, Endpoints, EndpointSubset, Pod, Service } from '../api/objects.ts';
import { matchesLabels, selectorOfMap } from '../api/selector.ts';
import { ignoring } from '../api/status.ts';
import { endpoints, pods, services } from '../client/resources.ts';
import { type CreateController, keyOf, queuedController, queueEach, splitKey } from './controller.ts';
import { queueServicesOfPods } from './endpoint-slice.ts';
import { OwnWrites } from './own-writes.ts';
import { addressOf, endpointPorts, isEndpointPod, triggerTime } from './service-endpoints.ts';
import { WritePace } from './write-pace.ts';
import { isPodReady } from '../api/pod-facts.ts';

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const OVER_CAPACITY = 'endpoints.kubernetes.io/over-capacity';
const MANAGED_BY = 'endpoints.kubernetes.io/managed-by';
const HEADLESS = 'service.kubernetes.io/headless';
/** Addresses of one Endpoints object at most (upstream's maxCapacity). */
const ADDRESSES_MAX = 1000;

/** Keeps the Endpoints of each Service that has a selector: the form that older clients read. */
export const createEndpointsController: CreateController = (context) => {
  const { client } = context;
  const serviceInformer = context.informers.of(services);
  const podInformer = context.informers.of(pods);
  const informer = context.informers.of(endpoints);
  const writes = new OwnWrites(context.clock);
  const pace = new WritePace(context.clock);

  return queuedController({
    name: 'endpoints',
    context,
    workers: 5,
    needs: [serviceInformer, podInformer, informer],
    connect: (queue) => {
      queueEach(serviceInformer, queue);
      informer.onChange((before, now) => {
        const key = keyOf(now ?? before ?? {});
        writes.saw(key, before, now);
        queue.add(key);
      });
      queueServicesOfPods(context, queue);
    },
    reconcile: async (key, signal, queue) => {
      const waitMs = writes.waitMs(key);
      if (waitMs !== undefined) return queue.addAfter(key, waitMs);
      const { namespace, name } = splitKey(key);
      const service = serviceInformer.lister.get(namespace, name);
      const existing = informer.lister.get(namespace, name);
      if (service === undefined || isDeleting(service)) {
        pace.forget(key);
        const isOurs = existing?.metadata?.labels?.[MANAGED_BY] === 'endpoint-controller';
        const { uid = '' } = existing?.metadata ?? {};
        if (service === undefined && isOurs)
          await client
            .delete(endpoints, { namespace, name }, { preconditions: { uid }, signal })
            .catch(ignoring('NotFound', 'Conflict'));
        return;
      }
      const selector = service.spec?.selector;
      if (selector === undefined || service.spec?.type === 'ExternalName') return;
      const matching = podInformer.lister
        .list(namespace)
        .filter(
          (pod) =>
            isEndpointPod(pod) &&
            (!isDeleting(pod) || service.spec?.publishNotReadyAddresses === true) &&
            matchesLabels(selectorOfMap(selector), pod.metadata?.labels),
        );
      const wanted = endpointsOf(service, matching);
      if (existing !== undefined && isSame(existing, wanted)) return;
      const paceMs = pace.waitMs(key, matching.length);
      if (paceMs > 0) return queue.addAfter(key, paceMs);
      const written =
        existing === undefined
          ? await client.create(endpoints, wanted, { signal })
          : await client.update(endpoints, replacing(existing, wanted), { signal });
      writes.wrote(key, written, informer.lister.get(namespace, name));
    },
  });
};

/** What others have annotated stays; what of ours is no longer so goes. */
function replacing(existing: Endpoints, wanted: Endpoints): Endpoints {
  const { [OVER_CAPACITY]: _over, [TRIGGER_TIME]: _time, ...others } = existing.metadata?.annotations ?? {};
  const annotations = { ...others, ...wanted.metadata?.annotations };
  return { ...wanted, metadata: { ...existing.metadata, ...wanted.metadata, annotations } };
}

function isSame(existing: Endpoints, wanted: Endpoints): boolean {
  return (
    isDeepStrictEqual(existing.subsets ?? [], wanted.subsets ?? []) &&
    isDeepStrictEqual({ ...existing.metadata?.labels }, { ...wanted.metadata?.labels }) &&
    existing.metadata?.annotations?.[OVER_CAPACITY] === wanted.metadata?.annotations?.[OVER_CAPACITY]
  );
}

/** The whole object that fits the Service's pods. */
export function endpointsOf(service: Service, matching: readonly Pod[]): Endpoints {
  const time = triggerTime(service, matching);
  // Too many for one object: those that serve go first.
  const isOver = matching.length > ADDRESSES_MAX;
  const byReadiness = isOver
    ? [...matching.filter(isPodReady), ...matching.filter((pod) => !isPodReady(pod))]
    : matching;
  const kept = byReadiness.slice(0, ADDRESSES_MAX);
  const isHeadless = service.spec?.clusterIP === 'None';
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: {
      namespace: service.metadata?.namespace ?? '',
      name: service.metadata?.name ?? '',
      labels: {
        ...service.metadata?.labels,
        [MANAGED_BY]: 'endpoint-controller',
        ...(isHeadless ? { [HEADLESS]: '' } : {}),
      },
      annotations: {
        ...(time === undefined ? {} : { [TRIGGER_TIME]: time }),
        ...(isOver ? { [OVER_CAPACITY]: 'truncated' } : {}),
      },
    },
    subsets: subsetsOf(service, kept),
  };
}

/** Addresses grouped by ports, in a fixed order, so that equal pods give equal text. */
function subsetsOf(service: Service, matching: readonly Pod[]): EndpointSubset[] {
  const groups = new Map<string, { ports: EndpointPort[]; ready: EndpointAddress[]; notReady: EndpointAddress[] }>();
  for (const pod of matching) {
    const address = addressOf(pod, 'IPv4');
    if (address === undefined) continue;
    const found = endpointPorts(service, pod);
    // A pod that has none of the named ports serves nothing here.
    if (found.length === 0 && (service.spec?.ports ?? []).length > 0) continue;
    const ports = found.map(({ name, port, protocol, appProtocol }) => ({
      ...(name === '' || name === undefined ? {} : { name }),
      port: port ?? 0,
      ...(protocol === undefined ? {} : { protocol }),
      ...(appProtocol === undefined ? {} : { appProtocol }),
    })) as EndpointPort[];
    const key = JSON.stringify(ports);
    const group = groups.get(key) ?? { ports, ready: [], notReady: [] };
    const isReady = service.spec?.publishNotReadyAddresses === true || isPodReady(pod);
    (isReady ? group.ready : group.notReady).push(endpointAddress(service, pod, address));
    groups.set(key, group);
  }
  const byIp = (a: EndpointAddress, b: EndpointAddress): number => (a.ip < b.ip ? -1 : a.ip > b.ip ? 1 : 0);
  return [...groups.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { ports, ready, notReady }]) => ({
      ...(ready.length === 0 ? {} : { addresses: ready.toSorted(byIp) }),
      ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady.toSorted(byIp) }),
      ...(ports.length === 0 ? {} : { ports }),
    }));
}

function endpointAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
  return {
    ip,
    ...(hostname !== undefined && hostname !== '' && subdomain === service.metadata?.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: { kind: 'Pod', namespace, name, uid },
  };
}
