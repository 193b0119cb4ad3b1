import type { Server } from 'node:http';
import type { Log } from '../host/log.ts';
import { createHttpServer } from '../host/http.ts';
import { untilAborted } from '../host/until-aborted.ts';

/** What a load balancer is told of one Service on this node. */
export interface ServiceHealth {
  readonly namespace: string;
  readonly name: string;
  /** spec.healthCheckNodePort */
  readonly port: number;
  /** Ready endpoints on this node. */
  readonly localEndpoints: number;
}

interface Open {
  health: ServiceHealth;
  readonly server: Server;
}

/** Load balancers ask briefly; whoever says nothing for this long is cut off. */
const IDLE_MS = 10_000;

/**
 * Answers load balancers on the healthCheckNodePort of each Service with `externalTrafficPolicy: Local`, so that they
 * send only to nodes that have an endpoint (upstream pkg/proxy/healthcheck/service_health.go; KEP-1669).
 */
export class ServiceHealthServers {
  readonly #hosts: readonly string[];
  readonly #isProxyHealthy: () => boolean;
  readonly #log: Log;
  readonly #open = new Map<string, readonly Open[]>();

  /** @param hosts addresses to listen at: those on which NodePorts are open */
  constructor(hosts: readonly string[], isProxyHealthy: () => boolean, log: Log) {
    this.#hosts = hosts;
    this.#isProxyHealthy = isProxyHealthy;
    this.#log = log;
  }

  /** What is now true of one Service; undefined: it has no such port. */
  set(key: string, health: ServiceHealth | undefined): void {
    const open = this.#open.get(key) ?? [];
    if (health !== undefined && open[0]?.health.port === health.port) {
      for (const one of open) one.health = health;
      return;
    }
    for (const { server } of open) close(server);
    this.#open.delete(key);
    if (health === undefined) return;
    this.#open.set(
      key,
      this.#hosts.map((host) => this.#listen(host, health)),
    );
  }

  /** Closes everything when aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await untilAborted(signal);
    for (const { server } of [...this.#open.values()].flat()) close(server);
    this.#open.clear();
  }

  #listen(host: string, health: ServiceHealth): Open {
    const server = createHttpServer({ requestTimeout: IDLE_MS, keepAliveTimeout: IDLE_MS });
    const open: Open = { health, server };
    server.on('request', (_request, response) => {
      const { status, headers, body } = serviceHealthAnswer(open.health, this.#isProxyHealthy());
      response.writeHead(status, headers).end(body);
    });
    server.on('error', (error) => {
      const { namespace, name, port } = open.health;
      this.#log.warn('a health check port cannot be opened', { service: `${namespace}/${name}`, host, port, error });
    });
    server.listen(health.port, host);
    return open;
  }
}

/** The answer, as upstream's: 200 while there is an endpoint here and the proxy keeps up, else 503. */
function serviceHealthAnswer(
  { namespace, name, localEndpoints }: ServiceHealth,
  serviceProxyHealthy: boolean,
): { status: number; headers: Record<string, string>; body: string } {
  return {
    status: localEndpoints > 0 && serviceProxyHealthy ? 200 : 503,
    headers: {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-load-balancing-endpoint-weight': String(localEndpoints),
    },
    body: JSON.stringify({ service: { namespace, name }, localEndpoints, serviceProxyHealthy }, undefined, '\t'),
  };
}

function close(server: Server): void {
  server.close();
  server.closeAllConnections();
}
