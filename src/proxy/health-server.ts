import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Node } from '../api/objects.ts';
import type { Clock } from '../host/clock.ts';
import { createHttpServer } from '../host/http.ts';
import type { ProxyMetrics } from './proxy-metrics.ts';

export interface HealthOptions {
  readonly metrics: ProxyMetrics;
  readonly clock: Clock;
  /** This node's object as last seen. */
  readonly node: () => Node | undefined;
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The taint that the cluster autoscaler puts on a node that it is about to take away (KEP-3836). */
const LEAVING_TAINT = 'ToBeDeletedByClusterAutoscaler';
/** Load balancers ask briefly; whoever says nothing for this long is cut off. */
const IDLE_MS = 10_000;

/**
 * Serves /healthz and /livez until aborted, as kube-proxy on port 10256: /healthz also says no on a node that leaves
 * (KEP-3836), so that load balancers drain it.
 */
export async function runHealthServer(options: HealthOptions, at: Address, signal: AbortSignal): Promise<void> {
  await serve(at, signal, (path, response) => {
    if (path !== '/healthz' && path !== '/livez') return answer(response, 404, 'text/plain', '404 page not found\n');
    const { status, body } = healthAnswer(options, path);
    return answer(response, status, 'application/json', JSON.stringify(body));
  });
}

/** Serves /metrics and /proxyMode until aborted, as kube-proxy on 127.0.0.1:10249. */
export async function runMetricsServer(metrics: ProxyMetrics, at: Address, signal: AbortSignal): Promise<void> {
  await serve(at, signal, async (path, response) => {
    const { registry } = metrics;
    if (path === '/metrics') return answer(response, 200, registry.contentType, await registry.metrics());
    if (path === '/proxyMode') return answer(response, 200, 'text/plain', 'nftables');
    return answer(response, 404, 'text/plain', '404 page not found\n');
  });
}

/** What /healthz and /livez say. */
export function healthAnswer(
  { metrics, clock, node }: HealthOptions,
  path: '/healthz' | '/livez',
): { status: number; body: object } {
  const nowMs = clock.nowMs();
  const { metadata, spec } = node() ?? {};
  const isLeaving = spec?.taints?.some(({ key }) => key === LEAVING_TAINT) === true;
  const nodeEligible = metadata?.deletionTimestamp === undefined && !isLeaving;
  const isHealthy = metrics.isHealthy(nowMs);
  const isOk = isHealthy && (nodeEligible || path === '/livez');
  const lastUpdated = new Date(isHealthy ? nowMs : (metrics.syncedMs ?? 0)).toISOString();
  return {
    status: isOk ? 200 : 503,
    body: { lastUpdated, currentTime: new Date(nowMs).toISOString(), nodeEligible },
  };
}

function answer(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body);
}

async function serve(
  { host, port }: Address,
  signal: AbortSignal,
  respond: (path: string, response: ServerResponse) => void | Promise<void>,
): Promise<void> {
  const server: Server = createHttpServer({ requestTimeout: IDLE_MS, keepAliveTimeout: IDLE_MS });
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void Promise.resolve(respond(request.url?.split('?')[0] ?? '', response)).catch(() => response.destroy());
  });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.once('close', resolve);
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) return;
  server.listen(port, host);
  await promise.finally(() => signal.removeEventListener('abort', close));
}
