import type { Container, Pod } from '../../api/objects.ts';
import { isReason } from '../../api/status.ts';
import type { KubeletDeps } from '../kubelet-deps.ts';
import { runHook } from './lifecycle-hook.ts';
import type { KillReason } from '../pod-actions.ts';

/** Even a container without grace gets this long before SIGKILL. */
const GRACE_SECONDS_MIN = 2;

export interface KillRequest {
  readonly pod: Pod;
  readonly container: Container;
  readonly containerId: string;
  readonly podIp: string;
  /** Of the Killing event; a text of its own where empty. */
  readonly message: string;
  readonly reason?: KillReason;
  /** Instead of the pod's own. */
  readonly graceSeconds?: number;
  /** Settles when others that must end first have ended. */
  readonly turn?: Promise<unknown>;
}

/** Stops a container: preStop hook, SIGTERM, SIGKILL, all within its grace (upstream killContainer). */
export async function killContainer(deps: KubeletDeps, request: KillRequest, signal: AbortSignal): Promise<void> {
  const { pod, container, containerId } = request;
  const message = request.message === '' ? `Stopping container ${container.name}` : request.message;
  deps.events.emit(pod, { type: 'Normal', reason: 'Killing', message, container: container.name });
  const graceSeconds = request.graceSeconds ?? terminationGrace(pod, container, request.reason);
  const beganMs = deps.clock.monotonicMs();
  const leftSeconds = (): number => graceSeconds - Math.floor((deps.clock.monotonicMs() - beganMs) / 1000);
  if (container.lifecycle?.preStop !== undefined && graceSeconds > 0)
    await preStop(deps, request, graceSeconds, signal);
  if (request.turn !== undefined && leftSeconds() > 0)
    await withinMs(deps, leftSeconds() * 1000, async () => request.turn, signal);
  try {
    await deps.runtime.stopContainer(containerId, Math.max(GRACE_SECONDS_MIN, leftSeconds()), signal);
  } catch (error) {
    if (!isReason(error, 'NotFound')) throw error;
  }
}

/** The seconds a container has to end: the deletion's, the failed probe's, the pod's, in this order. */
function terminationGrace(pod: Pod, container: Container, reason?: KillReason): number {
  const deletion = pod.metadata?.deletionGracePeriodSeconds;
  if (deletion !== undefined && deletion !== null) return deletion;
  const own = pod.spec?.terminationGracePeriodSeconds;
  if (own === undefined) return GRACE_SECONDS_MIN;
  if (reason === 'startupProbe') return container.startupProbe?.terminationGracePeriodSeconds ?? own;
  if (reason === 'livenessProbe') return container.livenessProbe?.terminationGracePeriodSeconds ?? own;
  return own;
}

async function preStop(
  deps: KubeletDeps,
  request: KillRequest,
  graceSeconds: number,
  signal: AbortSignal,
): Promise<void> {
  const handler = request.container.lifecycle?.preStop;
  if (handler === undefined) return;
  await withinMs(
    deps,
    graceSeconds * 1000,
    async (limit) => {
      try {
        await runHook(deps, handler, request, limit);
      } catch (error) {
        if (limit.aborted) return;
        // Its output may hold secrets: the Event says only that it failed.
        const { pod, container } = request;
        deps.events.emit(pod, {
          type: 'Warning',
          reason: 'FailedPreStopHook',
          message: 'PreStopHook failed',
          container: container.name,
        });
        deps.log.info('a preStop hook failed', { container: container.name, error });
      }
    },
    signal,
  );
}

/** Waits for the work, but no longer than `limitMs`. */
async function withinMs(
  deps: KubeletDeps,
  limitMs: number,
  work: (limit: AbortSignal) => Promise<unknown>,
  signal: AbortSignal,
): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const timer = deps.clock.sleepMs(limitMs, both).catch(() => undefined);
  try {
    await Promise.race([work(both), timer]);
  } finally {
    stop.abort();
  }
  signal.throwIfAborted();
}
