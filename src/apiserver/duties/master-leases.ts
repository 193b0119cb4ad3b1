import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { RegistryAccess } from '../registry/registry-access.ts';
import type { Storage } from '../storage/storage.ts';
import { publishApiServers } from './kubernetes-service.ts';

const PREFIX = '/registry/masterleases/';
/** Upstream's: an API server that is gone is taken out of the Service after at most this. */
const TTL_SECONDS = 15;
const INTERVAL_MS = 10_000;
const LEAVE_TIMEOUT_MS = 2000;

export interface MasterLeasesOptions {
  readonly storage: Storage;
  readonly registry: RegistryAccess;
  /** Where this API server is reached. */
  readonly address: string;
  readonly port: number;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Keeps this API server among the endpoints of the `kubernetes` Service while it runs: each holds a key with a lease,
 * and all who hold one are published (pkg/controlplane/reconcilers/lease.go, in whose form the keys are).
 */
export async function runMasterLeases(options: MasterLeasesOptions, signal: AbortSignal): Promise<void> {
  const { clock, log } = options;
  while (!signal.aborted) {
    try {
      await hold(options, signal);
      await publish(options, signal);
    } catch (error) {
      if (!signal.aborted) log.warn('could not publish the API servers', { error });
    }
    await clock.sleepMs(INTERVAL_MS, signal).catch(() => undefined); // rejects only when aborted
  }
  await leave(options).catch((error: unknown) =>
    log.warn('could not take this API server out of the Service', { error }),
  );
}

async function hold({ storage, address }: MasterLeasesOptions, signal: AbortSignal): Promise<void> {
  const key = PREFIX + address;
  const text = JSON.stringify({
    kind: 'Endpoints',
    apiVersion: 'v1',
    metadata: { creationTimestamp: null },
    subsets: [{ addresses: [{ ip: address }] }],
  });
  const { item } = await storage.get(key, signal);
  // Lost only to a server with the same address, which then holds it for both.
  await storage.put({ key, text, expectedRevision: item?.revision ?? 0, ttlSeconds: TTL_SECONDS }, signal);
}

async function publish({ storage, registry, port }: MasterLeasesOptions, signal: AbortSignal): Promise<void> {
  const { items } = await storage.list(PREFIX, {}, signal);
  const addresses = items.map(({ key }) => key.slice(PREFIX.length));
  if (addresses.length > 0) await publishApiServers(registry, addresses, port);
}

async function leave(options: MasterLeasesOptions): Promise<void> {
  const signal = AbortSignal.timeout(LEAVE_TIMEOUT_MS);
  const { storage, address } = options;
  const { item } = await storage.get(PREFIX + address, signal);
  if (item !== null) await storage.delete(item.key, item.revision, signal);
  await publish(options, signal);
}
