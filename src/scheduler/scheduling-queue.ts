import { Heap } from '../client/heap.ts';
import type { Clock } from '../host/clock.ts';
import { eventLabel, type ClusterEvent } from './cluster-event.ts';
import type { Queued } from './framework.ts';
import type { PodInfo } from './pod-info.ts';

/** Where a pod that has no node is. `inFlight`: a cycle or a binding has it. */
export type Place = 'active' | 'backoff' | 'unschedulable' | 'gated' | 'inFlight';

/** A pod without a node, from its first sight until it is bound or gone. */
export interface QueuedPod extends Queued {
  info: PodInfo;
  queuedMs: number;
  readonly firstSeenMs: number;
  attempts: number;
  /** Plugins that rejected it last. Empty: its last try went wrong, which is no news about the cluster. */
  rejectors: ReadonlySet<string>;
  place: Place;
}

/** How pods are ordered, kept out, and sent on. */
export interface SchedulingQueueOptions {
  readonly clock: Clock;
  readonly compare: (a: Queued, b: Queued) => number;
  /** The name of a plugin that keeps the pod out, if one does. */
  readonly gate: (pod: PodInfo) => string | undefined;
  /** Whether the event may lift this plugin's rejection. */
  readonly mayHelp: (plugin: string, pod: PodInfo, event: ClusterEvent) => boolean;
  readonly initialBackoffMs: number;
  readonly maxBackoffMs: number;
  /** Told of each pod that goes into a queue, and of the event that brought it, in the metrics' words. */
  readonly onQueued?: (queue: 'active' | 'backoff' | 'unschedulable', event: string) => void;
}

/** A pod that no event helped is tried again after this anyway: hints may be wrong. Looked at every FLUSH_EVERY_MS. */
const UNSCHEDULABLE_MAX_MS = 300_000;
const FLUSH_EVERY_MS = 30_000;
/** Events remembered per pod in flight; after more of them it is tried again without asking. */
const FLIGHT_EVENTS_MAX = 100;
/** What brings a pod back into a queue without any event, in kube-scheduler's metrics. */
const ATTEMPT_FAILED = 'ScheduleAttemptFailure';

/**
 * Pods waiting for a node (scheduler/backend/queue): ready to be tried in the order of QueueSort, backing off after a
 * failure (1 s doubling to 10 s), waiting for an event that may help, or gated.
 */
export class SchedulingQueue {
  readonly #options: SchedulingQueueOptions;
  readonly #pods = new Map<string, QueuedPod>();
  /** Heap entries whose ticket is not the pod's latest are stale. */
  readonly #tickets = new Map<string, number>();
  readonly #active: Heap<Entry>;
  readonly #backoff = new Heap<Entry>((a, b) => a.atMs - b.atMs);
  /** Pods whose try went wrong: they wait their back-off out, or a broken API server would be asked without end. */
  readonly #errorBackoff = new Heap<Entry>((a, b) => a.atMs - b.atMs);
  readonly #flightEvents = new Map<string, ClusterEvent[]>();
  #nextTicket = 0;
  #wakePop: () => void = () => undefined;
  #wakeTimer: () => void = () => undefined;

  constructor(options: SchedulingQueueOptions) {
    this.#options = options;
    this.#active = new Heap((a, b) => options.compare(a.pod, b.pod) || a.ticket - b.ticket);
  }

  /** How many pods are in each place. */
  counts(): Readonly<Record<Place, number>> {
    const counts = { active: 0, backoff: 0, unschedulable: 0, gated: 0, inFlight: 0 };
    for (const { place } of this.#pods.values()) counts[place] += 1;
    return counts;
  }

  /** The pods that wait for an event, with the plugins that rejected them. */
  *rejected(): Generator<QueuedPod> {
    for (const pod of this.#pods.values()) if (pod.place === 'unschedulable' || pod.place === 'gated') yield pod;
  }

  get(key: string): QueuedPod | undefined {
    return this.#pods.get(key);
  }

  /** Takes in a new pod, or the new state of one that is here. `isChanged`: in a way that may make it schedulable. */
  put(info: PodInfo, isChanged: boolean): void {
    const pod = this.#pods.get(info.key);
    if (pod === undefined || pod.info.uid !== info.uid) {
      const nowMs = this.#options.clock.monotonicMs();
      const added: QueuedPod = {
        info,
        queuedMs: nowMs,
        firstSeenMs: nowMs,
        attempts: 0,
        rejectors: new Set(),
        place: 'active',
      };
      this.#pods.set(info.key, added);
      this.#activate(added, 'UnschedulablePodAdd');
      return;
    }
    pod.info = info;
    const event: ClusterEvent = { resource: 'TargetPod', now: info.pod };
    if (pod.place === 'gated') this.#activate(pod, eventLabel(event));
    else if (isChanged && pod.place === 'inFlight') this.#remember(info.key, event);
    else if (isChanged && pod.place === 'unschedulable' && this.#helps(pod, event)) this.#wait(pod, eventLabel(event));
  }

  /** Forgets a pod that is bound or gone. */
  delete(key: string): void {
    this.#pods.delete(key);
    this.#tickets.delete(key);
    this.#flightEvents.delete(key);
  }

  /** Ends a flight: the pod is bound or gone. */
  finish(pod: QueuedPod): void {
    if (this.#pods.get(pod.info.key) === pod) this.delete(pod.info.key);
  }

  /** Tries a pod again, after its back-off, that waits for an event which will not come. */
  retry(pod: QueuedPod): void {
    if (this.#pods.get(pod.info.key) === pod && pod.place === 'unschedulable')
      this.#wait(pod, 'ForceActivate', this.#errorBackoff);
  }

  /**
   * The next pod to try, now in flight; undefined when aborted. Its caller ends the flight by `finish` or `giveBack`.
   * When none is ready, one that an event has helped does not wait for the end of its back-off, as nobody is kept
   * waiting by it (SchedulerPopFromBackoffQ).
   */
  async pop(signal: AbortSignal): Promise<QueuedPod | undefined> {
    while (!signal.aborted) {
      const pod = this.#popActive() ?? this.#popBackoff();
      if (pod === undefined) await this.#untilWoken(signal);
      else {
        pod.place = 'inFlight';
        pod.attempts += 1;
        this.#flightEvents.set(pod.info.key, []);
        return pod;
      }
    }
    return undefined;
  }

  #popActive(): QueuedPod | undefined {
    for (let entry = this.#active.pop(); entry !== undefined; entry = this.#active.pop())
      if (this.#isFresh(entry)) return entry.pod;
    return undefined;
  }

  #popBackoff(): QueuedPod | undefined {
    for (let entry = this.#backoff.peek(); entry !== undefined; entry = this.#backoff.peek()) {
      const isWaiting = this.#isFresh(entry) && entry.pod.place === 'backoff';
      this.#backoff.pop();
      if (!isWaiting) continue;
      this.#options.onQueued?.('active', 'PopFromBackoffQ');
      return entry.pod;
    }
    return undefined;
  }

  /**
   * Takes back a pod that got no node. With rejectors it waits for an event that may help, unless one came during the
   * flight; without, something went wrong and it is tried again after its back-off.
   */
  giveBack(pod: QueuedPod, rejectors: ReadonlySet<string>): void {
    const { key } = pod.info;
    if (this.#pods.get(key) !== pod) return; // deleted or replaced meanwhile
    const events = this.#flightEvents.get(key) ?? [];
    this.#flightEvents.delete(key);
    pod.rejectors = rejectors;
    pod.queuedMs = this.#options.clock.monotonicMs();
    if (rejectors.size === 0) return this.#wait(pod, ATTEMPT_FAILED, this.#errorBackoff);
    const helpful = events.find((event) => this.#helps(pod, event));
    if (helpful !== undefined) this.#wait(pod, eventLabel(helpful));
    else if (events.length >= FLIGHT_EVENTS_MAX) this.#wait(pod, ATTEMPT_FAILED);
    else {
      pod.place = 'unschedulable';
      this.#tickets.delete(key);
      this.#options.onQueued?.('unschedulable', ATTEMPT_FAILED);
    }
  }

  /** Moves the pods that the event may help, and tells it those in flight. */
  moveOn(event: ClusterEvent): void {
    for (const pod of this.#pods.values()) {
      if (pod.place === 'inFlight') this.#remember(pod.info.key, event);
      else if (pod.place === 'unschedulable' && this.#helps(pod, event)) this.#wait(pod, eventLabel(event));
    }
  }

  /** Ends back-offs, and waits that were too long, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    let flushMs = clock.monotonicMs() + FLUSH_EVERY_MS;
    while (!signal.aborted) {
      const nowMs = clock.monotonicMs();
      this.#endBackoffs(nowMs);
      if (nowMs >= flushMs) {
        this.#flush(nowMs);
        flushMs = nowMs + FLUSH_EVERY_MS;
      }
      const [backoffMs, errorMs] = [this.#backoff, this.#errorBackoff].map((heap) => heap.peek()?.atMs ?? Infinity);
      const wakeMs = Math.min(backoffMs ?? Infinity, errorMs ?? Infinity, flushMs);
      const woken = new AbortController();
      this.#wakeTimer = () => woken.abort();
      const either = AbortSignal.any([signal, woken.signal]);
      await clock.sleepMs(Math.max(0, wakeMs - nowMs), either).catch(() => undefined); // rejects only when woken
    }
  }

  #helps(pod: QueuedPod, event: ClusterEvent): boolean {
    return [...pod.rejectors].some((plugin) => this.#options.mayHelp(plugin, pod.info, event));
  }

  #remember(key: string, event: ClusterEvent): void {
    const events = this.#flightEvents.get(key);
    if (events !== undefined && events.length < FLIGHT_EVENTS_MAX) events.push(event);
  }

  /** To active, after what is left of the back-off that its attempts have earned it. */
  #wait(pod: QueuedPod, event: string, heap = this.#backoff): void {
    const { clock, initialBackoffMs, maxBackoffMs } = this.#options;
    const backoffMs = pod.attempts === 0 ? 0 : Math.min(initialBackoffMs * 2 ** (pod.attempts - 1), maxBackoffMs);
    const atMs = pod.queuedMs + backoffMs;
    if (atMs <= clock.monotonicMs()) return this.#activate(pod, event);
    pod.place = 'backoff';
    heap.push(this.#entry(pod, atMs));
    this.#options.onQueued?.('backoff', event);
    if (heap.peek()?.atMs === atMs) this.#wakeTimer();
    if (heap === this.#backoff) this.#wakePop();
  }

  #activate(pod: QueuedPod, event: string): void {
    const gatedBy = this.#options.gate(pod.info);
    if (gatedBy !== undefined) {
      pod.place = 'gated';
      pod.rejectors = new Set([gatedBy]);
      this.#tickets.delete(pod.info.key);
      return;
    }
    pod.place = 'active';
    this.#active.push(this.#entry(pod, 0));
    this.#options.onQueued?.('active', event);
    this.#wakePop();
  }

  #entry(pod: QueuedPod, atMs: number): Entry {
    this.#nextTicket += 1;
    this.#tickets.set(pod.info.key, this.#nextTicket);
    return { pod, atMs, ticket: this.#nextTicket };
  }

  #isFresh({ pod, ticket }: Entry): boolean {
    return this.#tickets.get(pod.info.key) === ticket && this.#pods.get(pod.info.key) === pod;
  }

  #endBackoffs(nowMs: number): void {
    for (const heap of [this.#backoff, this.#errorBackoff])
      for (let next = heap.peek(); next !== undefined && next.atMs <= nowMs; next = heap.peek()) {
        heap.pop();
        if (this.#isFresh(next) && next.pod.place === 'backoff') this.#activate(next.pod, 'BackoffComplete');
      }
  }

  #flush(nowMs: number): void {
    for (const pod of this.#pods.values())
      if (pod.place === 'unschedulable' && nowMs - pod.queuedMs >= UNSCHEDULABLE_MAX_MS)
        this.#wait(pod, 'UnschedulableTimeout');
  }

  async #untilWoken(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        signal.removeEventListener('abort', done);
        resolve();
      };
      signal.addEventListener('abort', done, { once: true });
      this.#wakePop = done;
    });
  }
}

interface Entry {
  readonly pod: QueuedPod;
  /** End of the back-off, monotonic. */
  readonly atMs: number;
  readonly ticket: number;
}
