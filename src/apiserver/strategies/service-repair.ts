import type { Service } from '../../api/objects.ts';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { Holder } from './cluster-ip-allocator.ts';
import type { ServiceAllocators } from './service-allocation.ts';
import { addressesOf, nodePortsOf } from './service-fields.ts';

/** As often as upstream repairs its allocations. */
const PERIOD_MS = 180_000;

interface RepairOptions {
  readonly registry: RegistryAccess;
  readonly allocators: ServiceAllocators;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Gives back what Services no longer use, because an API server died between two writes, and takes what they use
 * without holding it. Every API server runs it; they do each other no harm. A node port counts as leaked only when two
 * rounds saw it unused, since the Service that took it may be about to be written.
 */
export async function runServiceRepair(
  { registry, allocators, clock, log }: RepairOptions,
  signal: AbortSignal,
): Promise<void> {
  let suspects: ReadonlySet<number> = new Set();
  while (!signal.aborted) {
    try {
      const services = await registry.list<Service>('services', '');
      const used = usedBy(services);
      const { freed, taken } = await allocators.addresses.repair(used.addresses, signal);
      if (freed + taken > 0) log.info('repaired cluster IPs', { freed, taken });
      suspects = await allocators.ports.repair(used.ports, suspects, signal);
    } catch (error) {
      if (!signal.aborted) log.warn('could not repair the allocations of Services', { error });
    }
    await clock.sleepMs(PERIOD_MS, signal).catch(() => undefined);
  }
}

function usedBy(services: readonly Service[]): { addresses: Map<string, Holder>; ports: Set<number> } {
  const addresses = new Map<string, Holder>();
  const ports = new Set<number>();
  for (const { metadata, spec = {} } of services) {
    const holder = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
    for (const address of addressesOf(spec)) addresses.set(address, holder);
    for (const port of nodePortsOf(spec)) ports.add(port);
  }
  return { addresses, ports };
}
