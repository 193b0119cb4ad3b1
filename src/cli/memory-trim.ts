import { performance } from 'node:perf_hooks';
import type { Log } from '../host/log.ts';

/** Looked this often, and that soon after the start, when all code has been loaded. */
const LOOK_MS = 30_000;
/** Growth since the last time that is worth a pause. */
const GROWTH_BYTES = 6 * 1024 * 1024;
/** Share of the time in which the event loop was busy: above it nobody is to wait for this. */
const UTILIZATION_MAX = 0.2;

/** Whether it is time to give memory back. @param leastBytes resident memory after the last time, or lower since */
export function isTrimDue(residentBytes: number, leastBytes: number, utilization: number): boolean {
  return residentBytes - leastBytes > GROWTH_BYTES && utilization < UTILIZATION_MAX;
}

/**
 * Gives memory that was needed for a start or a burst back to the board, while there is little to do: left alone, V8 keeps
 * some 20 MB of it for ever, and its flag against that (--optimize-for-size) costs much of the throughput. A pause of some
 * tens of milliseconds. Needs node's --expose-gc; does nothing without. Does not keep the process.
 *
 * @param heapBytesMax with more than this on the heap it is not done
 */
export function trimMemory(log: Log, heapBytesMax = Infinity): void {
  const { gc } = globalThis;
  if (gc === undefined) return;
  let least = 0;
  let before = performance.eventLoopUtilization();
  setInterval(() => {
    const resident = process.memoryUsage.rss();
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    least = Math.min(least === 0 ? 0 : resident, least);
    if (!isTrimDue(resident, least, utilization) || process.memoryUsage().heapUsed > heapBytesMax) return;
    const startMs = performance.now();
    gc({ type: 'major', execution: 'sync', flavor: 'last-resort' });
    least = process.memoryUsage.rss();
    const mb = (bytes: number): number => Math.round(bytes / 1024 / 1024);
    log.debug('memory given back', { fromMb: mb(resident), toMb: mb(least), tookMs: performance.now() - startMs });
  }, LOOK_MS).unref();
}
