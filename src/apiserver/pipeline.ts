import { randomUUID } from 'node:crypto';
import type { X509Certificate } from 'node:crypto';
import { Socket } from 'node:net';
import type { Log } from '../host/log.ts';
import { parseLabelSelector } from '../api/label-selector-parser.ts';
import { parseFieldSelector, type Selector } from '../api/selector.ts';
import { badRequest, StatusError } from '../api/status.ts';
import { parseDurationMs } from '../api/time.ts';
import { ANONYMOUS, type Authenticator, type UserInfo } from './authentication/authenticator.ts';
import type { AuthorizationAttributes, Authorizer } from './authorization/authorizer.ts';
import { forbiddenRequest } from './authorization/forbidden-text.ts';
import type { ConnectTransport } from './connect.ts';
import type { Exchange } from './exchange.ts';
import { endpointOf, handleConnect, handleResource, isStream } from './handlers/handle-resource.ts';
import type { Api } from './handlers/endpoint.ts';
import { InFlight } from './in-flight.ts';
import type { RequestMetrics } from './metrics.ts';
import { requestInfo, type RequestInfo } from './request-info.ts';
import { noSuchResource, sendError, sendNotFound } from './send-error.ts';

/** What TLS knows of the peer. */
export interface Peer {
  readonly certificate: X509Certificate | undefined;
  readonly isVerified: boolean;
  readonly address: string;
}

export interface PipelineOptions {
  readonly api: Api;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  /** Answers what is no resource: discovery, OpenAPI, health, metrics. False: no such path. */
  readonly nonResource: (exchange: Exchange, info: RequestInfo) => Promise<boolean>;
  /** Replaces the user where the request impersonates another. @throws StatusError Forbidden */
  readonly impersonate?: (exchange: Exchange, signal: AbortSignal) => Promise<UserInfo | null>;
  readonly metrics: RequestMetrics;
  readonly log: Log;
}

const REQUEST_TIMEOUT_MS = 60_000;
/** Health is for everybody (upstream's --authorization-always-allow-paths). */
const OPEN_PATH = /^\/(?:healthz|livez|readyz)(?:\/|$)/;
const AUDIT_ID = /^[\x21-\x7e]{1,256}$/;

/** Every request's way: authentication, audit id, limits, authorization, routing; a failure becomes a Status. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #inFlight = new InFlight();

  constructor(options: PipelineOptions) {
    this.#options = options;
    options.metrics.watchInFlight(this.#inFlight);
  }

  /** Answers a request. Never rejects. @param upgrade set when the client asks for another protocol */
  async handle(exchange: Exchange, peer: Peer, upgrade?: ConnectTransport): Promise<void> {
    const { metrics, log } = this.#options;
    const startMs = performance.now();
    const info = requestInfo(exchange.method, exchange.path, exchange.query);
    const written = upgrade === undefined ? 0 : bytesWritten(upgrade);
    try {
      await this.#run(exchange, info, peer, upgrade);
    } catch (error) {
      // In the middle of a stream of another protocol no Status can be said.
      if (upgrade !== undefined && bytesWritten(upgrade) !== written) exchange.response.destroy();
      else if (!exchange.response.destroyed)
        await sendError(exchange, error, log).catch(() => exchange.response.destroy());
    } finally {
      metrics.observe(info, {
        method: exchange.method,
        code: exchange.response.statusCode,
        ms: performance.now() - startMs,
        isDryRun: exchange.query.has('dryRun'),
      });
    }
  }

  async #run(exchange: Exchange, info: RequestInfo, peer: Peer, upgrade?: ConnectTransport): Promise<void> {
    setHeaders(exchange);
    exchange.user = await this.#authenticate(exchange, peer);
    const impersonated = await this.#options.impersonate?.(exchange, exchange.signal);
    if (impersonated) exchange.user = impersonated;
    const isLong = isLongRunning(info);
    const limitMs = isLong ? 0 : timeoutMs(exchange.query);
    const leave = isLong ? undefined : this.#inFlight.enter(info.verb, exchange.user.groups);
    const onDrain = (): void => exchange.abort(exchange.drain.reason);
    if (isLong) {
      exchange.drain.addEventListener('abort', onDrain);
      this.#options.metrics.countLongRunning(info, exchange.method, 1);
    }
    const timer = isLong ? undefined : setTimeout(() => exchange.abort(timeout()), limitMs);
    try {
      await this.#authorize(exchange, info);
      await this.#route(exchange, info, upgrade);
    } finally {
      clearTimeout(timer);
      exchange.drain.removeEventListener('abort', onDrain);
      if (isLong) this.#options.metrics.countLongRunning(info, exchange.method, -1);
      leave?.();
    }
  }

  async #authenticate(exchange: Exchange, peer: Peer): Promise<UserInfo> {
    const request = {
      peerCertificate: peer.certificate,
      isPeerVerified: peer.isVerified,
      headers: exchange.headers,
      remoteAddress: peer.address,
      path: exchange.path,
    };
    return (await this.#options.authenticator.authenticate(request, exchange.signal)) ?? ANONYMOUS;
  }

  async #authorize(exchange: Exchange, info: RequestInfo): Promise<void> {
    if (!info.isResourceRequest && OPEN_PATH.test(info.path)) return;
    const attributes = attributesOf(exchange, info);
    const { result, reason } = await this.#options.authorizer.authorize(attributes, exchange.signal);
    if (result === 'allow') return;
    exchange.response.setHeader('x-content-type-options', 'nosniff');
    throw forbiddenRequest(attributes, reason);
  }

  async #route(exchange: Exchange, info: RequestInfo, upgrade?: ConnectTransport): Promise<void> {
    const { api, nonResource } = this.#options;
    if (!info.isResourceRequest) {
      if (!(await nonResource(exchange, info))) await sendNotFound(exchange);
      return;
    }
    const endpoint = endpointOf(api, exchange, info);
    if (endpoint === null) {
      if (api.registry.kinds.hasGroup(info.group)) throw noSuchResource();
      return sendNotFound(exchange);
    }
    if (upgrade !== undefined && isStream(endpoint)) return handleConnect(endpoint, upgrade);
    return handleResource(endpoint);
  }
}

function bytesWritten(transport: ConnectTransport): number {
  return transport.type === 'upgrade' && transport.socket instanceof Socket ? transport.socket.bytesWritten : 0;
}

function setHeaders({ headers, response }: Exchange): void {
  const asked = headers['audit-id'];
  response.setHeader('audit-id', typeof asked === 'string' && AUDIT_ID.test(asked) ? asked : randomUUID());
}

/** Watches and streams have no time limit and do not count as being worked on. */
function isLongRunning({ isResourceRequest, verb, subresource }: RequestInfo): boolean {
  return (
    isResourceRequest && (verb === 'watch' || ['attach', 'exec', 'log', 'portforward', 'proxy'].includes(subresource))
  );
}

/** `?timeout=30s` may shorten the limit. @throws StatusError BadRequest */
function timeoutMs(query: URLSearchParams): number {
  const text = query.get('timeout') ?? '';
  const askedMs = text === '' ? 0 : parseDurationMs(text);
  if (askedMs === null)
    throw badRequest(`invalid timeout specified in the request URL - time: invalid duration ${JSON.stringify(text)}`);
  return askedMs > 0 ? Math.min(askedMs, REQUEST_TIMEOUT_MS) : REQUEST_TIMEOUT_MS;
}

function timeout(): StatusError {
  return new StatusError('Timeout', 'Timeout: request did not complete within the allotted timeout', {
    details: { retryAfterSeconds: 1 },
  });
}

function attributesOf({ user, query }: Exchange, info: RequestInfo): AuthorizationAttributes {
  const { verb, isResourceRequest, group, version, resource, subresource, namespace, name, path } = info;
  const isCollection = verb === 'list' || verb === 'watch' || verb === 'deletecollection';
  return {
    user,
    verb,
    isResourceRequest,
    group,
    version,
    resource,
    subresource,
    namespace: resource === 'namespaces' && namespace === '' ? name : namespace,
    name,
    path,
    ...(isCollection ? selectorsOf(query) : {}),
  };
}

function selectorsOf(query: URLSearchParams): { fieldSelector?: Selector; labelSelector?: Selector } {
  try {
    return {
      fieldSelector: parseFieldSelector(query.get('fieldSelector') ?? ''),
      labelSelector: parseLabelSelector(query.get('labelSelector') ?? ''),
    };
  } catch {
    return {}; // the handler says what is wrong with them
  }
}
