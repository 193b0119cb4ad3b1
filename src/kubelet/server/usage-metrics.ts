import type { UsageStats } from '../../host/cri/cri.ts';
import { parseMilli, parseUnits } from '../../api/quantity.ts';
import { cpuQuota, PERIOD_US } from '../container/container-resources.ts';
import { podCgroupPath } from '../sandbox/pod-cgroup-name.ts';
import { findContainerSpec } from '../pod-identity.ts';
import type { MetricFamily } from './metric-text.ts';
import { startedAt } from './stats-summary.ts';
import type { PodUsage, Usage } from './usage-reader.ts';

type Labels = Readonly<Record<string, string>>;

/** Numbers of something, with the labels it has. */
interface Measured {
  readonly labels: Labels;
  readonly stats: UsageStats;
}

/** `/metrics/resource`: what metrics-server reads (KEP-727). */
export function resourceMetrics({ node, pods }: Usage): readonly MetricFamily[] {
  const podOnes = pods.map(({ pod, stats }) => ({ labels: podLabels(pod), stats }));
  const containers = pods.flatMap(({ pod, containers: all }) =>
    all.map(({ stats }) => ({
      labels: { container: stats.name, ...podLabels(pod) },
      stats,
      started: startedAt(pod, stats.name),
    })),
  );
  const nodes = [{ labels: {}, stats: node }];
  return [
    ...cpuAndMemory('container', containers),
    {
      name: 'container_start_time_seconds',
      help: '[STABLE] Start time of the container since unix epoch in seconds',
      type: 'gauge',
      samples: containers.map(({ labels, started }) => ({
        labels,
        value: started === undefined ? undefined : Date.parse(started) / 1000,
      })),
    },
    ...cpuAndMemory('node', nodes),
    ...cpuAndMemory('pod', podOnes),
    {
      name: 'resource_scrape_error',
      help: '[STABLE] 1 if there was an error while getting container metrics, 0 otherwise',
      type: 'gauge',
      samples: [{ labels: {}, value: 0 }],
    },
  ];
}

function cpuAndMemory(of: 'container' | 'node' | 'pod', all: readonly Measured[]): readonly MetricFamily[] {
  return [
    {
      name: `${of}_cpu_usage_seconds_total`,
      help: `[STABLE] Cumulative cpu time consumed by the ${of} in core-seconds`,
      type: 'counter',
      samples: all.map(({ labels, stats }) => ({
        labels,
        value: seconds(stats.cpuNanoseconds),
        timestampMs: stats.timestampMs,
      })),
    },
    {
      name: `${of}_memory_working_set_bytes`,
      help: `[STABLE] Current working set of the ${of} in bytes`,
      type: 'gauge',
      samples: all.map(({ labels, stats }) => ({
        labels,
        value: stats.memoryWorkingSetBytes,
        timestampMs: stats.timestampMs,
      })),
    },
  ];
}

/** `/metrics/cadvisor`, with the labels that dashboards look for. */
export function cadvisorMetrics({ node, pods }: Usage, machine: { readonly cores: number }): readonly MetricFamily[] {
  const root = { container: '', id: '/', image: '', name: '', namespace: '', pod: '' };
  const all: readonly Measured[] = [{ labels: root, stats: node }, ...pods.flatMap(measuredOfPod)];
  const gauge = (name: string, help: string, read: (stats: UsageStats) => number | undefined): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: all.map(({ labels, stats }) => ({ labels, value: read(stats), timestampMs: stats.timestampMs })),
  });
  const filesystems = pods.flatMap((usage) =>
    usage.containers.map(({ stats }) => ({ labels: containerLabels(usage, stats.id), stats })),
  );
  return [
    {
      name: 'container_cpu_usage_seconds_total',
      help: 'Cumulative cpu time consumed in seconds.',
      type: 'counter',
      samples: all.map(({ labels, stats }) => ({
        labels: { ...labels, cpu: 'total' },
        value: seconds(stats.cpuNanoseconds),
        timestampMs: stats.timestampMs,
      })),
    },
    gauge('container_memory_working_set_bytes', 'Current working set in bytes.', (one) => one.memoryWorkingSetBytes),
    gauge('container_memory_usage_bytes', 'Current memory usage in bytes.', (one) => one.memoryUsageBytes),
    gauge('container_memory_rss', 'Size of RSS in bytes.', (one) => one.memoryRssBytes),
    {
      name: 'container_fs_usage_bytes',
      help: 'Number of bytes that are consumed by the container on this filesystem.',
      type: 'gauge',
      samples: filesystems.map(({ labels, stats }) => ({ labels, value: stats.writableBytes })),
    },
    ...specFamilies(pods),
    ...networkFamilies(
      pods,
      node.interfaces.map((one) => ({ labels: { ...root, interface: one.name }, one })),
    ),
    {
      name: 'machine_cpu_cores',
      help: 'Number of logical CPU cores.',
      type: 'gauge',
      samples: [{ labels: {}, value: machine.cores }],
    },
  ];
}

/** What containers were given and since when they run: dashboards divide by it. */
function specFamilies(pods: readonly PodUsage[]): readonly MetricFamily[] {
  const all = pods.flatMap((usage) =>
    usage.containers.map(({ stats }) => {
      const limits = findContainerSpec(usage.pod, stats.name)?.resources?.limits;
      return { labels: containerLabels(usage, stats.id), limits, started: startedAt(usage.pod, stats.name) };
    }),
  );
  type One = (typeof all)[number];
  const gauge = (name: string, help: string, read: (one: One) => number | undefined): MetricFamily => ({
    name,
    help,
    type: 'gauge',
    samples: all.map((one) => ({ labels: one.labels, value: read(one) })),
  });
  const quota = ({ limits }: One): number | undefined =>
    limits?.['cpu'] === undefined ? undefined : cpuQuota(parseMilli(limits['cpu']));
  return [
    gauge('container_spec_memory_limit_bytes', 'Memory limit for the container.', ({ limits }) =>
      parseUnits(limits?.['memory'] ?? 0),
    ),
    gauge('container_spec_cpu_quota', 'CPU quota of the container.', quota),
    gauge('container_spec_cpu_period', 'CPU period of the container.', () => PERIOD_US),
    gauge('container_start_time_seconds', 'Start time of the container since unix epoch in seconds.', ({ started }) =>
      started === undefined ? undefined : Date.parse(started) / 1000,
    ),
  ];
}

type Interfaces = readonly {
  readonly labels: Labels;
  readonly one: PodUsage['stats']['interfaces'][number];
}[];

function networkFamilies(pods: readonly PodUsage[], ofNode: Interfaces): readonly MetricFamily[] {
  const all: Interfaces = [
    ...ofNode,
    ...pods.flatMap((usage) =>
      usage.stats.interfaces.map((one) => ({ labels: { ...sandboxLabels(usage), interface: one.name }, one })),
    ),
  ];
  const fields = [
    ['receive_bytes', 'Cumulative count of bytes received', 'rxBytes'],
    ['receive_errors', 'Cumulative count of errors encountered while receiving', 'rxErrors'],
    ['transmit_bytes', 'Cumulative count of bytes transmitted', 'txBytes'],
    ['transmit_errors', 'Cumulative count of errors encountered while transmitting', 'txErrors'],
  ] as const;
  return fields.map(([name, help, field]) => ({
    name: `container_network_${name}_total`,
    help,
    type: 'counter',
    samples: all.map(({ labels, one }) => ({ labels, value: one[field] })),
  }));
}

function measuredOfPod(usage: PodUsage): readonly Measured[] {
  const containers = usage.containers.map(({ stats }) => ({ labels: containerLabels(usage, stats.id), stats }));
  return [{ labels: sandboxLabels(usage), stats: usage.stats }, ...containers];
}

/** Of the pod as a whole: its cgroup, no container. */
function sandboxLabels({ pod }: PodUsage): Labels {
  return { container: '', id: cgroupOf(pod), image: '', name: '', ...podLabels(pod) };
}

function containerLabels({ pod, containers }: PodUsage, id: string): Labels {
  const name = containers.find(({ stats }) => stats.id === id)?.stats.name ?? '';
  const image = pod.status?.containerStatuses?.find((one) => one.name === name)?.image ?? '';
  return { container: name, id: `${cgroupOf(pod)}/${id}`, image, name: id, ...podLabels(pod) };
}

function podLabels({ metadata }: PodUsage['pod']): { readonly namespace: string; readonly pod: string } {
  return { namespace: metadata?.namespace ?? '', pod: metadata?.name ?? '' };
}

/** As the cgroupfs driver names it. */
function cgroupOf(pod: PodUsage['pod']): string {
  return `/${podCgroupPath(pod).join('/')}`;
}

function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}
