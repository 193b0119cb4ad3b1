import t from 'tap';
import { silentLog } from '../../src/host/log.ts';
import { PodWorker } from '../../src/kubelet/pod-worker.ts';
import type { PodActs } from '../../src/kubelet/pod-worker.ts';
import { createFakeClock } from '../fake/clock.ts';
import { podOf } from './runtime-state.ts';

interface Probe {
  readonly worker: PodWorker;
  readonly acts: string[];
  readonly clock: ReturnType<typeof createFakeClock>;
  sync: PodActs['sync'];
  readonly stop: () => Promise<void>;
}

function workerOf(): Probe {
  const clock = createFakeClock();
  const acts: string[] = [];
  const stop = new AbortController();
  const probe: Pick<Probe, 'sync'> = { sync: async () => ({ isTerminal: false }) };
  const worker = new PodWorker({
    pod: podOf({}),
    clock,
    log: silentLog,
    isNameFree: () => true,
    onFinished: () => acts.push('finished'),
    acts: {
      sync: async (pod, signal) => {
        acts.push('sync');
        return probe.sync(pod, signal);
      },
      syncTerminating: async (_, { verdict }) => void acts.push(`terminating ${verdict?.reason ?? ''}`.trim()),
      syncTerminated: async () => void acts.push('terminated'),
    },
  });
  const running = worker.run(stop.signal);
  return Object.assign(probe, {
    worker,
    acts,
    clock,
    stop: async () => {
      stop.abort();
      await running;
    },
  });
}

void t.test('PodWorker syncs at once, when poked, and once a minute', async (t) => {
  const { worker, acts, clock, stop } = workerOf();
  await clock.advance(0);
  t.same(acts, ['sync']);
  worker.poke();
  await clock.advance(0);
  t.same(acts, ['sync', 'sync']);
  await clock.advance(59_000);
  t.equal(acts.length, 2);
  await clock.advance(1000);
  t.equal(acts.length, 3);
  await stop();
});

void t.test(
  'PodWorker waits after a failure, whatever the runtime stirs up, but not when the pod changes',
  async (t) => {
    const probe = workerOf();
    const { worker, acts, clock, stop } = probe;
    probe.sync = async () => {
      throw new Error('no');
    };
    worker.poke();
    await clock.advance(0);
    const count = acts.length;
    worker.poke();
    await clock.advance(900);
    t.equal(acts.length, count, 'held back');
    await clock.advance(100);
    t.equal(acts.length, count + 1);
    worker.poke();
    await clock.advance(1900);
    t.equal(acts.length, count + 1, 'twice as long');
    worker.update(podOf({ containers: [] }));
    await clock.advance(0);
    t.equal(acts.length, count + 2, 'its cause may be gone');
    await stop();
  },
);

void t.test('PodWorker goes through its phases once, the first verdict stays', async (t) => {
  const probe = workerOf();
  const { worker, acts, clock, stop } = probe;
  await clock.advance(0);
  worker.terminate({ reason: 'Evicted' });
  worker.terminate({ reason: 'Other' });
  await clock.advance(0);
  t.same(acts, ['sync', 'terminating Evicted', 'terminated', 'finished']);
  worker.update(podOf({}));
  worker.poke();
  await clock.advance(60_000);
  t.equal(acts.length, 4);
  t.equal(worker.phase, 'finished');
  await stop();
});

void t.test('PodWorker ends the sync under way when the pod is deleted', async (t) => {
  const probe = workerOf();
  const { worker, acts, clock, stop } = probe;
  await clock.advance(0);
  probe.sync = async (_, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }));
  worker.poke();
  await clock.advance(0);
  worker.update(podOf({}, { metadata: { uid: 'u1', deletionTimestamp: '2026-01-01T00:00:00Z' } }));
  await clock.advance(0);
  t.same(acts, ['sync', 'sync', 'terminating', 'terminated', 'finished']);
  await stop();
});
