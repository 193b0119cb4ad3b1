import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { systemClock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { EtcdClient } from '../store/client/etcd-client.ts';
import { KindTable } from '../api/kinds/kind-table.ts';
import { KINDS } from '../api/kinds/rows.ts';
import { AdmissionChain } from './admission/admission.ts';
import { createAdmission } from './admission/default-plugins.ts';
import { createAuthenticator } from './authentication/create-authenticator.ts';
import { impersonate } from './authentication/impersonation.ts';
import { discoveryDocuments, readServiceAccountKeys } from './authentication/service-account-keys.ts';
import { TokenSigner } from './authentication/token-signer.ts';
import type { TokenAuthenticator } from './authentication/bearer-authenticator.ts';
import { ensurePolicy } from './authorization/bootstrap/ensure-policy.ts';
import { createAuthorization } from './authorization/create-authorizer.ts';
import type { ConnectHandlers } from './connect.ts';
import { Discovery } from './discovery/discovery.ts';
import { runCompactor } from './duties/compactor.ts';
import { ensureDefaultNamespaces } from './duties/default-namespaces.ts';
import { ensureKubernetesService } from './duties/kubernetes-service.ts';
import { runMasterLeases } from './duties/master-leases.ts';
import { Health } from './health.ts';
import { RequestMetrics } from './metrics.ts';
import { NonResource } from './non-resource.ts';
import { OpenApi } from './openapi/open-api.ts';
import type { ApiServerOptions } from './options.ts';
import { Pipeline } from './pipeline.ts';
import { Registry } from './registry/registry.ts';
import { runServer } from './server.ts';
import { ServingTls } from './serving-tls.ts';
import { EtcdStorage } from './storage/etcd-storage.ts';
import { ClusterIpAllocator } from './strategies/cluster-ip-allocator.ts';
import { NodePortAllocator } from './strategies/node-port-allocator.ts';
import { runServiceRepair } from './strategies/service-repair.ts';
import { createStrategies } from './strategies/strategies.ts';
import { createConnectHandlers } from './tunnel/connect-handlers.ts';
import type { KubeletTls } from './tunnel/open-request.ts';

const DEFAULT_PORTS = { first: 30_000, last: 32_767 };
const RETRY_MS = 1000;
/** etcd ends connections that are pinged more often than every 5 s. */
const KEEPALIVE_MS = 6000;

/** Runs an API server until `signal` is aborted; settles when its connections, watches and lease are given back. */
export async function runApiServer(options: ApiServerOptions, signal: AbortSignal): Promise<void> {
  const log = createLog('apiserver');
  const client = etcdClient(options);
  try {
    await serve(options, { client, log }, signal);
  } finally {
    client.close();
  }
}

interface Outside {
  readonly client: EtcdClient;
  readonly log: Log;
}

async function serve(options: ApiServerOptions, { client, log }: Outside, signal: AbortSignal): Promise<void> {
  const clock = systemClock;
  const nowMs = (): number => clock.nowMs();
  const storage = new EtcdStorage(client);
  const keys = await serviceAccountKeys(options);
  const signer = new TokenSigner(keys, options.serviceAccountIssuer, nowMs);
  const audiences = options.apiAudiences.length > 0 ? options.apiAudiences : [options.serviceAccountIssuer];
  const authorization = createAuthorization();
  const allocators = {
    addresses: new ClusterIpAllocator(storage, options.serviceClusterIpRange, nowMs),
    ports: new NodePortAllocator(storage, options.serviceNodePortRange ?? DEFAULT_PORTS),
  };
  const kinds = new KindTable(KINDS);
  const tokens: { authenticator?: TokenAuthenticator } = {};
  const strategies = createStrategies({
    allocators,
    signer,
    audiences,
    authorization,
    tokens: () => required(tokens.authenticator),
  });
  const registry = new Registry({
    storage,
    kinds,
    strategies,
    admission:
      options.admissionPlugins === undefined
        ? createAdmission({ authorization, clock })
        : new AdmissionChain(options.admissionPlugins),
    clock,
    log,
  });
  const { authenticator, tokens: tokenAuthenticator } = createAuthenticator({
    registry,
    signer,
    audiences,
    nowMs,
    ...(await requestHeaderOf(options)),
  });
  tokens.authenticator = tokenAuthenticator;
  const authorizer = options.authorizer ?? authorization.authorizer;
  const metrics = new RequestMetrics();
  metrics.watchCaches(registry.caches);
  const state = { isBootstrapped: false };
  const health = new Health([
    { name: 'etcd', isLiveness: false, check: async (both) => void (await storage.currentRevision(both)) },
    { name: 'poststarthook/rbac/bootstrap-roles', isLiveness: false, check: () => wellWhen(state.isBootstrapped) },
    { name: 'shutdown', isLiveness: false, check: () => wellWhen(!signal.aborted) },
  ]);
  const nonResource = new NonResource({
    discovery: new Discovery(kinds, `${options.advertiseAddress}:${options.securePort}`),
    openApi: new OpenApi(kinds),
    health,
    metrics,
    documents: oidcDocuments(options, keys),
  });
  const pipeline = new Pipeline({
    api: { registry, connectHandlers: connectHandlers(options) },
    authenticator,
    authorizer,
    nonResource: (exchange) => nonResource.handle(exchange),
    impersonate: (exchange, both) => impersonate(exchange.user, exchange.headers, authorizer, both),
    metrics,
    log,
  });
  const { tlsCertFile: certFile, tlsPrivateKeyFile: keyFile, clientCaFile, bindAddress, securePort } = options;
  const tls = await ServingTls.read({ certFile, keyFile, clientCaFile }, log);
  const bootstrap = async (both: AbortSignal): Promise<void> => {
    await retrying('bootstrap', { log, signal: both }, async () => {
      await ensureDefaultNamespaces(registry);
      await ensureKubernetesService(registry, {
        clusterIp: firstAddress(options.serviceClusterIpRange),
        port: securePort,
      });
      await ensurePolicy(registry, both);
      state.isBootstrapped = true;
    });
    await aborted(both);
  };
  const observe = async (both: AbortSignal): Promise<void> => {
    await retrying('following roles', { log, signal: both }, () => authorization.observe(registry, both));
    await aborted(both);
  };
  const parts: Runnable[] = [
    {
      run: (both) =>
        runServer(
          {
            tls,
            bindAddress,
            port: securePort,
            pipeline,
            log,
            ...(options.onListening === undefined ? {} : { onListening: options.onListening }),
          },
          both,
        ),
    },
    { run: (both) => tls.run(clock, both) },
    { run: bootstrap },
    { run: observe },
    { run: (both) => runCompactor(client, clock, log, both) },
    {
      run: (both) =>
        runMasterLeases({ storage, registry, address: options.advertiseAddress, port: securePort, clock, log }, both),
    },
    { run: (both) => runServiceRepair({ registry, allocators, clock, log }, both) },
  ];
  try {
    await runTogether(parts, signal);
  } finally {
    await registry.close();
  }
}

function etcdClient({ etcdServers, etcdTls }: ApiServerOptions): EtcdClient {
  if (etcdTls === undefined) return new EtcdClient({ endpoints: etcdServers, keepaliveMs: KEEPALIVE_MS });
  // Asked for at each connection, so that renewed certificates are used.
  const tls = (): { ca: Buffer; cert: Buffer; key: Buffer } => ({
    ca: readFileSync(etcdTls.caFile),
    cert: readFileSync(etcdTls.certFile),
    key: readFileSync(etcdTls.keyFile),
  });
  return new EtcdClient({ endpoints: etcdServers, tls, keepaliveMs: KEEPALIVE_MS });
}

/** Streams to kubelets; without an identity towards them there are none but those given. */
function connectHandlers({ kubelet, connectHandlers: given = new Map() }: ApiServerOptions): ConnectHandlers {
  if (kubelet === undefined) return given;
  const { caFile, certFile, keyFile } = kubelet;
  const tls = (): KubeletTls => ({
    ca: readFileSync(caFile, 'utf8'),
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
  });
  return new Map([...createConnectHandlers(tls), ...given]);
}

type Keys = ReturnType<typeof readServiceAccountKeys>;

async function serviceAccountKeys(options: ApiServerOptions): Promise<Keys> {
  const signing = await readFile(options.serviceAccountSigningKeyFile, 'utf8');
  const others = await Promise.all(options.serviceAccountKeyFiles.map((file) => readFile(file, 'utf8')));
  return readServiceAccountKeys(signing, others);
}

function oidcDocuments({ serviceAccountIssuer }: ApiServerOptions, keys: Keys): ReturnType<typeof discoveryDocuments> {
  const jwksUri = `${serviceAccountIssuer.replace(/\/$/, '')}/openid/v1/jwks`;
  return discoveryDocuments(keys, { issuer: serviceAccountIssuer, jwksUri });
}

async function requestHeaderOf({
  requestHeader,
}: ApiServerOptions): Promise<{ requestHeader?: { caPem: string; allowedNames: readonly string[] } }> {
  if (requestHeader === undefined) return {};
  const { clientCaFile, allowedNames } = requestHeader;
  return { requestHeader: { caPem: await readFile(clientCaFile, 'utf8'), allowedNames } };
}

/** `10.96.0.0/12` -> `10.96.0.1` */
function firstAddress(cidr: string): string {
  const [a = '', b = '', c = '', d = ''] = (cidr.split('/')[0] ?? '').split('.');
  return [a, b, c, Number(d) + 1].join('.');
}

async function retrying(
  what: string,
  { log, signal }: { log: Log; signal: AbortSignal },
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await work();
      return;
    } catch (error) {
      if (!signal.aborted) log.warn('not possible yet, trying again', { what, error });
    }
    await systemClock.sleepMs(RETRY_MS, signal).catch(() => undefined); // rejects only when aborted
  }
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}

function wellWhen(isWell: boolean): Promise<void> {
  return isWell ? Promise.resolve() : Promise.reject(new Error('not yet'));
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('asked for before the server was put together');
  return value;
}
