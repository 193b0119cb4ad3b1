import t from 'tap';
import { RuntimeMetrics } from '../../src/kubelet/runtime-metrics.ts';
import { createFakeClock } from '../fake/clock.ts';
import { FakeImages, FakeRuntime } from '../fake/cri.ts';
import { manualProcesses } from '../fake/cri-process.ts';

void t.test(
  'RuntimeMetrics counts calls and failures under the names of upstream, and lets events through',
  async (t) => {
    const metrics = new RuntimeMetrics();
    const runtime = metrics.runtime(new FakeRuntime(createFakeClock(), manualProcesses().launch));
    const images = metrics.images(new FakeImages('img:1'));
    const stop = new AbortController();
    const { signal } = stop;
    t.equal((await runtime.version(signal)).name, 'containerd');
    await t.rejects(runtime.containerStatus('none', signal));
    t.equal((await images.list(signal)).length, 1);
    const events = runtime.events(signal)[Symbol.asyncIterator]();
    const end = events.next();
    stop.abort();
    t.equal((await end).done, true);
    const text = await metrics.registry.metrics();
    for (const line of [
      'kubelet_runtime_operations_total{operation_type="version"} 1',
      'kubelet_runtime_operations_total{operation_type="list_images"} 1',
      'kubelet_runtime_operations_errors_total{operation_type="container_status"} 1',
      'kubelet_runtime_operations_duration_seconds_count{operation_type="container_status"} 1',
    ])
      t.ok(text.includes(`${line}\n`), line);
  },
);
