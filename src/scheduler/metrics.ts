import { Counter, Gauge, Histogram, type MetricRegistry } from '../host/metrics.ts';
import type { Place } from './scheduling-queue.ts';

export type AttemptResult = 'scheduled' | 'unschedulable' | 'error';

/** Names as kube-scheduler has them. */
const NAMES = {
  attempts: 'scheduler_schedule_attempts_total',
  attemptSeconds: 'scheduler_scheduling_attempt_duration_seconds',
  podAttempts: 'scheduler_pod_scheduling_attempts',
  podSeconds: 'scheduler_pod_scheduling_sli_duration_seconds',
  victims: 'scheduler_preemption_victims',
  pendingPods: 'scheduler_pending_pods',
} as const;

/** What the scheduler counts, under kube-scheduler's names. */
export interface SchedulerMetrics {
  attempted(result: AttemptResult, profile: string, tookSeconds: number): void;
  bound(attempts: number, sinceFirstSeenSeconds: number): void;
  preempted(victims: number): void;
  /** Takes the metrics out of the registry: a scheduler that leads again registers them anew. */
  unregister(): void;
}

/** Registers the metrics. @param pending how many pods wait, and where */
export function createSchedulerMetrics(
  registry: MetricRegistry,
  pending: () => Readonly<Record<Place, number>>,
): SchedulerMetrics {
  const registers = [registry];
  const labelNames = ['result', 'profile'] as const;
  const attempts = new Counter({
    name: NAMES.attempts,
    help: 'Number of attempts to schedule pods, by the result.',
    labelNames,
    registers,
  });
  const attemptSeconds = new Histogram({
    name: NAMES.attemptSeconds,
    help: 'Scheduling attempt latency in seconds (scheduling algorithm + binding)',
    labelNames,
    buckets: [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 4.096, 16.384],
    registers,
  });
  const podAttempts = new Histogram({
    name: NAMES.podAttempts,
    help: 'Number of attempts to successfully schedule a pod.',
    buckets: [1, 2, 4, 8, 16],
    registers,
  });
  const podSeconds = new Histogram({
    name: NAMES.podSeconds,
    help: 'E2e latency for a pod being scheduled, from the time the pod enters the scheduling queue.',
    buckets: [0.01, 0.04, 0.16, 0.64, 2.56, 10.24, 40.96, 163.84, 655.36],
    registers,
  });
  const victims = new Histogram({
    name: NAMES.victims,
    help: 'Number of selected preemption victims',
    buckets: [1, 2, 4, 8, 16, 32, 64],
    registers,
  });
  // Read when it is scraped: nothing to keep up to date meanwhile.
  void new Gauge({
    name: NAMES.pendingPods,
    help: 'Number of pending pods, by the queue type.',
    labelNames: ['queue'] as const,
    registers,
    collect() {
      const counts = pending();
      for (const place of ['active', 'backoff', 'unschedulable', 'gated'] as const)
        this.set({ queue: place }, counts[place]);
    },
  });

  return {
    attempted(result, profile, tookSeconds) {
      attempts.inc({ result, profile });
      attemptSeconds.observe({ result, profile }, tookSeconds);
    },
    bound(count, seconds) {
      podAttempts.observe(count);
      podSeconds.observe(seconds);
    },
    preempted: (count) => victims.observe(count),
    unregister() {
      for (const name of Object.values(NAMES)) registry.removeSingleMetric(name);
    },
  };
}
