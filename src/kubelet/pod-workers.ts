import type { Pod } from '../api/objects.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { untilAborted } from '../host/until-aborted.ts';
import { describePod, podFullName, podUid } from './pod-identity.ts';
import { PodWorker } from './pod-worker.ts';
import type { PodActs, PodEnd } from './pod-worker.ts';

interface PodWorkersOptions {
  readonly acts: PodActs;
  readonly clock: Clock;
  readonly log: Log;
  /** Called when nothing of a pod is left: its API object may go. */
  readonly onFinished: (pod: Pod) => void;
}

/**
 * One worker per pod uid, so that nothing of a pod happens twice at once, and one living pod per name: a pod that takes
 * a name over starts when the one before it has ended (upstream pod_workers.go).
 */
export class PodWorkers {
  readonly #options: PodWorkersOptions;
  readonly #workers = new Map<string, PodWorker>();
  readonly #running = new Set<Promise<void>>();
  #signal: AbortSignal | undefined;

  constructor(options: PodWorkersOptions) {
    this.#options = options;
  }

  /** The pod as its source has it now: new or changed. */
  update(pod: Pod): void {
    const uid = podUid(pod);
    const worker = this.#workers.get(uid);
    if (worker === undefined) this.#add(pod);
    else worker.update(pod);
  }

  /** As update, of a version that asks for nothing new. */
  keep(pod: Pod): void {
    this.#workers.get(podUid(pod))?.keep(pod);
  }

  /** The pod must end: gone from its source, evicted, refused. */
  terminate(uid: string, end: PodEnd): void {
    this.#workers.get(uid)?.terminate(end);
  }

  /** Something happened to the pod: look at it now. */
  poke(uid: string): void {
    this.#workers.get(uid)?.poke();
  }

  /** Lets everybody who waits after a failure try at once: its cause is gone. */
  retryAll(): void {
    for (const worker of this.#workers.values()) worker.retry();
  }

  has(uid: string): boolean {
    return this.#workers.has(uid);
  }

  /** Whether nothing of the pod is left on the board, as far as a worker knows it. */
  isFinished(uid: string): boolean {
    return this.#workers.get(uid)?.phase === 'finished';
  }

  /** Whether the pod is on its way out or has ended. */
  isTerminating(uid: string): boolean {
    const phase = this.#workers.get(uid)?.phase;
    return phase === 'terminating' || phase === 'terminated' || phase === 'finished';
  }

  /** Forgets a finished pod that its source no longer has. */
  forget(uid: string): void {
    if (this.isFinished(uid)) this.#workers.delete(uid);
  }

  uids(): readonly string[] {
    return [...this.#workers.keys()];
  }

  /** Works until aborted; containers stay as they are. */
  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    for (const worker of this.#workers.values()) this.#start(worker, signal);
    await untilAborted(signal);
    await Promise.all(this.#running);
  }

  #add(pod: Pod): void {
    const { acts, clock, log, onFinished } = this.#options;
    const worker: PodWorker = new PodWorker({
      pod,
      acts,
      clock,
      log,
      isNameFree: () => !this.#isNameTaken(worker),
      onFinished: () => {
        onFinished(worker.pod);
        this.#wakeWaiting(worker);
      },
    });
    this.#workers.set(podUid(pod), worker);
    if (this.#signal !== undefined) this.#start(worker, this.#signal);
  }

  #start(worker: PodWorker, signal: AbortSignal): void {
    const running = worker.run(signal).catch((error: unknown) => {
      this.#options.log.error('a pod worker ended', { pod: describePod(worker.pod), error });
    });
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  #isNameTaken(own: PodWorker): boolean {
    const name = podFullName(own.pod);
    return [...this.#workers.values()].some(
      (other) =>
        other !== own && podFullName(other.pod) === name && other.phase !== 'waiting' && other.phase !== 'finished',
    );
  }

  #wakeWaiting(ended: PodWorker): void {
    const name = podFullName(ended.pod);
    for (const worker of this.#workers.values())
      if (worker.phase === 'waiting' && podFullName(worker.pod) === name) worker.poke();
  }
}
