import { collectProcessMetrics, Counter, Gauge, Histogram, MetricRegistry } from '../host/metrics.ts';
import type { WatchCaches } from './watch/watch-caches.ts';
import type { InFlight } from './in-flight.ts';
import type { RequestInfo } from './request-info.ts';

const SECONDS = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

/** What is counted and measured, under upstream's names. */
export class RequestMetrics {
  readonly registry = new MetricRegistry();
  readonly #requests = new Counter({
    name: 'apiserver_request_total',
    help: 'Counter of apiserver requests broken out for each verb, group, version, resource, scope and HTTP code.',
    labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope', 'code', 'dry_run'],
    registers: [this.registry],
  });
  readonly #durations = new Histogram({
    name: 'apiserver_request_duration_seconds',
    help: 'Response latency distribution in seconds for each verb, group, version, resource and scope.',
    labelNames: ['verb', 'group', 'version', 'resource', 'subresource', 'scope'],
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
    labelNames: ['verb'],
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
  observe(info: RequestInfo, method: string, code: number, ms: number): void {
    const { isResourceRequest, verb, group, version, resource, subresource, namespace, name } = info;
    // Paths that nobody serves must not each make a series of their own.
    const isKnown = isResourceRequest && code !== 404;
    const labels = {
      verb: (isResourceRequest ? verb : method).toUpperCase(),
      group: isKnown ? group : '',
      version: isKnown ? version : '',
      resource: isKnown ? resource : '',
      subresource: isKnown ? subresource : '',
      scope: name !== '' ? 'resource' : namespace !== '' ? 'namespace' : 'cluster',
    };
    this.#requests.inc({ ...labels, code: String(code), dry_run: '' });
    if (verb !== 'watch') this.#durations.observe(labels, ms / 1000);
  }

  countLongRunning(verb: string, change: 1 | -1): void {
    this.#longRunning.inc({ verb: verb.toUpperCase() }, change);
  }

  watchInFlight(inFlight: InFlight): void {
    this.#onCollect(() => {
      this.#inFlight.set({ request_kind: 'readOnly' }, inFlight.reads);
      this.#inFlight.set({ request_kind: 'mutating' }, inFlight.writes);
    });
  }

  watchCaches(caches: WatchCaches): void {
    this.#onCollect(() => {
      for (const [prefix, cache] of caches.all())
        this.#objects.set({ resource: prefix.slice('/registry/'.length, -1) }, cache.size);
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
