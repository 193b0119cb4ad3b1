import t from 'tap';
import type { SandboxStats, UsageStats } from '../../../src/host/cri/cri.ts';
import { metricText } from '../../../src/kubelet/server/metric-text.ts';
import type { MetricFamily } from '../../../src/kubelet/server/metric-text.ts';
import { defaultInterface, parseInterfaces } from '../../../src/kubelet/server/node-usage.ts';
import { statsSummary } from '../../../src/kubelet/server/stats-summary.ts';
import { cadvisorMetrics, resourceMetrics } from '../../../src/kubelet/server/usage-metrics.ts';
import type { Usage } from '../../../src/kubelet/server/usage-reader.ts';
import { podOf } from './fake-view.ts';

const AT_MS = Date.UTC(2026, 10, 20, 10);
const ROOM = { availableBytes: 60, capacityBytes: 100, usedBytes: 40, inodesFree: 6, inodes: 10, inodesUsed: 4 };
const ETH0 = { name: 'eth0', rxBytes: 1, rxErrors: 2, txBytes: 3, txErrors: 4 };

function used(cpuSeconds: number): UsageStats & { readonly cpuNanoCores: number } {
  return {
    timestampMs: AT_MS,
    cpuNanoseconds: cpuSeconds * 1e9,
    cpuNanoCores: 5_000_000,
    memoryWorkingSetBytes: 1000,
    memoryUsageBytes: 2000,
    memoryRssBytes: 500,
    memoryAvailableBytes: undefined,
    pageFaults: 7,
    majorPageFaults: 0,
  };
}

function usage(): Usage {
  const metadata = { name: 'web', namespace: 'default', uid: 'uid-of-web', attempt: 0 };
  const container = {
    ...used(2),
    id: 'c1',
    name: 'main',
    attempt: 0,
    labels: {},
    writableBytes: 11,
    writableInodes: 2,
  };
  const stats: SandboxStats = {
    ...used(3),
    id: 's1',
    metadata,
    interfaces: [ETH0],
    processCount: 2,
    containers: [container],
  };
  const pod = podOf('web');
  pod.status = {
    startTime: '2026-11-20T09:00:00Z',
    containerStatuses: [
      {
        name: 'main',
        image: 'docker.io/library/busybox:1',
        imageID: '',
        ready: true,
        restartCount: 0,
        state: { running: { startedAt: '2026-11-20T09:00:01Z' } },
      },
    ],
  };
  return {
    node: { ...used(100), bootMs: AT_MS - 60_000, interfaces: [ETH0], filesystem: ROOM, pids: 50, pidsMax: 32_768 },
    imageFilesystem: ROOM,
    imageBytes: 33,
    pods: [{ pod, stats: { ...stats, cpuNanoCores: 1 }, containers: [{ stats: container, logBytes: 9 }] }],
  };
}

void t.test("statsSummary() has upstream's shape", (t) => {
  const summary = JSON.parse(JSON.stringify(statsSummary('w1', usage(), false))) as Record<string, unknown>;
  t.match(summary, {
    node: {
      nodeName: 'w1',
      startTime: '2026-11-20T09:59:00.000Z',
      cpu: { time: '2026-11-20T10:00:00.000Z', usageNanoCores: 5_000_000, usageCoreNanoSeconds: 100e9 },
      memory: { workingSetBytes: 1000, rssBytes: 500, pageFaults: 7 },
      network: { name: 'eth0', rxBytes: 1, interfaces: [{ name: 'eth0' }] },
      fs: { capacityBytes: 100, inodesUsed: 4 },
      runtime: { imageFs: { usedBytes: 33 } },
      rlimit: { maxpid: 32_768, curproc: 50 },
    },
    pods: [
      {
        podRef: { name: 'web', namespace: 'default', uid: 'uid-of-web' },
        startTime: '2026-11-20T09:00:00Z',
        containers: [
          {
            name: 'main',
            startTime: '2026-11-20T09:00:01Z',
            cpu: { usageCoreNanoSeconds: 2e9 },
            rootfs: { usedBytes: 11, inodesUsed: 2 },
            logs: { usedBytes: 9 },
          },
        ],
        'ephemeral-storage': { usedBytes: 20 },
        process_stats: { process_count: 2 },
      },
    ],
  });
  const short = JSON.parse(JSON.stringify(statsSummary('w1', usage(), true))) as { node: object };
  t.same(Object.keys(short.node), ['nodeName', 'startTime', 'cpu', 'memory']);
  t.end();
});

void t.test('resourceMetrics() is what metrics-server reads', (t) => {
  const lines = metricText(resourceMetrics(usage())).split('\n');
  for (const line of [
    `container_cpu_usage_seconds_total{container="main",namespace="default",pod="web"} 2 ${AT_MS}`,
    `container_memory_working_set_bytes{container="main",namespace="default",pod="web"} 1000 ${AT_MS}`,
    'container_start_time_seconds{container="main",namespace="default",pod="web"} 1795165201',
    `node_cpu_usage_seconds_total 100 ${AT_MS}`,
    `pod_memory_working_set_bytes{namespace="default",pod="web"} 1000 ${AT_MS}`,
    'resource_scrape_error 0',
  ])
    t.ok(lines.includes(line), line);
  t.end();
});

void t.test('cadvisorMetrics() carries the labels that dashboards look for', (t) => {
  const lines = metricText(cadvisorMetrics(usage(), { cores: 4 })).split('\n');
  const pod = '/kubepods/besteffort/poduid-of-web';
  const main = `container="main",id="${pod}/c1",image="docker.io/library/busybox:1",name="c1",namespace="default",pod="web"`;
  const whole = `container="",id="${pod}",image="",name="",namespace="default",pod="web"`;
  for (const line of [
    `container_cpu_usage_seconds_total{${main},cpu="total"} 2 ${AT_MS}`,
    `container_memory_rss{${main}} 500 ${AT_MS}`,
    `container_network_receive_bytes_total{${whole},interface="eth0"} 1`,
    `container_memory_working_set_bytes{container="",id="/",image="",name="",namespace="",pod=""} 1000 ${AT_MS}`,
    `container_spec_memory_limit_bytes{${main}} 0`,
    `container_start_time_seconds{${main}} 1795165201`,
    'machine_cpu_cores 4',
  ])
    t.ok(lines.includes(line), line);
  const { pods, ...rest } = usage();
  const spec = { containers: [{ name: 'main', resources: { limits: { cpu: '500m', memory: '64Mi' } } }] };
  const limited = pods.map((one) => ({ ...one, pod: { ...one.pod, spec } }));
  const text = metricText(cadvisorMetrics({ ...rest, pods: limited }, { cores: 4 }));
  t.match(text, /^container_spec_memory_limit_bytes\{container="main",.*\} 67108864$/m);
  t.match(text, /^container_spec_cpu_quota\{container="main",.*\} 50000$/m);
  t.end();
});

void t.test('metricText() escapes labels and leaves out what was not measured', (t) => {
  const samples: MetricFamily['samples'] = [
    { labels: { a: 'x"y\\z\n' }, value: 1 },
    { labels: {}, value: undefined },
  ];
  t.equal(
    metricText([{ name: 'm', help: 'Help.', type: 'gauge', samples }]),
    '# HELP m Help.\n# TYPE m gauge\nm{a="x\\"y\\\\z\\n"} 1\n',
  );
  t.end();
});

void t.test('parseInterfaces() reads /proc/net/dev, that of the default route first', (t) => {
  const text = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed',
    '    lo: 100 1 0 0 0 0 0 0 100 1 0 0 0 0 0 0',
    ' wlan0: 5 1 6 0 0 0 0 0 7 1 8 0 0 0 0 0',
    '  eth0: 1 1 2 0 0 0 0 0 3 1 4 0 0 0 0 0',
  ].join('\n');
  const route = 'Iface\tDestination\tGateway\nwlan0\t0000FEA9\t0\neth0\t00000000\t0100000A\n';
  t.equal(defaultInterface(route), 'eth0');
  t.same(parseInterfaces(text, 'eth0'), [ETH0, { name: 'wlan0', rxBytes: 5, rxErrors: 6, txBytes: 7, txErrors: 8 }]);
  t.end();
});
