import { isDeleting } from '../api/object-facts.ts';
import type { EndpointSlice, Pod, Service } from '../api/objects.ts';
import { matchesLabels, selectorOfMap } from '../api/selector.ts';
import { ignoring } from '../api/status.ts';
import { endpointSlices, nodes, pods, services } from '../client/resources.ts';
import type { ControllerContext, CreateController } from './controller.ts';
import { keyOf, queuedController, queueEach, splitKey } from './controller.ts';
import {
  type EndpointGroup,
  MANAGED_BY,
  MANAGER,
  planEndpointSlices,
  SERVICE_NAME,
  type SlicePlan,
} from './endpoint-slice-plan.ts';
import { OwnWrites } from './own-writes.ts';
import { addressOf, endpointOf, endpointPorts, isEndpointPod, triggerTime } from './service-endpoints.ts';
import { WritePace } from './write-pace.ts';
import type { WorkQueue } from '../client/work-queue.ts';

const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
const ZONE = 'topology.kubernetes.io/zone';

/** Index function: slices by `namespace/service`. */
function byService(slice: { metadata?: { namespace?: string; labels?: Record<string, string> } }): readonly string[] {
  const service = slice.metadata?.labels?.[SERVICE_NAME];
  return service === undefined ? [] : [`${slice.metadata?.namespace ?? ''}/${service}`];
}

/** Keeps the EndpointSlices of each Service that has a selector. */
export const createEndpointSliceController: CreateController = (context) => {
  const serviceInformer = context.informers.of(services);
  const podInformer = context.informers.of(pods);
  const nodeInformer = context.informers.of(nodes);
  const slices = context.informers.of(endpointSlices, { service: byService });
  const writes = new OwnWrites(context.clock);
  const pace = new WritePace(context.clock);

  return queuedController({
    name: 'endpointslice',
    context,
    workers: 5,
    needs: [serviceInformer, podInformer, nodeInformer, slices],
    connect: (queue) => {
      queueEach(serviceInformer, queue);
      queueServicesOfPods(context, queue);
      slices.onChange((before, now) => {
        const slice = now ?? before;
        if (slice?.metadata?.labels?.[MANAGED_BY] !== MANAGER && before?.metadata?.labels?.[MANAGED_BY] !== MANAGER)
          return;
        // A slice that was given to another Service, or to nobody, is missed by the one that had it.
        for (const key of new Set([before, now].flatMap((one) => (one === undefined ? [] : byService(one))))) {
          writes.saw(key, before, now);
          queue.add(key);
        }
      });
    },
    reconcile: async (key, signal, queue) => {
      const waitMs = writes.waitMs(key);
      if (waitMs !== undefined) return queue.addAfter(key, waitMs);
      const { namespace, name } = splitKey(key);
      const service = serviceInformer.lister.get(namespace, name);
      // The slices of a Service that is gone go by their owner reference.
      if (service === undefined || isDeleting(service)) return pace.forget(key);
      const selector = service.spec?.selector;
      if (selector === undefined || service.spec?.type === 'ExternalName') return;
      const matching = podInformer.lister
        .list(namespace)
        .filter((pod) => isEndpointPod(pod) && matchesLabels(selectorOfMap(selector), pod.metadata?.labels));
      const existing = slices.lister
        .byIndex('service', key)
        .filter((slice) => slice.metadata?.labels?.[MANAGED_BY] === MANAGER && !isDeleting(slice));
      const zoneOf = (node: string | undefined): string | undefined =>
        nodeInformer.lister.get('', node ?? '')?.metadata?.labels?.[ZONE];
      const plan = planEndpointSlices(service, existing, groupsOf(service, matching, zoneOf));
      if (plan.create.length + plan.update.length + plan.delete.length === 0) return;
      const paceMs = pace.waitMs(key, matching.length);
      if (paceMs > 0) return queue.addAfter(key, paceMs);
      await writePlan(context, plan, triggerTime(service, matching), signal, (slice) =>
        writes.wrote(key, slice, slices.lister.get(namespace, slice.metadata?.name ?? '')),
      );
    },
  });
};

/** @param time of the change that the writes are for. @param wrote told of each slice that is there then */
async function writePlan(
  { client }: ControllerContext,
  plan: SlicePlan,
  time: string | undefined,
  signal: AbortSignal,
  wrote: (slice: EndpointSlice) => void,
): Promise<void> {
  const stamped = (slice: EndpointSlice): EndpointSlice => ({
    ...slice,
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { ...slice.metadata, annotations: time === undefined ? {} : { [TRIGGER_TIME]: time } },
  });
  for (const slice of plan.create) wrote(await client.create(endpointSlices, stamped(slice), { signal }));
  for (const slice of plan.update) wrote(await client.update(endpointSlices, stamped(slice), { signal }));
  for (const { metadata: { namespace = '', name = '', uid = '' } = {} } of plan.delete)
    await client
      .delete(endpointSlices, { namespace, name }, { preconditions: { uid }, signal })
      .catch(ignoring('NotFound', 'Conflict'));
}

/** Endpoints by the ports that their pods give: named ports may differ from pod to pod. */
function groupsOf(
  service: Service,
  matching: readonly Pod[],
  zoneOf: (node: string | undefined) => string | undefined,
): readonly EndpointGroup[] {
  const families = service.spec?.ipFamilies ?? ['IPv4'];
  return families.flatMap((family) => {
    const addressType = family === 'IPv6' ? 'IPv6' : 'IPv4';
    const groups = new Map<
      string,
      { addressType: 'IPv4' | 'IPv6'; ports: EndpointGroup['ports']; endpoints: EndpointGroup['endpoints'][number][] }
    >();
    for (const pod of matching) {
      const address = addressOf(pod, addressType);
      if (address === undefined) continue;
      const ports = endpointPorts(service, pod);
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { addressType, ports, endpoints: [] };
      group.endpoints.push(endpointOf(service, pod, address, zoneOf(pod.spec?.nodeName)));
      groups.set(key, group);
    }
    return groups.size === 0 ? [{ addressType, ports: [], endpoints: [] }] : [...groups.values()];
  });
}

/** Queues every Service that selects a pod, or did before its labels changed. */
export function queueServicesOfPods(context: ControllerContext, queue: WorkQueue): void {
  const { lister } = context.informers.of(services);
  context.informers.of(pods).onChange((before, now) => {
    for (const service of lister.list((now ?? before)?.metadata?.namespace ?? '')) {
      const selector = service.spec?.selector;
      if (selector === undefined || Object.keys(selector).length === 0) continue;
      const selects = (pod: Pod | undefined): boolean =>
        pod !== undefined && matchesLabels(selectorOfMap(selector), pod.metadata?.labels);
      if (selects(before) || selects(now)) queue.add(keyOf(service));
    }
  });
}
