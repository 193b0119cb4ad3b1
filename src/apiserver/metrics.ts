import { collectProcessMetrics, Counter, Gauge, Histogram, MetricRegistry } from '../host/metrics.ts';
import { qualifiedResource } from '../api/kinds/kind.ts';
import type { KindTable } from '../api/kinds/kind-table.ts';
import type { WatchCaches } from './watch/watch-caches.ts';
import type { InFlight } from './in-flight.ts';
import type { RequestInfo } from './request-info.ts';

const SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

const LABELS = ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'component'];
const NOTHING = { group: '', version: '', resource: '', subresource: '' };
/** API verbs that upstream counts under other names. */
const VERBS: Readonly<Record<string, string>> = { create: 'POST', update: 'PUT' };
const STREAMS = new Set(['attach', 'exec', 'portforward', 'proxy']);
/** Of paths that are no resources these are told apart. */
const PATH = /^\/(?:api|apis|healthz|livez|metrics|openapi\/v2|openapi\/v3|readyz|version)(?=\/|$)/;

/** How a request ended. */
export interface Answered {
  readonly method: string;
  readonly code: number;
  readonly ms: number;
  readonly isDryRun: boolean;
}

function labelsOf(info: RequestInfo, method: string): Record<string, string> {
  const { isResourceRequest, verb, group, version, resource, subresource, namespace, name, path } = info;
  if (!isResourceRequest)
    return {
      ...NOTHING,
      verb: method.toUpperCase(),
      subresource: PATH.exec(path)?.[0] ?? '',
      scope: '',
      component: '',
    };
  const said = STREAMS.has(subresource) ? 'connect' : (VERBS[verb] ?? verb);
  const scope = name !== '' || verb === 'create' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster';
  return { verb: said.toUpperCase(), group, version, resource, subresource, scope, component: 'apiserver' };
}

/** What is counted and measured, under upstream's names. */
export class RequestMetrics {
  readonly registry = new MetricRegistry();
  readonly #requests = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, group, version, resource, scope and HTTP code.',
    labelNames: [...LABELS, 'code', 'dry_run'],
    registers: [this.registry],
  });
  readonly #durations = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, group, version, resource and scope.',
    labelNames: [...LABELS, 'dry_run'],
    buckets: SECONDS,
    registers: [this.registry],
  });
  readonly #inFlight = new Gauge({
    name: 'apiserver_current_inflight_requests',
    help: 'Number of requests that are being worked on, by kind.',
    labelNames: ['request_kind'],
    registers: [this.registry],
  });
  readonly #longRunning = new Gauge({
    name: 'apiserver_longrunning_requests',
    help: 'Number of watches and streams.',
    labelNames: LABELS,
    registers: [this.registry],
  });
  readonly #objects = new Gauge({
    name: 'apiserver_storage_objects',
    help: 'Number of objects in the watch cache, by resource.',
    labelNames: ['resource'],
    registers: [this.registry],
  });

  readonly #more: MetricRegistry | undefined;

  /** @param more what other parts in this process count; /metrics shows it too */
  constructor(more?: MetricRegistry) {
    this.#more = more;
    collectProcessMetrics(this.registry);
  }

  /** Counts a request that is over. */
  observe(info: RequestInfo, answered: Answered): void {
    const { method, code, ms, isDryRun } = answered;
    // Paths that nobody serves must not each make a series of their own.
    const labels = labelsOf(info.isResourceRequest && code === 404 ? { ...info, ...NOTHING } : info, method);
    const dryRun = { dry_run: isDryRun ? 'All' : '' };
    this.#requests.inc({ ...labels, ...dryRun, code: String(code) });
    if (info.verb !== 'watch') this.#durations.observe({ ...labels, ...dryRun }, ms / 1000);
  }

  countLongRunning(info: RequestInfo, method: string, change: 1 | -1): void {
    this.#longRunning.inc(labelsOf(info, method), change);
  }

  watchInFlight(inFlight: InFlight): void {
    this.#onCollect(() => {
      this.#inFlight.set({ request_kind: 'readOnly' }, inFlight.reads);
      this.#inFlight.set({ request_kind: 'mutating' }, inFlight.writes);
    });
  }

  watchCaches(caches: WatchCaches, kinds: KindTable): void {
    this.#onCollect(() => {
      const sizes = new Map([...caches.all()].map(([prefix, cache]) => [prefix, cache.size]));
      for (const kind of kinds.all()) {
        const size = kind.storedAs === undefined ? sizes.get(`/registry/${kind.storagePrefix}/`) : undefined;
        if (size !== undefined) this.#objects.set({ resource: qualifiedResource(kind) }, size);
      }
    });
  }

  readonly #collectors: (() => void)[] = [];

  #onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Everything in Prometheus' text form. */
  async text(): Promise<string> {
    for (const collect of this.#collectors) collect();
    const texts = await Promise.all([this.registry.metrics(), this.#more?.metrics() ?? '']);
    return texts.join('');
  }
}
