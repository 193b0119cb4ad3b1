import { untilAborted } from '../../host/until-aborted.ts';
import type { Container, Pod, Probe } from '../../api/objects.ts';
import { isSidecar } from '../pod-identity.ts';
import { ProbeWorker } from './probe-worker.ts';
import type { ProbeHost, ProbeKind, ProbeRunner } from './prober.ts';

interface Running {
  readonly kind: ProbeKind;
  readonly podUid: string;
  readonly stop: AbortController;
  readonly worker: ProbeWorker;
}

/** Probes of a kubelet that has just started are spread over their periods, so that it does not ask all pods at once. */
const SPREAD_AFTER_START_MS = 10_000;

/** Runs each probe of each pod in a loop of its own. */
export function createProbeRunner(host: ProbeHost): ProbeRunner {
  const workers = new Map<string, Running>();
  const loops = new Set<Promise<void>>();
  const stopAll = new AbortController();
  const startedMs = host.clock.monotonicMs();

  const loop = async (worker: ProbeWorker, signal: AbortSignal): Promise<void> => {
    try {
      if (host.clock.monotonicMs() - startedMs < SPREAD_AFTER_START_MS) {
        const spreadMs = Math.min(worker.periodMs, SPREAD_AFTER_START_MS) * 0.1;
        await host.clock.sleepMs(Math.random() * spreadMs, signal);
      }
      while (!signal.aborted) {
        const againInMs = await worker.tick(signal);
        if (againInMs === undefined) return;
        await host.clock.sleepMs(againInMs, signal);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  };

  const start = (pod: Pod, container: Container, kind: ProbeKind, probe: Probe): void => {
    const podUid = pod.metadata?.uid ?? '';
    const key = `${podUid}/${container.name}/${kind}`;
    if (workers.has(key)) return;
    const stop = new AbortController();
    const worker = new ProbeWorker(host, { pod, container, kind, probe });
    workers.set(key, { kind, podUid, stop, worker });
    const running = loop(worker, AbortSignal.any([stop.signal, stopAll.signal]));
    loops.add(running);
    // A worker that has ended by itself stays in the map: its pod is over, and must not be asked again.
    void running.finally(() => loops.delete(running));
  };

  const stop = (podUid: string, kinds: readonly ProbeKind[]): void => {
    for (const [key, worker] of workers) {
      if (worker.podUid !== podUid || !kinds.includes(worker.kind)) continue;
      worker.stop.abort();
      workers.delete(key);
    }
  };

  return {
    addPod(pod) {
      for (const container of [
        ...(pod.spec?.containers ?? []),
        ...(pod.spec?.initContainers ?? []).filter(isSidecar),
      ]) {
        const { startupProbe, readinessProbe, livenessProbe } = container;
        if (startupProbe !== undefined) start(pod, container, 'startup', startupProbe);
        if (readinessProbe !== undefined) start(pod, container, 'readiness', readinessProbe);
        if (livenessProbe !== undefined) start(pod, container, 'liveness', livenessProbe);
      }
    },
    stopLivenessAndStartup: (podUid) => stop(podUid, ['liveness', 'startup']),
    removePod(podUid) {
      for (const one of workers.values())
        if (one.podUid === podUid && one.worker.containerId !== '') host.results.remove(one.worker.containerId);
      stop(podUid, ['liveness', 'startup', 'readiness']);
      host.counts.remove(podUid);
    },
    async run(signal) {
      const onAbort = (): void => stopAll.abort();
      if (signal.aborted) onAbort();
      signal.addEventListener('abort', onAbort, { once: true });
      await untilAborted(stopAll.signal);
      await Promise.allSettled(loops);
    },
  };
}
