import t from 'tap';
import { collectProcessMetrics, MetricRegistry } from '../../src/host/metrics.ts';

void t.test('collectProcessMetrics() gives each number of this process when it is asked for', async (t) => {
  const registry = new MetricRegistry();
  collectProcessMetrics(registry);
  const read = async (): Promise<Map<string, number>> => {
    const lines = (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
    return new Map(lines.map((line) => [line.split(' ')[0] ?? '', Number(line.split(' ')[1])]));
  };
  const first = await read();

  for (const name of [
    'process_cpu_seconds_total',
    'process_start_time_seconds',
    'process_resident_memory_bytes',
    'process_virtual_memory_bytes',
    'process_open_fds',
    'process_max_fds',
    'nodejs_heap_size_used_bytes',
  ])
    t.ok((first.get(name) ?? 0) > 0, name);
  t.ok((first.get('process_virtual_memory_bytes') ?? 0) > (first.get('process_resident_memory_bytes') ?? 0));
  const second = await read();
  t.ok((second.get('process_cpu_seconds_total') ?? 0) >= (first.get('process_cpu_seconds_total') ?? 0), 'counts up');
  t.ok((second.get('process_cpu_seconds_total') ?? 0) < 2 * (first.get('process_cpu_seconds_total') ?? 0), 'once');
});
