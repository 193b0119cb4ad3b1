import type { Service, ServiceSpec } from '../../api/objects.ts';
import { invalid, invalidObject } from '../../api/field-error.ts';
import type { Reservation, StrategyContext } from '../registry/strategy.ts';
import type { ClusterIpAllocator, Holder } from './cluster-ip-allocator.ts';
import type { NodePortAllocator } from './node-port-allocator.ts';
import { addressesOf, needsClusterIp, needsHealthCheckPort, needsNodePorts, nodePortsOf } from './service-fields.ts';

/** What Services are given addresses and ports from. */
export interface ServiceAllocators {
  readonly addresses: ClusterIpAllocator;
  readonly ports: NodePortAllocator;
}

const NEVER_ABORTED = new AbortController().signal;

/**
 * Gives a Service what its type needs and it has not yet, in place. Commit gives back what the old object had and the
 * new one has not; rollback gives back what was taken now.
 */
export async function allocate(
  service: Service,
  old: Service | null,
  allocators: ServiceAllocators,
  context: StrategyContext,
): Promise<Reservation> {
  const spec = service.spec ?? {};
  service.spec = spec;
  const before = old?.spec ?? {};
  const holder = holderOf(service);
  const undo: (() => Promise<void>)[] = [];
  const rollback = async (): Promise<void> => {
    for (const step of undo.splice(0)) await step();
  };
  try {
    if (needsClusterIp(spec)) await allocateAddress(service, before, { allocators, context, holder, undo });
    await allocatePorts(service, before, { allocators, context, holder, undo });
  } catch (error) {
    await rollback();
    throw error;
  }
  return {
    rollback,
    commit: async () => {
      if (context.isDryRun) return;
      const kept = new Set(addressesOf(spec));
      for (const address of addressesOf(before)) {
        if (!kept.has(address)) await allocators.addresses.release(address, holder, context.signal);
      }
      const keptPorts = new Set(nodePortsOf(spec));
      await allocators.ports.release(
        nodePortsOf(before).filter((port) => !keptPorts.has(port)),
        context.signal,
      );
    },
  };
}

/** Gives back all that a Service had. */
export async function releaseAll(
  service: Service,
  { addresses, ports }: ServiceAllocators,
  signal: AbortSignal,
): Promise<void> {
  const spec = service.spec ?? {};
  for (const address of addressesOf(spec)) await addresses.release(address, holderOf(service), signal);
  await ports.release(nodePortsOf(spec), signal);
}

interface Allocation {
  readonly allocators: ServiceAllocators;
  readonly context: StrategyContext;
  readonly holder: Holder;
  readonly undo: (() => Promise<void>)[];
}

async function allocateAddress(service: Service, before: ServiceSpec, allocation: Allocation): Promise<void> {
  const spec = service.spec ?? {};
  const { allocators, context, holder, undo } = allocation;
  const { addresses } = allocators;
  refuseOtherFamilies(service);
  spec.ipFamilies ??= ['IPv4'];
  spec.ipFamilyPolicy ??= 'SingleStack';
  if (spec.clusterIP === 'None') {
    spec.clusterIPs = ['None'];
    return;
  }
  const wanted = spec.clusterIP ?? '';
  if (wanted !== '' && addressesOf(before).includes(wanted)) return;
  if (wanted !== '' && !addresses.includes(wanted))
    throw refused(
      service,
      wanted,
      `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${addresses.cidr}`,
    );
  if (context.isDryRun) {
    if (wanted !== '' && !(await addresses.isFree(wanted, context.signal)))
      throw refused(service, wanted, 'provided IP is already allocated');
    return;
  }
  const taken = wanted === '' ? await addresses.takeAny(holder, context.signal) : wanted;
  const how = wanted === '' ? 'new' : await addresses.take(wanted, holder, context.signal);
  if (how === 'taken') throw refused(service, wanted, 'provided IP is already allocated');
  // An aborted request must still give back what it took.
  if (how === 'new') undo.push(() => addresses.release(taken, holder, NEVER_ABORTED));
  spec.clusterIP = taken;
  spec.clusterIPs = [taken];
}

/** The service range is IPv4: a Service that must have IPv6 cannot be. */
function refuseOtherFamilies({ metadata, spec = {} }: Service): void {
  const name = metadata?.name ?? '';
  const family = (spec.ipFamilies ?? []).findIndex((one) => one !== 'IPv4');
  // A headless Service without a selector may have addresses of any family: it is given none by us.
  if (family >= 0 && spec.clusterIP !== 'None')
    throw invalidObject('Service', name, [
      invalid(`spec.ipFamilies[${family}]`, spec.ipFamilies?.[family], 'not configured on this cluster'),
    ]);
  if (spec.ipFamilyPolicy === 'RequireDualStack')
    throw invalidObject('Service', name, [
      invalid('spec.ipFamilyPolicy', spec.ipFamilyPolicy, 'this cluster is not configured for dual-stack services'),
    ]);
}

function refused(service: Service, address: string, why: string): Error {
  return invalidObject('Service', service.metadata?.name ?? '', [
    invalid('spec.clusterIPs', [address], `failed to allocate IP ${address}: ${why}`),
  ]);
}

async function allocatePorts(service: Service, before: ServiceSpec, allocation: Allocation): Promise<void> {
  const spec = service.spec ?? {};
  const { allocators, context, undo } = allocation;
  const { ports } = allocators;
  const own = new Set(nodePortsOf(before));
  const wanted = nodePortsOf(spec).filter((port) => !own.has(port));
  for (const port of wanted) {
    if (!ports.includes(port))
      throw refusedPort(
        service,
        port,
        `provided port is not in the valid range. The range of valid ports is ${ports.text}`,
      );
  }
  // TCP and UDP of one number share one node port, as the DNS Service would have it.
  const open = needsNodePorts(spec) ? (spec.ports ?? []).filter(({ nodePort }) => !nodePort) : [];
  const groups = groupByPort(open);
  const needsCheck = needsHealthCheckPort(spec) && !spec.healthCheckNodePort;
  if (wanted.length + groups.length === 0 && !needsCheck) return;
  if (context.isDryRun) return;
  const taken = await ports.take(wanted, groups.length + (needsCheck ? 1 : 0), context.signal);
  if ('taken' in taken) throw refusedPort(service, taken.taken, 'provided port is already allocated');
  undo.push(() => ports.release([...wanted, ...taken], NEVER_ABORTED));
  for (const [i, group] of groups.entries()) {
    for (const port of group) port.nodePort = taken[i] ?? 0;
  }
  if (needsCheck) spec.healthCheckNodePort = taken.at(-1) ?? 0;
}

type Ports = NonNullable<ServiceSpec['ports']>;

function groupByPort(ports: Ports): Ports[] {
  const groups = new Map<number, Ports>();
  const rest: Ports[] = [];
  for (const port of ports) {
    const group = groups.get(port.port);
    if (group === undefined) groups.set(port.port, [port]);
    else if (group.some(({ protocol }) => protocol === port.protocol)) rest.push([port]);
    else group.push(port);
  }
  return [...groups.values(), ...rest];
}

function refusedPort(service: Service, port: number, why: string): Error {
  const index = (service.spec?.ports ?? []).findIndex(({ nodePort }) => nodePort === port);
  return invalidObject('Service', service.metadata?.name ?? '', [
    invalid(`spec.ports[${Math.max(index, 0)}].nodePort`, port, why),
  ]);
}

function holderOf({ metadata }: Service): Holder {
  return { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
}
