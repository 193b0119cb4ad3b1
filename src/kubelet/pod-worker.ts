import type { Pod } from '../api/objects.ts';
import { isPodActive } from '../api/pod-facts.ts';
import { StatusError } from '../api/status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { describePod } from './pod-identity.ts';
import type { PodSyncer } from './pod-syncer.ts';
import { StartError } from './container/start-error.ts';

export type PodActs = Pick<PodSyncer, 'sync' | 'syncTerminating' | 'syncTerminated'>;

/**
 * `waiting`: another pod still has the name. `sync`: it should run. `terminating`: something of it may run, nothing
 * is started. `terminated`: nothing runs, its resources are given back. `finished`: nothing is left. Never backwards.
 */
export type WorkerPhase = 'waiting' | 'sync' | 'terminating' | 'terminated' | 'finished';

/** Why and how a pod ends. */
export interface PodEnd {
  readonly reason?: string;
  readonly message?: string;
  /** Instead of the pod's own. */
  readonly graceSeconds?: number;
  /** The pod did nothing wrong: controllers are told by its DisruptionTarget condition (KEP-3329). */
  readonly isDisruption?: boolean;
}

interface PodWorkerOptions {
  readonly pod: Pod;
  readonly acts: PodActs;
  readonly clock: Clock;
  readonly log: Log;
  readonly isNameFree: () => boolean;
  readonly onFinished: () => void;
}

/** Looked at this often even when nothing happens (upstream syncFrequency). */
const RESYNC_MS = 60_000;
/** Between failed syncs: doubling from the first to the last. */
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 10_000;

/** The state machine of one pod: takes the pod's versions and its end, and runs its acts one after the other. */
export class PodWorker {
  readonly #options: PodWorkerOptions;
  #pod: Pod;
  #phase: WorkerPhase = 'waiting';
  #end: PodEnd | undefined;
  #isDirty = true;
  /** The last act failed: what it stirred up in the runtime must not make it be tried again at once. */
  #isHeldBack = false;
  #wake: () => void = () => undefined;
  /** Ends the act under way when it has been overtaken. */
  #act = new AbortController();
  #retryMs = RETRY_MIN_MS;

  constructor(options: PodWorkerOptions) {
    this.#options = options;
    this.#pod = options.pod;
    if (shouldEnd(options.pod)) this.#end = {};
  }

  get pod(): Pod {
    return this.#pod;
  }

  get phase(): WorkerPhase {
    return this.#phase;
  }

  /** Takes in a newer version of the pod; a deletion in it ends the pod. */
  update(pod: Pod): void {
    const before = graceOf(this.#pod);
    this.#pod = pod;
    const isShorter = this.#end !== undefined && (graceOf(pod) ?? Infinity) < (before ?? Infinity);
    if (shouldEnd(pod)) this.terminate(this.#end ?? {});
    if (isShorter && this.#phase === 'terminating') this.#act.abort(); // stop again, with less grace
    this.retry();
  }

  /** Ends the pod; the first reason given stays. */
  terminate(end: PodEnd): void {
    if (this.#end === undefined) {
      this.#end = end;
      this.#act.abort();
    }
    this.retry();
  }

  /** Takes in a newer version that asks for nothing new, such as the echo of a status that was written from here. */
  keep(pod: Pod): void {
    this.#pod = pod;
  }

  /** Makes the worker look at the pod now, or once more after the act under way; after a failure, when its time comes. */
  poke(): void {
    this.#isDirty = true;
    if (!this.#isHeldBack) this.#wake();
  }

  /** As poke, but at once even after a failure: its cause may be gone. */
  retry(): void {
    this.#isHeldBack = false;
    this.poke();
  }

  /** Works until the pod has ended or the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    let delayMs = 0;
    while (!signal.aborted && this.#phase !== 'finished') {
      await this.#idle(delayMs, signal);
      if (signal.aborted) return;
      this.#isDirty = false;
      this.#act = new AbortController();
      try {
        delayMs = await this.#step(AbortSignal.any([signal, this.#act.signal]));
        this.#retryMs = RETRY_MIN_MS;
        this.#isHeldBack = false;
      } catch (error) {
        delayMs = this.#onFailure(error, signal);
      }
    }
  }

  /** The next act. @returns how long there is nothing to do, unless something happens */
  async #step(signal: AbortSignal): Promise<number> {
    const { acts, isNameFree } = this.#options;
    switch (this.#phase) {
      case 'waiting':
        if (!isNameFree()) return RESYNC_MS;
        this.#phase = this.#end === undefined ? 'sync' : 'terminating';
        return 0;
      case 'sync': {
        if (this.#end !== undefined) return this.#move('terminating');
        const outcome = await acts.sync(this.#pod, signal);
        if (!outcome.isTerminal) return Math.min(RESYNC_MS, outcome.retryMs ?? RESYNC_MS);
        this.#end ??= outcome.verdict ?? {};
        return this.#move('terminating');
      }
      case 'terminating':
        await acts.syncTerminating(this.#pod, readEnd(this.#end), signal);
        return this.#move('terminated');
      case 'terminated':
        await acts.syncTerminated(this.#pod, signal);
        this.#move('finished');
        this.#options.onFinished();
        return 0;
      case 'finished':
        return 0;
      default:
        return this.#phase satisfies never;
    }
  }

  #move(phase: WorkerPhase): number {
    this.#phase = phase;
    return 0;
  }

  #onFailure(error: unknown, signal: AbortSignal): number {
    if (signal.aborted || this.#act.signal.aborted) return 0;
    // Of a failure that is foreseen the text says all: its stack, every few seconds, would only fill the card.
    const isForeseen = error instanceof StartError || error instanceof StatusError;
    const shown = isForeseen ? `${error.reason}: ${error.message}` : error;
    this.#options.log.info('a pod could not be synced', { pod: describePod(this.#pod), error: shown });
    const delayMs = this.#retryMs;
    this.#isHeldBack = true;
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS);
    return delayMs;
  }

  async #idle(delayMs: number, signal: AbortSignal): Promise<void> {
    if (delayMs <= 0 || (this.#isDirty && !this.#isHeldBack)) return;
    const stop = new AbortController();
    const both = AbortSignal.any([signal, stop.signal]);
    this.#wake = () => stop.abort();
    await this.#options.clock.sleepMs(delayMs, both).catch(() => undefined);
    this.#wake = () => undefined;
  }
}

function graceOf(pod: Pod): number | undefined {
  return pod.metadata?.deletionGracePeriodSeconds ?? undefined;
}

/** Deleted, or known to have ended before this kubelet started. */
function shouldEnd(pod: Pod): boolean {
  return !isPodActive(pod);
}

function readEnd(end: PodEnd | undefined): Parameters<PodActs['syncTerminating']>[1] {
  const { reason, message, graceSeconds, isDisruption = false } = end ?? {};
  return {
    ...(reason === undefined
      ? {}
      : { verdict: { reason, isDisruption, ...(message === undefined ? {} : { message }) } }),
    ...(graceSeconds === undefined ? {} : { graceSeconds }),
  };
}
