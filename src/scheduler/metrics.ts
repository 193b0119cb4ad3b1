import { Counter, Gauge, Histogram, type MetricRegistry } from '../host/metrics.ts';
import type { Place } from './scheduling-queue.ts';

/** What came of one try to place a pod. */
export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** The queues that pods are counted into; `inFlight` and `gated` are no queues. */
export type QueueName = Exclude<Place, 'inFlight' | 'gated'>;

/** What the scheduler counts, under kube-scheduler's names (scheduler/metrics/metrics.go, v1.36). */
export interface SchedulerMetrics {
  attempted(result: AttemptResult, profile: string, tookSeconds: number): void;
  /** Choosing a node took so long, whatever came of it. */
  chose(tookSeconds: number): void;
  bound(attempts: number, sinceFirstSeenSeconds: number): void;
  /** PostFilter looked for victims. @param victims of the node that was chosen; 0 when none helps */
  preempted(victims: number): void;
  /** A pod went into a queue. @param event why, as `UnschedulablePodAdd`, `NodeUpdateNodeTaint` */
  queued(queue: QueueName, event: string): void;
  /** All plugins of an extension point ran. @param point as `Filter`. @param status as `Success` */
  ran(point: string, status: string, profile: string, tookSeconds: number): void;
  /** Takes the metrics out of the registry: a scheduler that leads again registers them anew. */
  unregister(): void;
}

/** What is read when it is scraped: nothing to keep up to date meanwhile. */
export interface MetricSources {
  /** How many pods wait, and where. */
  pending(): Readonly<Record<Place, number>>;
  /** How many pods each plugin keeps waiting. */
  unschedulable(): Iterable<{ readonly plugin: string; readonly profile: string; readonly pods: number }>;
  cacheSizes(): { readonly nodes: number; readonly pods: number; readonly assumed_pods: number };
}

/** More attempts than these share one label. */
const ATTEMPTS_LABEL_MAX = 15;

/** `count` bucket bounds, each `factor` times the one before. */
function buckets(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((first * factor ** index).toPrecision(12)));
}

const TINY = buckets(0.0001, 2, 12);
const SHORT = buckets(0.001, 2, 15);
const LONG = buckets(0.01, 2, 20);
const COUNTS = buckets(1, 2, 5);
const VICTIMS = buckets(1, 2, 7);

/** Registers the metrics. */
export function createSchedulerMetrics(registry: MetricRegistry, sources: MetricSources): SchedulerMetrics {
  const make = new MetricMaker(registry);
  const ofResult = ['result', 'profile'];
  const ofPoint = ['extension_point', 'status', 'profile'];
  const attempts = make.counter('schedule_attempts_total', 'Attempts to schedule pods, by the result.', ofResult);
  const seconds = {
    attempt: make.histogram('scheduling_attempt_duration_seconds', 'Choosing a node and binding.', ofResult, SHORT),
    algorithm: make.histogram('scheduling_algorithm_duration_seconds', 'Choosing a node.', [], SHORT),
    pod: make.histogram('pod_scheduling_sli_duration_seconds', 'First sight to binding.', ['attempts'], LONG),
    point: make.histogram('framework_extension_point_duration_seconds', 'All plugins of a point.', ofPoint, TINY),
  };
  const podAttempts = make.histogram('pod_scheduling_attempts', 'Attempts until a pod was bound.', [], COUNTS);
  const preemptions = make.counter('preemption_attempts_total', 'Times that victims were looked for.', []);
  const victims = make.histogram('preemption_victims', 'Pods deleted for a more important one.', [], VICTIMS);
  const incoming = make.counter('queue_incoming_pods_total', 'Pods that went into a queue.', ['queue', 'event']);
  registerGauges(make, sources);

  return {
    attempted(result, profile, tookSeconds) {
      attempts.inc({ result, profile });
      seconds.attempt.observe({ result, profile }, tookSeconds);
    },
    chose: (tookSeconds) => seconds.algorithm.observe(tookSeconds),
    bound(count, sinceFirstSeenSeconds) {
      podAttempts.observe(count);
      // As upstream, so that a pod that is never placed makes no series for each of its attempts.
      const label = count >= ATTEMPTS_LABEL_MAX ? `${ATTEMPTS_LABEL_MAX}+` : String(count);
      seconds.pod.observe({ attempts: label }, sinceFirstSeenSeconds);
    },
    preempted(count) {
      preemptions.inc();
      if (count > 0) victims.observe(count);
    },
    queued: (queue, event) => incoming.inc({ queue, event }),
    ran: (point, status, profile, tookSeconds) =>
      seconds.point.observe({ extension_point: point, status, profile }, tookSeconds),
    unregister: () => make.unregister(),
  };
}

/** Makes metrics of kube-scheduler's subsystem, and takes them back. */
class MetricMaker {
  readonly #registry: MetricRegistry;
  readonly #names: string[] = [];

  constructor(registry: MetricRegistry) {
    this.#registry = registry;
  }

  counter(name: string, help: string, labelNames: string[]): Counter {
    return new Counter(this.#options(name, help, labelNames));
  }

  histogram(name: string, help: string, labelNames: string[], bounds: number[]): Histogram {
    return new Histogram({ ...this.#options(name, help, labelNames), buckets: bounds });
  }

  /** @param collect sets the values when they are scraped */
  gauge(name: string, help: string, labelNames: string[], collect: (gauge: Gauge) => void): void {
    const gauge: Gauge = new Gauge({ ...this.#options(name, help, labelNames), collect: () => collect(gauge) });
  }

  unregister(): void {
    for (const name of this.#names) this.#registry.removeSingleMetric(name);
  }

  #options(name: string, help: string, labelNames: string[]) {
    this.#names.push(`scheduler_${name}`);
    return { name: `scheduler_${name}`, help, labelNames, registers: [this.#registry] };
  }
}

function registerGauges(make: MetricMaker, sources: MetricSources): void {
  make.gauge('pending_pods', 'Pods without a node, by the queue they are in.', ['queue'], (gauge) => {
    const counts = sources.pending();
    for (const queue of ['active', 'backoff', 'unschedulable', 'gated'] as const) gauge.set({ queue }, counts[queue]);
  });
  const help = 'Pods that a plugin keeps waiting; a pod counts for each of them.';
  make.gauge('unschedulable_pods', help, ['plugin', 'profile'], (gauge) => {
    gauge.reset();
    for (const { plugin, profile, pods } of sources.unschedulable()) gauge.set({ plugin, profile }, pods);
  });
  make.gauge('cache_size', 'Nodes, pods, and assumed pods in the cache.', ['type'], (gauge) => {
    for (const [type, size] of Object.entries(sources.cacheSizes())) gauge.set({ type }, size);
  });
}
