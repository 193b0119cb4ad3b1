import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { KindTable } from '../api/kinds/kind-table.ts';
import { KINDS } from '../api/kinds/rows.ts';
import { AdmissionChain } from './admission/admission.ts';
import type { TolerationDefaults } from './admission/default-toleration-seconds.ts';
import { createAdmission } from './admission/default-plugins.ts';
import type { Authenticator } from './authentication/authenticator.ts';
import type { TokenAuthenticator } from './authentication/bearer-authenticator.ts';
import { createAuthenticator } from './authentication/create-authenticator.ts';
import { impersonate } from './authentication/impersonation.ts';
import { createAuthorization, type Authorization } from './authorization/create-authorizer.ts';
import type { ConnectHandlers } from './connect.ts';
import { Discovery } from './discovery/discovery.ts';
import { Health, type HealthCheck } from './health.ts';
import { readIdentity, type Identity } from './identity.ts';
import { RequestMetrics } from './metrics.ts';
import { NonResource } from './non-resource.ts';
import { OpenApi } from './openapi/open-api.ts';
import type { ApiServerOptions } from './options.ts';
import { Pipeline } from './pipeline.ts';
import { Registry } from './registry/registry.ts';
import type { Storage } from './storage/storage.ts';
import { ClusterIpAllocator } from './strategies/cluster-ip-allocator.ts';
import { NodePortAllocator } from './strategies/node-port-allocator.ts';
import type { ServiceAllocators } from './strategies/service-allocation.ts';
import { createStrategies } from './strategies/strategies.ts';
import { createConnectHandlers } from './tunnel/connect-handlers.ts';
import type { KubeletTls } from './tunnel/open-request.ts';

const DEFAULT_PORTS = { first: 30_000, last: 32_767 };

interface Outside {
  readonly storage: Storage;
  readonly clock: Clock;
  readonly log: Log;
  /** Beside that of the store. */
  readonly checks: readonly HealthCheck[];
}

/** The parts of an API server, put together; nothing runs yet but what a first request starts. */
export interface Assembled {
  readonly registry: Registry;
  readonly authorization: Authorization;
  readonly allocators: ServiceAllocators;
  readonly pipeline: Pipeline;
}

/** Puts an API server together. @throws Error for wrong settings and files */
export async function assemble(options: ApiServerOptions, outside: Outside): Promise<Assembled> {
  const { storage, clock, log } = outside;
  const nowMs = (): number => clock.nowMs();
  const identity = await readIdentity(options, nowMs);
  const authorization = createAuthorization();
  const allocators = {
    addresses: new ClusterIpAllocator(storage, options.serviceClusterIpRange, nowMs),
    ports: new NodePortAllocator(storage, options.serviceNodePortRange ?? DEFAULT_PORTS),
  };
  // The strategies review tokens, and whoever verifies tokens reads from the registry, which the strategies are part of.
  const later: { tokens?: TokenAuthenticator } = {};
  const tokens = (): TokenAuthenticator => {
    if (later.tokens === undefined) throw new Error('asked for before the server was put together');
    return later.tokens;
  };
  const { signer, audiences } = identity;
  const registry = new Registry({
    storage,
    kinds: new KindTable(KINDS),
    strategies: createStrategies({ allocators, signer, audiences, authorization, tokens }),
    admission:
      options.admissionPlugins === undefined
        ? createAdmission({ authorization, clock, tolerations: tolerationsOf(options) })
        : new AdmissionChain(options.admissionPlugins),
    clock,
    log,
  });
  const requestHeader = await readRequestHeader(options);
  const made = createAuthenticator({ registry, signer, audiences, nowMs, ...requestHeader });
  later.tokens = made.tokens;
  const parts = { registry, authorization, identity, authenticator: made.authenticator };
  return { registry, authorization, allocators, pipeline: createPipeline(options, outside, parts) };
}

function tolerationsOf({
  defaultNotReadyTolerationSeconds: notReadySeconds,
  defaultUnreachableTolerationSeconds: unreachableSeconds,
}: ApiServerOptions): Partial<TolerationDefaults> {
  return {
    ...(notReadySeconds === undefined ? {} : { notReadySeconds }),
    ...(unreachableSeconds === undefined ? {} : { unreachableSeconds }),
  };
}

interface PipelineParts {
  readonly registry: Registry;
  readonly authorization: Authorization;
  readonly identity: Identity;
  readonly authenticator: Authenticator;
}

function createPipeline(options: ApiServerOptions, { storage, checks, log }: Outside, parts: PipelineParts): Pipeline {
  const { registry, authorization, identity, authenticator } = parts;
  const { kinds } = registry;
  const authorizer = options.authorizer ?? authorization.authorizer;
  const metrics = new RequestMetrics(options.moreMetrics);
  metrics.watchCaches(registry.caches, kinds);
  const store: HealthCheck = {
    name: 'etcd',
    isLiveness: false,
    check: async (signal) => {
      await storage.currentRevision(signal);
    },
  };
  const nonResource = new NonResource({
    discovery: new Discovery(kinds, `${options.advertiseAddress}:${options.securePort}`),
    openApi: new OpenApi(kinds),
    health: new Health([store, ...checks]),
    metrics,
    documents: identity.documents,
  });
  return new Pipeline({
    api: { registry, connectHandlers: connectHandlersOf(options) },
    authenticator,
    authorizer,
    nonResource: (exchange) => nonResource.handle(exchange),
    impersonate: (exchange, signal) => impersonate(exchange.user, exchange.headers, authorizer, signal),
    metrics,
    log,
  });
}

/** Streams to kubelets; without an identity towards them there are none but those given. */
function connectHandlersOf({ kubelet, connectHandlers = new Map() }: ApiServerOptions): ConnectHandlers {
  if (kubelet === undefined) return connectHandlers;
  const { caFile, certFile, keyFile } = kubelet;
  const tls = (): KubeletTls => ({
    ca: readFileSync(caFile, 'utf8'),
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
  });
  return new Map([...createConnectHandlers(tls), ...connectHandlers]);
}

async function readRequestHeader({
  requestHeader,
}: ApiServerOptions): Promise<{ requestHeader?: { caPem: string; allowedNames: readonly string[] } }> {
  if (requestHeader === undefined) return {};
  const { clientCaFile, allowedNames } = requestHeader;
  return { requestHeader: { caPem: await readFile(clientCaFile, 'utf8'), allowedNames } };
}
