import type { MetricRegistry } from '../host/metrics.ts';
import type { Namespace, Pod, StatefulSet } from '../api/objects.ts';
import type { ApiClient } from '../client/api-client.ts';
import { createEventRecorder } from '../client/event-recorder.ts';
import { createInformer } from '../client/informer.ts';
import { createInformerSet } from '../client/informer-set.ts';
import { namespaces, nodes, pods, replicaSets, services, statefulSets } from '../client/resources.ts';
import { StatusError } from '../api/status.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import { createLog, type Log } from '../host/log.ts';
import { runTogether, type Runnable } from '../host/run-together.ts';
import { DEFAULT_CONFIG, readSchedulerConfig } from './config.ts';
import { createSchedulerMetrics } from './metrics.ts';
import { Scheduler } from './scheduler.ts';
import { followCluster } from './scheduler-inputs.ts';
import type { QueuedPod } from './scheduling-queue.ts';

/** What runScheduler() works with. */
export interface SchedulerOptions {
  readonly client: ApiClient;
  /** A parsed KubeSchedulerConfiguration; upstream's defaults unless set. */
  readonly config?: unknown;
  readonly log?: Log;
  readonly clock?: Clock;
  /** Where its metrics are registered. */
  readonly metrics?: MetricRegistry;
  readonly random?: () => number;
  /** Whether the API server serves StatefulSets, whose pods are spread too. Absent: it is asked. */
  readonly hasStatefulSets?: boolean;
}

/**
 * Schedules pods until aborted. To be run by one process of the cluster at a time: its caller holds the lease.
 * @throws Error when the configuration is wrong
 */
export async function runScheduler(options: SchedulerOptions, signal: AbortSignal): Promise<void> {
  const { client, log = createLog('scheduler'), clock = systemClock, random = Math.random } = options;
  const config = readSchedulerConfig(options.config ?? DEFAULT_CONFIG);
  const set = createInformerSet(client, { clock, log, random });
  const [serviceCache, replicaSetCache] = [set.of(services), set.of(replicaSets)];
  const [nodeCache, namespaceCache] = [set.of(nodes), set.of(namespaces, {})];
  const hasStatefulSets = options.hasStatefulSets ?? (await servesStatefulSets(client, clock, signal));
  const statefulSetCache = hasStatefulSets ? set.of(statefulSets) : undefined;
  // Pods that have ended take no room and are never placed: they need not be kept.
  const podCache = createInformer<Pod>(client, pods, {
    fieldSelector: 'status.phase!=Succeeded,status.phase!=Failed',
    clock,
    log,
    random,
  });
  const recorder = createEventRecorder({ client, component: 'default-scheduler', clock, log });
  const scheduler = new Scheduler({
    client,
    recorder,
    config,
    log,
    clock,
    random,
    namespaceLabels: (name) => (namespaceCache.lister.get('', name) satisfies Namespace | undefined)?.metadata?.labels,
    listers: {
      services: (namespace) => serviceCache.lister.list(namespace),
      replicaSet: (namespace, name) => replicaSetCache.lister.get(namespace, name),
      statefulSet: (namespace, name): StatefulSet | undefined => statefulSetCache?.lister.get(namespace, name),
    },
  });
  if (options.metrics !== undefined)
    scheduler.metrics = createSchedulerMetrics(options.metrics, {
      pending: () => scheduler.queue.counts(),
      unschedulable: () => countRejected(scheduler.queue.rejected()),
      cacheSizes: () => scheduler.cache.sizes(),
    });

  const schedule: Runnable = {
    async run(inner) {
      try {
        await Promise.all([set.synced(inner), podCache.synced(inner)]);
      } catch (error) {
        if (inner.aborted) return;
        throw error;
      }
      const unfollow = followCluster({
        pods: podCache,
        nodes: nodeCache,
        cache: scheduler.cache,
        queue: scheduler.queue,
        nominator: scheduler.nominator,
        isOurs: (pod) => scheduler.isOurs(pod),
        onGated: (pod) => scheduler.reportGated(pod),
      });
      log.info('scheduler started', { profiles: config.profiles.map(({ schedulerName }) => schedulerName) });
      await scheduler.run(inner).finally(unfollow);
    },
  };
  await runTogether([set, podCache, recorder, schedule], signal).finally(() => scheduler.metrics?.unregister());
}

/** How many pods each plugin keeps waiting, by profile. */
function countRejected(rejected: Iterable<QueuedPod>): { plugin: string; profile: string; pods: number }[] {
  const counts = new Map<string, { plugin: string; profile: string; pods: number }>();
  for (const { info, rejectors } of rejected)
    for (const plugin of rejectors) {
      const profile = info.pod.spec?.schedulerName ?? 'default-scheduler';
      const count = counts.get(`${profile}/${plugin}`) ?? { plugin, profile, pods: 0 };
      count.pods += 1;
      counts.set(`${profile}/${plugin}`, count);
    }
  return [...counts.values()];
}

const DISCOVERY_RETRY_MS = 1000;

/** Asks discovery until it answers: an API server that starts beside us takes its time. */
async function servesStatefulSets(client: ApiClient, clock: Clock, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    try {
      const list = (await client.request('GET', '/apis/apps/v1', undefined, signal)) as Resources;
      return list.resources?.some(({ name }) => name === 'statefulsets') ?? false;
    } catch (error) {
      if (error instanceof StatusError && error.code < 500 && error.reason !== 'TooManyRequests') return false;
    }
    await clock.sleepMs(DISCOVERY_RETRY_MS, signal).catch(() => undefined);
  }
  return false;
}

/** APIResourceList, as far as it is looked at. */
interface Resources {
  readonly resources?: readonly { readonly name: string }[];
}
