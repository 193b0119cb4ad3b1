import { readFileSync } from 'node:fs';
import { addressAt } from '../api/ipv4.ts';
import { systemClock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { EtcdClient } from '../store/client/etcd-client.ts';
import { assemble, type Assembled } from './assemble.ts';
import { ensurePolicy } from './authorization/bootstrap/ensure-policy.ts';
import { runCompactor } from './duties/compactor.ts';
import { ensureDefaultNamespaces } from './duties/default-namespaces.ts';
import { ensureKubernetesService } from './duties/kubernetes-service.ts';
import { runMasterLeases } from './duties/master-leases.ts';
import { runStoreMembers } from './duties/store-members.ts';
import type { HealthCheck } from './health.ts';
import type { ApiServerOptions } from './options.ts';
import { runServer } from './server.ts';
import { ServingTls } from './serving-tls.ts';
import { EtcdStorage } from './storage/etcd-storage.ts';
import { runServiceRepair } from './strategies/service-repair.ts';

const RETRY_MS = 1000;
/** etcd ends connections that are pinged more often than every 5 s. */
const KEEPALIVE_MS = 6000;

/** Runs an API server until `signal` is aborted; settles when its connections, watches and lease are given back. */
export async function runApiServer(options: ApiServerOptions, signal: AbortSignal): Promise<void> {
  const log = createLog('apiserver');
  const client = etcdClient(options);
  const storage = new EtcdStorage(client);
  const state = { isBootstrapped: false };
  const checks: HealthCheck[] = [
    { name: 'poststarthook/rbac/bootstrap-roles', isLiveness: false, check: () => wellWhen(state.isBootstrapped) },
    { name: 'shutdown', isLiveness: false, check: () => wellWhen(!signal.aborted) },
  ];
  try {
    const assembled = await assemble(options, { storage, clock: systemClock, log, checks });
    const { tlsCertFile: certFile, tlsPrivateKeyFile: keyFile, clientCaFile } = options;
    const tls = await ServingTls.read({ certFile, keyFile, clientCaFile }, log);
    const onBootstrapped = (): void => {
      state.isBootstrapped = true;
    };
    const parts = partsOf(options, { client, storage, assembled, tls, log, onBootstrapped });
    try {
      await runTogether(parts, signal);
    } finally {
      await assembled.registry.close();
    }
  } finally {
    client.close();
  }
}

interface Made {
  readonly client: EtcdClient;
  readonly storage: EtcdStorage;
  readonly assembled: Assembled;
  readonly tls: ServingTls;
  readonly log: Log;
  readonly onBootstrapped: () => void;
}

/** All that runs for as long as the server does. */
function partsOf(options: ApiServerOptions, made: Made): Runnable[] {
  const { client, storage, assembled, tls, log, onBootstrapped } = made;
  const { registry, authorization, allocators, pipeline } = assembled;
  const { bindAddress, securePort: port, onListening, advertiseAddress: address, etcdMembers, limits } = options;
  const clock = systemClock;
  const listening = {
    ...(onListening === undefined ? {} : { onListening }),
    ...(limits === undefined ? {} : { limits }),
  };
  return [
    { run: (signal) => runServer({ tls, bindAddress, port, pipeline, log, ...listening }, signal) },
    { run: (signal) => tls.run(clock, signal) },
    { run: (signal) => runBootstrap(options, assembled, { log, onBootstrapped }, signal) },
    {
      run: (signal) => onceDone('following roles', { log, signal }, () => authorization.observe(registry, signal)),
    },
    { run: (signal) => runCompactor(client, clock, log, signal) },
    { run: (signal) => runMasterLeases({ storage, registry, address, port, clock, log }, signal) },
    { run: (signal) => runServiceRepair({ registry, allocators, clock, log }, signal) },
    ...(etcdMembers === undefined
      ? []
      : [{ run: (signal: AbortSignal) => runStoreMembers({ client, ...etcdMembers, clock, log }, signal) }]),
  ];
}

/** Makes what every cluster has: namespaces, the `kubernetes` Service, roles. */
async function runBootstrap(
  { serviceClusterIpRange, securePort: port }: ApiServerOptions,
  { registry }: Assembled,
  { log, onBootstrapped }: Pick<Made, 'log' | 'onBootstrapped'>,
  signal: AbortSignal,
): Promise<void> {
  await onceDone('bootstrap', { log, signal }, async () => {
    await ensureDefaultNamespaces(registry);
    await ensureKubernetesService(registry, { clusterIp: addressAt(serviceClusterIpRange, 1), port });
    await ensurePolicy(registry, signal);
    registry.warm();
    onBootstrapped();
  });
}

function etcdClient({ etcdServers: endpoints, etcdTls }: ApiServerOptions): EtcdClient {
  if (etcdTls === undefined) return new EtcdClient({ endpoints, keepaliveMs: KEEPALIVE_MS });
  // Asked for at each connection, so that renewed certificates are used.
  const tls = (): { ca: Buffer; cert: Buffer; key: Buffer } => ({
    ca: readFileSync(etcdTls.caFile),
    cert: readFileSync(etcdTls.certFile),
    key: readFileSync(etcdTls.keyFile),
  });
  return new EtcdClient({ endpoints, tls, keepaliveMs: KEEPALIVE_MS });
}

/** Does the work, again until it has succeeded once; settles when `signal` is aborted. */
async function onceDone(
  what: string,
  { log, signal }: { readonly log: Log; readonly signal: AbortSignal },
  work: () => Promise<void>,
): Promise<void> {
  let isDone = false;
  while (!signal.aborted && !isDone) {
    try {
      await work();
      isDone = true;
    } catch (error) {
      if (signal.aborted) return;
      log.warn('not possible yet, trying again', { what, error });
      await systemClock.sleepMs(RETRY_MS, signal).catch(() => undefined); // rejects only when aborted
    }
  }
  await untilAborted(signal);
}

function wellWhen(isWell: boolean): Promise<void> {
  return isWell ? Promise.resolve() : Promise.reject(new Error('not yet'));
}
