import { mkdir } from 'node:fs/promises';
import { errorText } from '../api/error-text.ts';
import type { Pod, PodStatus } from '../api/objects.ts';
import { isTerminalPhase } from '../api/pod-facts.ts';
import type { StartFailure } from './status/container-statuses.ts';
import { podDir } from './kubelet-paths.ts';
import { killPod } from './kill-pod.ts';
import type { KubeletDeps } from './kubelet-deps.ts';
import { describePod, isHostNetwork, podName, podNamespace, podUid } from './pod-identity.ts';
import { podStatus, terminatedStatus } from './status/pod-status.ts';
import type { StatusFacts } from './status/pod-status.ts';
import { readRuntimePod } from './runtime/read-runtime-pod.ts';
import type { PodIdentity } from './runtime/read-runtime-pod.ts';
import { allocate } from './resize-allocation.ts';
import type { ResizeRefusal } from './resize-allocation.ts';
import { planResizes } from './resize-actions.ts';
import { emptyRuntimePod, hasRunning } from './runtime/runtime-pod.ts';
import type { RuntimePod } from './runtime/runtime-pod.ts';
import { StartError } from './container/start-error.ts';
import { syncRuntime } from './sync-runtime.ts';
import type { SyncResult } from './sync-runtime.ts';

/** Where the statuses of pods go, and what was last said. */
export interface StatusSink {
  get(uid: string): PodStatus | undefined;
  set(pod: Pod, status: PodStatus): void;
}

/** Why the kubelet itself ends a pod: the reason and message of its Failed phase. */
export interface Verdict extends Pick<PodStatus, 'reason' | 'message'> {
  /** For the board's sake, not for anything that the pod did. */
  readonly isDisruption?: boolean;
}

/** How a sync went: whether the pod has ended, and when to look again at the latest. */
export interface SyncOutcome {
  readonly isTerminal: boolean;
  readonly verdict?: Verdict;
  readonly retryMs?: number;
}

/**
 * The three acts of a pod's life: sync while it should run, terminating until nothing of it runs, terminated until
 * nothing of it is left (upstream SyncPod, SyncTerminatingPod, SyncTerminatedPod). Each may be called again.
 */
export class PodSyncer {
  readonly #deps: KubeletDeps;
  readonly #statuses: StatusSink;
  readonly #failures = new Map<string, Map<string, StartFailure>>();
  readonly #pendingResizes = new Map<string, ResizeRefusal>();

  constructor(deps: KubeletDeps, statuses: StatusSink) {
    this.#deps = deps;
    this.#statuses = statuses;
  }

  /** Brings the runtime to the pod's spec and says how it stands. @throws what is to be tried again */
  async sync(given: Pod, signal: AbortSignal): Promise<SyncOutcome> {
    const deps = this.#deps;
    const { pod, pending } = allocate(given, this.#before(given), (wanted) => deps.refuseResize(wanted));
    if (pending === undefined) this.#pendingResizes.delete(podUid(pod));
    else this.#pendingResizes.set(podUid(pod), pending);
    const runtimePod = await this.#read(pod, signal);
    const status = this.#report(pod, runtimePod, false);
    if (isTerminalPhase(status.phase)) return { isTerminal: true };
    const deadlineMs = deadlineIn(pod, status, deps.clock.nowMs());
    if (deadlineMs !== undefined && deadlineMs <= 0) {
      deps.events.emit(pod, { type: 'Normal', ...DEADLINE_EXCEEDED });
      return { isTerminal: true, verdict: DEADLINE_EXCEEDED };
    }
    const networkError = deps.networkError();
    if (networkError !== undefined && !isHostNetwork(pod)) {
      const message = `network is not ready: ${networkError}`;
      deps.events.emit(pod, { type: 'Warning', reason: 'NetworkNotReady', message });
      throw new Error(message);
    }
    await deps.cgroups.ensure(pod);
    await mkdir(podDir(deps.paths, podUid(pod)), { recursive: true, mode: 0o750 });
    const volumes = await this.#setupVolumes(pod, signal);
    deps.probes.addPod(pod);
    const result = await syncRuntime(deps, pod, runtimePod, volumes, signal);
    this.#remember(podUid(pod), result);
    const after = this.#report(pod, await this.#read(pod, signal), false);
    if (isTerminalPhase(after.phase)) return { isTerminal: true };
    const retryMs = Math.min(result.retryMs ?? Number.POSITIVE_INFINITY, deadlineMs ?? Number.POSITIVE_INFINITY);
    const isHeldBack = result.error instanceof StartError && result.error.reason === 'ImagePullBackOff';
    if (result.error !== undefined && !isHeldBack) throw result.error;
    return { isTerminal: false, ...(Number.isFinite(retryMs) ? { retryMs } : {}) };
  }

  /** Stops all containers within their grace. @throws when something still runs */
  async syncTerminating(
    pod: Pod,
    end: { readonly verdict?: Verdict; readonly graceSeconds?: number },
    signal: AbortSignal,
  ): Promise<void> {
    const deps = this.#deps;
    const runtimePod = await this.#read(pod, signal);
    this.#report(pod, runtimePod, false, end.verdict);
    deps.probes.stopLivenessAndStartup(podUid(pod));
    try {
      await killPod(deps, pod, runtimePod, end.graceSeconds, signal);
    } catch (error) {
      signal.throwIfAborted();
      const message = `error killing pod: ${errorText(error)}`;
      deps.events.emit(pod, { type: 'Warning', reason: 'FailedKillPod', message });
      throw error;
    }
    deps.probes.removePod(podUid(pod));
    const stopped = await this.#read(pod, signal);
    if (hasRunning(stopped)) throw new Error(`containers of ${describePod(pod)} run after they were stopped`);
    // The sandbox's address is gone; the status keeps the one that the pod had.
    this.#report(pod, { ...stopped, ips: this.#ipsBefore(pod, runtimePod) }, true, end.verdict);
  }

  /** Gives back volumes and cgroup, of a deleted pod also sandboxes and containers. @throws to be called again */
  async syncTerminated(pod: Pod, signal: AbortSignal): Promise<void> {
    const deps = this.#deps;
    const runtimePod = await this.#read(pod, signal);
    const ips = this.#ipsBefore(pod, runtimePod);
    const status = this.#make(pod, { ...runtimePod, ips }, true, undefined);
    this.#statuses.set(pod, terminatedStatus(status));
    await deps.volumes.teardownPod(podUid(pod), signal);
    await deps.cgroups.remove(pod);
    if (pod.metadata?.deletionTimestamp !== undefined) await removeFromRuntime(deps, runtimePod, signal);
    this.#failures.delete(podUid(pod));
    this.#pendingResizes.delete(podUid(pod));
  }

  /** Ends what only the runtime still knows of: its pod was deleted while no kubelet ran. */
  async endOrphan(identity: PodIdentity, signal: AbortSignal): Promise<void> {
    const runtimePod = await readRuntimePod(this.#deps.runtime, identity, signal);
    await killPod(this.#deps, undefined, runtimePod, ORPHAN_GRACE_SECONDS, signal);
    await this.#deps.volumes.teardownPod(identity.uid, signal);
    await removeFromRuntime(this.#deps, runtimePod, signal);
  }

  /** The pod must not run here: it fails, and nothing of it starts. @returns why, as its status says it */
  refuse(pod: Pod, verdict: { readonly reason: string; readonly message: string }): Verdict {
    const empty = emptyRuntimePod(podUid(pod), podNamespace(pod), podName(pod));
    this.#deps.events.emit(pod, { type: 'Warning', ...verdict });
    const told = { ...verdict, message: `Pod was rejected: ${verdict.message}` };
    this.#statuses.set(pod, this.#make(pod, empty, false, told));
    return told;
  }

  async #read(pod: Pod, signal: AbortSignal): Promise<RuntimePod> {
    const identity = { uid: podUid(pod), namespace: podNamespace(pod), name: podName(pod) };
    return readRuntimePod(this.#deps.runtime, identity, signal);
  }

  #before(pod: Pod): PodStatus {
    return this.#statuses.get(podUid(pod)) ?? pod.status ?? {};
  }

  #ipsBefore(pod: Pod, runtimePod: RuntimePod): readonly string[] {
    if (runtimePod.ips.length > 0) return runtimePod.ips;
    return (this.#before(pod).podIPs ?? []).map(({ ip }) => ip ?? '');
  }

  /** @param isTerminal nothing of the pod runs or will. @returns the status as it is, whatever of it may be told yet */
  #report(pod: Pod, runtimePod: RuntimePod, isTerminal: boolean, verdict?: Verdict): PodStatus {
    const status = this.#make(pod, runtimePod, isTerminal, verdict);
    this.#statuses.set(pod, isTerminal ? status : withoutEnd(status, this.#before(pod)));
    return status;
  }

  #make(pod: Pod, runtimePod: RuntimePod, isTerminal: boolean, verdict: Verdict | undefined): PodStatus {
    const failures = this.#failures.get(podUid(pod));
    const pendingResize = this.#pendingResizes.get(podUid(pod));
    const facts: StatusFacts = {
      pod,
      runtimePod,
      before: this.#before(pod),
      failureOf: (name) => failures?.get(name),
      probes: (kind, id) => this.#deps.probeResults.get(kind, id),
      isTerminal,
      hostIps: this.#deps.hostIps,
      nowMs: this.#deps.clock.nowMs(),
      runtimeName: this.#deps.runtimeName,
      isResizing: !isTerminal && planResizes(pod, runtimePod, this.#deps.limits).length > 0,
      ...(pendingResize === undefined || isTerminal ? {} : { pendingResize }),
      ...(verdict === undefined ? {} : { verdict }),
    };
    return podStatus(facts);
  }

  #remember(uid: string, { failures, started }: SyncResult): void {
    const all = this.#failures.get(uid) ?? new Map<string, StartFailure>();
    for (const name of started) all.delete(name);
    for (const [name, failure] of failures) all.set(name, failure);
    this.#failures.set(uid, all);
  }

  async #setupVolumes(pod: Pod, signal: AbortSignal): Promise<Awaited<ReturnType<KubeletDeps['volumes']['setupPod']>>> {
    try {
      return await this.#deps.volumes.setupPod(pod, signal);
    } catch (error) {
      signal.throwIfAborted();
      this.#deps.events.emit(pod, { type: 'Warning', reason: 'FailedMount', message: errorText(error) });
      throw error;
    }
  }
}

/** Nobody waits for a pod whose object is gone. */
const ORPHAN_GRACE_SECONDS = 1;

const DEADLINE_EXCEEDED = {
  reason: 'DeadlineExceeded',
  message: 'Pod was active on the node longer than the specified deadline',
};

/**
 * The status without an end that has not come yet: while a container may run, the phase stays what it was, lest a
 * controller replace a pod that still holds what its replacement needs (upstream mergePodStatus). Conditions tell it.
 */
function withoutEnd(status: PodStatus, before: PodStatus): PodStatus {
  if (!isTerminalPhase(status.phase) || isTerminalPhase(before.phase)) return status;
  const { phase: _, reason: __, message: ___, ...rest } = status;
  const { phase = 'Pending', reason, message } = before;
  return {
    ...rest,
    phase,
    ...(reason === undefined ? {} : { reason }),
    ...(message === undefined ? {} : { message }),
  };
}

/** Milliseconds until activeDeadlineSeconds is over; undefined without one. */
function deadlineIn(pod: Pod, before: PodStatus, nowMs: number): number | undefined {
  const seconds = pod.spec?.activeDeadlineSeconds;
  if (seconds === undefined || before.startTime === undefined) return undefined;
  return Date.parse(before.startTime) + seconds * 1000 - nowMs;
}

async function removeFromRuntime(deps: KubeletDeps, runtimePod: RuntimePod, signal: AbortSignal): Promise<void> {
  for (const { id } of runtimePod.containers) {
    await deps.runtime.removeContainer(id, signal);
    deps.probeResults.remove(id);
  }
  for (const { id } of runtimePod.sandboxes) {
    await deps.runtime.stopSandbox(id, signal);
    await deps.runtime.removeSandbox(id, signal);
  }
}
