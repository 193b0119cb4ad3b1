import type { CoreEvent, KubeObject, ObjectReference } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import { rfc3339 } from '../api/time.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { ApiClient } from './api-client.ts';
import { EventCorrelator, type EventPlan, type Occurrence } from './event-correlator.ts';
import { coreEvents } from './resources.ts';

/** Tells people what happened to an object, as core/v1 Events. Never blocks and never fails: an Event may be lost. */
export interface EventRecorder {
  /** @param reason a word in CamelCase. @param message a sentence for people */
  record(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Writes them until aborted; what is still queued then is tried once. */
  run(signal: AbortSignal): Promise<void>;
}

/** Who reports, and through what. */
export interface EventRecorderOptions {
  readonly client: ApiClient;
  /** Who reports, as `kubelet`, `deployment-controller`. */
  readonly component: string;
  /** On which node, if on one. */
  readonly host?: string;
  readonly clock: Clock;
  readonly log: Log;
}

/** Events waiting to be written; more are dropped. */
const QUEUE_MAX = 1000;
/** How often an Event is tried when no API server answers, and how long between. */
const TRIES_MAX = 3;
const RETRY_MS = 2000;
/** How long the last Events may take when the part ends. */
const FAREWELL_MS = 1000;

/** A recorder that writes in the background while it runs; record() never waits and never fails. */
export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new QueuedRecorder(options);
}

/** The reference by which Events name an object; lists leave apiVersion and kind out, so the caller says them. */
export function referenceTo(object: KubeObject, apiVersion: string, kind: string, fieldPath?: string): ObjectReference {
  const { namespace, name, uid, resourceVersion } = object.metadata ?? {};
  return {
    apiVersion,
    kind,
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
    ...(uid === undefined ? {} : { uid }),
    ...(resourceVersion === undefined ? {} : { resourceVersion }),
    ...(fieldPath === undefined ? {} : { fieldPath }),
  };
}

class QueuedRecorder implements EventRecorder {
  readonly #options: EventRecorderOptions;
  readonly #correlator = new EventCorrelator();
  readonly #queue: Occurrence[] = [];
  #dropped = 0;
  #serial = 0;
  #wake: () => void = () => undefined;

  constructor(options: EventRecorderOptions) {
    this.#options = options;
  }

  record(about: ObjectReference, type: 'Normal' | 'Warning', reason: string, message: string): void {
    if (this.#queue.length >= QUEUE_MAX) {
      this.#dropped += 1;
      return;
    }
    this.#queue.push({ about, type, reason, message, atMs: this.#options.clock.nowMs(), serial: this.#serial });
    this.#serial = (this.#serial + 1) % 1_000_000;
    this.#wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    const onAbort = (): void => this.#wake();
    signal.addEventListener('abort', onAbort, { once: true });
    while (!signal.aborted) {
      const next = this.#queue.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else await this.#write(next, TRIES_MAX, signal);
    }
    signal.removeEventListener('abort', onAbort);
    const farewell = AbortSignal.timeout(FAREWELL_MS);
    for (let next = this.#queue.shift(); next !== undefined && !farewell.aborted; next = this.#queue.shift())
      await this.#write(next, 1, farewell);
  }

  async #write(occurrence: Occurrence, triesMax: number, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    const plan = this.#correlator.plan(occurrence);
    if (plan === undefined) return;
    for (let tries = 1; !signal.aborted; tries += 1) {
      try {
        await this.#send(occurrence, plan, signal);
        this.#reportDropped();
        return;
      } catch (error) {
        // An answer is final; without one, another server may do.
        const mayPass = isReason(error, 'ServiceUnavailable') || isReason(error, 'Timeout');
        if (!mayPass || tries >= triesMax) {
          if (!signal.aborted) log.warn('could not write an event', { reason: occurrence.reason, error });
          return;
        }
      }
      await clock.sleepMs(RETRY_MS, signal).catch(() => undefined);
    }
  }

  async #send(occurrence: Occurrence, plan: EventPlan, signal: AbortSignal): Promise<void> {
    const { client } = this.#options;
    const namespace = occurrence.about.namespace ?? 'default';
    if (plan.first !== undefined) {
      const body = { count: plan.count, lastTimestamp: rfc3339(occurrence.atMs), message: plan.message };
      const key = { namespace, name: plan.first.name };
      try {
        await client.patch(coreEvents, key, { type: 'strategic', body }, { signal });
        return;
      } catch (error) {
        if (!isReason(error, 'NotFound')) throw error; // it has lived its hour: write a new one
      }
    }
    const event = this.#eventOf(occurrence, plan, namespace);
    await client.create(coreEvents, event, { signal }).catch((error: unknown) => {
      if (!isReason(error, 'AlreadyExists')) throw error; // an earlier try got through
    });
    this.#correlator.written(plan.key, event.metadata.name ?? '', occurrence.atMs);
  }

  #eventOf({ about, type, reason, atMs, serial }: Occurrence, plan: EventPlan, namespace: string): CoreEvent {
    const { component, host } = this.#options;
    // Upstream's names: the object and the time in nanoseconds, in hexadecimal.
    const moment = (BigInt(Math.trunc(atMs)) * 1_000_000n + BigInt(serial)).toString(16);
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { namespace, name: `${about.name ?? 'unknown'}.${moment}` },
      involvedObject: about,
      reason,
      message: plan.message,
      type,
      count: 1,
      firstTimestamp: rfc3339(atMs),
      lastTimestamp: rfc3339(atMs),
      source: { component, ...(host === undefined ? {} : { host }) },
      reportingComponent: component,
      reportingInstance: host ?? '',
    };
  }

  #reportDropped(): void {
    if (this.#dropped === 0) return;
    this.#options.log.warn('events dropped', { count: this.#dropped });
    this.#dropped = 0;
  }
}
