import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import type * as prom from 'prom-client';

/**
 * Counters, gauges and histograms in Prometheus' text form. The one file that knows prom-client: its four modules that we
 * use, each by itself, since the whole takes 2.5 MB more (tracing, clusters, a push gateway).
 */
const require = createRequire(import.meta.url);

export const Counter = require('prom-client/lib/counter.js') as typeof prom.Counter;
export type Counter<T extends string = string> = prom.Counter<T>;

export const Gauge = require('prom-client/lib/gauge.js') as typeof prom.Gauge;
export type Gauge<T extends string = string> = prom.Gauge<T>;

export const Histogram = require('prom-client/lib/histogram.js') as typeof prom.Histogram;
export type Histogram<T extends string = string> = prom.Histogram<T>;

export const MetricRegistry = require('prom-client/lib/registry.js') as typeof prom.Registry;
export type MetricRegistry = prom.Registry;

/**
 * Registers what Prometheus' clients say of their process, under the names that they share, and Node's heap. All of it is
 * read when it is asked for: nothing runs meanwhile, where prom-client's own would wake the process 100 times a second.
 */
export function collectProcessMetrics(registry: MetricRegistry): void {
  const cpu = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'Total user and system CPU time spent in seconds.',
    registers: [registry],
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  cpu.reset();
  const startSeconds = Date.now() / 1000 - process.uptime();
  const gauges: Readonly<Record<string, readonly [help: string, read: () => number]>> = {
    process_start_time_seconds: ['Start time of the process since unix epoch in seconds.', () => startSeconds],
    process_resident_memory_bytes: ['Resident memory size in bytes.', () => process.memoryUsage.rss()],
    process_virtual_memory_bytes: ['Virtual memory size in bytes.', virtualBytes],
    process_open_fds: ['Number of open file descriptors.', () => readdirSync('/proc/self/fd').length - 1],
    process_max_fds: ['Maximum number of open file descriptors.', openFilesMax],
    nodejs_heap_size_total_bytes: ['Process heap size from Node.js in bytes.', () => process.memoryUsage().heapTotal],
    nodejs_heap_size_used_bytes: [
      'Process heap size used from Node.js in bytes.',
      () => process.memoryUsage().heapUsed,
    ],
    nodejs_external_memory_bytes: ['Node.js external memory size in bytes.', () => process.memoryUsage().external],
    nodejs_eventloop_utilization_ratio: [
      'Share of the time since the start in which the event loop was busy.',
      () => performance.eventLoopUtilization().utilization,
    ],
  };
  for (const [name, [help, read]] of Object.entries(gauges)) {
    void new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  }
}

function virtualBytes(): number {
  return Number(/^VmSize:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) * 1024;
}

function openFilesMax(): number {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
  return soft === undefined ? -1 : Number(soft);
}
