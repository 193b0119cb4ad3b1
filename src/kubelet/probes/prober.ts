import type { LifecycleHandler, Pod, PodStatus } from '../../api/objects.ts';
import type { Clock } from '../../host/clock.ts';
import type { ProbeCounts } from './probe-counts.ts';
import type { EventSink } from '../pod-events.ts';

export type ProbeKind = 'liveness' | 'readiness' | 'startup';

/** `unknown` is a startup probe not yet decided. */
export type ProbeResult = 'success' | 'failure' | 'unknown';

/** Which container a result is about. */
export interface ProbeSubject {
  readonly podUid: string;
  readonly container: string;
  /** Runtime's id without `containerd://`. */
  readonly containerId: string;
}

/**
 * Last results by container id: written by the probe workers, read when status is made and actions are computed.
 * A fresh container starts as upstream's workers have it: readiness `failure`, liveness `success`, startup `unknown`.
 */
export interface ProbeResults {
  get(kind: ProbeKind, containerId: string): ProbeResult | undefined;
  set(kind: ProbeKind, subject: ProbeSubject, result: ProbeResult): void;
  /** Forgets a container that is gone. */
  remove(containerId: string): void;
  /** Tells of each result that differs from the one before it. Returns how to stop it. */
  onChange(handler: (kind: ProbeKind, subject: ProbeSubject, result: ProbeResult) => void): () => void;
}

/** Runs the probes of all pods. `createProbeRunner(host)` in probe-runner.ts gives the real one. */
export interface ProbeRunner {
  /** Starts what the pod's containers ask for and does not run yet. Called at each sync of a pod that may run. */
  addPod(pod: Pod): void;
  /** The pod is terminating: only readiness goes on, so that it leaves its Services (upstream since 1.25). */
  stopLivenessAndStartup(podUid: string): void;
  /** Ends all probes of the pod. */
  removePod(podUid: string): void;
  /** Settles when every worker has ended after the abort. */
  run(signal: AbortSignal): Promise<void>;
}

/** What the probe workers need of the core. */
export interface ProbeHost {
  readonly results: ProbeResults;
  readonly counts: ProbeCounts;
  readonly clock: Clock;
  readonly events: EventSink;
  /** The status as last made (container ids, running since, pod IP): undefined before the first. */
  podStatus(podUid: string): PodStatus | undefined;
  /** Runs a command in the container. @throws StatusError Timeout */
  execSync(
    containerId: string,
    command: readonly string[],
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ExecResult>;
}

/** What a command in a container gave. */
export interface ExecResult {
  readonly exitCode: number;
  readonly output: string;
}

/**
 * Lifecycle hooks use the probers' HTTP and TCP clients; exec and sleep are the core's own.
 * `runHttpHandler` in http-handler.ts gives the real one.
 *
 * @returns the body, cut to 10 KiB, of an answer with a status below 400
 */
export type HttpHook = (
  handler: NonNullable<LifecycleHandler['httpGet']>,
  target: { readonly podIp: string; readonly pod: Pod; readonly container: string },
  signal: AbortSignal,
) => Promise<string>;
