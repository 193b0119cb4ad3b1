import t from 'tap';
import { readContainerStats } from '../../../src/host/cri/cri-stats.ts';
import type { WireContainerStats } from '../../../src/host/cri/cri-stats.ts';

function withAvailable(value: bigint | undefined): WireContainerStats {
  const memory = {
    workingSet: { value: 4096n },
    available: value === undefined ? undefined : { value },
    usage: { value: 8192n },
    rss: undefined,
    faults: undefined,
    majorFaults: undefined,
  };
  return { attributes: undefined, cpu: undefined, memory, writableLayer: undefined };
}

await t.test('readContainerStats, memory available: 0 is what containerd says of a container without a limit', (t) => {
  t.equal(readContainerStats(withAvailable(0n)).memoryAvailableBytes, undefined);
  t.equal(readContainerStats(withAvailable(undefined)).memoryAvailableBytes, undefined);
  t.equal(readContainerStats(withAvailable(65_536n)).memoryAvailableBytes, 65_536);
  t.match(readContainerStats(withAvailable(0n)), { memoryWorkingSetBytes: 4096, memoryUsageBytes: 8192 });
  t.end();
});
