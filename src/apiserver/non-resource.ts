import type { Discovery } from './discovery/discovery.ts';
import type { Exchange } from './exchange.ts';
import { answer } from './handlers/endpoint.ts';
import { methodNotAllowed } from './handlers/write.ts';
import type { Health } from './health.ts';
import type { RequestMetrics } from './metrics.ts';
import { JSON_FORMAT } from './negotiation/response-format.ts';
import type { OpenApi } from './openapi/open-api.ts';
import { VERSION } from './version.ts';

export interface NonResourceOptions {
  readonly discovery: Discovery;
  readonly openApi: OpenApi;
  readonly health: Health;
  readonly metrics: RequestMetrics;
  /** Fixed documents by path: OIDC discovery. */
  readonly documents: ReadonlyMap<string, { readonly contentType: string; readonly body: string }>;
}

/** Paths named by `/` beside those of the group versions. */
const PATHS = [
  '/.well-known/openid-configuration',
  '/api',
  '/api/v1',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/openid/v1/jwks',
  '/readyz',
  '/version',
];

/** Answers requests that are for no resource. */
export class NonResource {
  readonly #options: NonResourceOptions;

  constructor(options: NonResourceOptions) {
    this.#options = options;
  }

  /** False when there is nothing at the path. */
  async handle(exchange: Exchange): Promise<boolean> {
    const { discovery, openApi, health, documents } = this.#options;
    const { path, method } = exchange;
    const isRead = method === 'GET' || method === 'HEAD';
    if (!isRead && isRouted(path, documents)) throw methodNotAllowed();
    const document = documents.get(path);
    if (document !== undefined) {
      await exchange.send(200, document.contentType, document.body, { 'cache-control': 'public, max-age=3600' });
      return true;
    }
    if (await this.#simple(exchange, path.length > 1 ? path.replace(/\/$/, '') : path)) return true;
    return (await health.handle(exchange)) || (await openApi.handle(exchange)) || discovery.handle(exchange);
  }

  async #simple(exchange: Exchange, path: string): Promise<boolean> {
    const { metrics, discovery } = this.#options;
    switch (path) {
      case '/version':
        await answer(exchange, 200, JSON.stringify(VERSION), { ...JSON_FORMAT, isPretty: true });
        return true;
      case '/metrics':
        await exchange.send(200, 'text/plain; version=0.0.4; charset=utf-8', await metrics.text());
        return true;
      case '/':
        await answer(exchange, 200, JSON.stringify({ paths: [...PATHS, ...discovery.paths()].sort() }), {
          ...JSON_FORMAT,
          isPretty: true,
        });
        return true;
      default:
        return false;
    }
  }
}

/** What upstream routes by method; of health, metrics, OpenAPI and the groups' documents it serves any. */
function isRouted(path: string, documents: NonResourceOptions['documents']): boolean {
  return documents.has(path) || /^\/(?:version|api|api\/v1|apis\/[^/]+\/[^/]+)\/?$/.test(path);
}
