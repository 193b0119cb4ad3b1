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

/** `count` bucket bounds, each `factor` times the one before. */
function buckets(first: number, factor: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => Number((first * factor ** index).toPrecision(12)));
}

/** Registers the metrics. */
export function createSchedulerMetrics(registry: MetricRegistry, sources: MetricSources): SchedulerMetrics {
  const names: string[] = [];
  const options = <T extends string>(name: string, help: string, labelNames: T[] = []) => {
    names.push(`scheduler_${name}`);
    return { name: `scheduler_${name}`, help, labelNames, registers: [registry] };
  };
  const attempts = new Counter(
    options('schedule_attempts_total', 'Number of attempts to schedule pods, by the result.', ['result', 'profile']),
  );
  const attemptSeconds = new Histogram({
    ...options('scheduling_attempt_duration_seconds', 'Choosing a node and binding, in seconds.', [
      'result',
      'profile',
    ]),
    buckets: buckets(0.001, 2, 15),
  });
  const algorithmSeconds = new Histogram({
    ...options('scheduling_algorithm_duration_seconds', 'Choosing a node, in seconds.'),
    buckets: buckets(0.001, 2, 15),
  });
  const podAttempts = new Histogram({
    ...options('pod_scheduling_attempts', 'Number of attempts until a pod was bound.'),
    buckets: buckets(1, 2, 5),
  });
  const podSeconds = new Histogram({
    ...options('pod_scheduling_sli_duration_seconds', 'From first sight of a pod to its binding, in seconds.', [
      'attempts',
    ]),
    buckets: buckets(0.01, 2, 20),
  });
  const preemptions = new Counter(
    options('preemption_attempts_total', 'Number of times that victims were looked for.'),
  );
  const victims = new Histogram({
    ...options('preemption_victims', 'Number of pods deleted for a more important one.'),
    buckets: buckets(1, 2, 7),
  });
  const incoming = new Counter(
    options('queue_incoming_pods_total', 'Number of pods that went into a queue, by what brought them.', [
      'queue',
      'event',
    ]),
  );
  const pointSeconds = new Histogram({
    ...options('framework_extension_point_duration_seconds', 'All plugins of an extension point, in seconds.', [
      'extension_point',
      'status',
      'profile',
    ]),
    buckets: buckets(0.0001, 2, 12),
  });
  registerGauges(options, sources);

  return {
    attempted(result, profile, tookSeconds) {
      attempts.inc({ result, profile });
      attemptSeconds.observe({ result, profile }, tookSeconds);
    },
    chose: (seconds) => algorithmSeconds.observe(seconds),
    bound(count, seconds) {
      podAttempts.observe(count);
      // As upstream, so that a pod that is never placed makes no series for each of its attempts.
      podSeconds.observe({ attempts: count >= ATTEMPTS_LABEL_MAX ? `${ATTEMPTS_LABEL_MAX}+` : String(count) }, seconds);
    },
    preempted(count) {
      preemptions.inc();
      if (count > 0) victims.observe(count);
    },
    queued: (queue, event) => incoming.inc({ queue, event }),
    ran: (point, status, profile, seconds) =>
      pointSeconds.observe({ extension_point: point, status, profile }, seconds),
    unregister() {
      for (const name of names) registry.removeSingleMetric(name);
    },
  };
}

/** More attempts than these share one label. */
const ATTEMPTS_LABEL_MAX = 15;

function registerGauges(
  options: <T extends string>(
    name: string,
    help: string,
    labelNames: T[],
  ) => { name: string; help: string; labelNames: T[]; registers: MetricRegistry[] },
  sources: MetricSources,
): void {
  void new Gauge({
    ...options('pending_pods', 'Number of pods without a node, by the queue they are in.', ['queue']),
    collect() {
      const counts = sources.pending();
      for (const queue of ['active', 'backoff', 'unschedulable', 'gated'] as const) this.set({ queue }, counts[queue]);
    },
  });
  void new Gauge({
    ...options('unschedulable_pods', 'Number of pods that a plugin keeps waiting; a pod counts for each of them.', [
      'plugin',
      'profile',
    ]),
    collect() {
      this.reset();
      for (const { plugin, profile, pods } of sources.unschedulable()) this.set({ plugin, profile }, pods);
    },
  });
  void new Gauge({
    ...options('cache_size', 'Number of nodes, pods, and assumed pods in the cache.', ['type']),
    collect() {
      for (const [type, size] of Object.entries(sources.cacheSizes())) this.set({ type }, size);
    },
  });
}
