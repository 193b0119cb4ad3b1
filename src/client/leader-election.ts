import type { Lease } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import type { ApiClient, ObjectKey } from './api-client.ts';
import { claimed, mayTake, observe, released, type Observed } from './leader-record.ts';
import { leases } from './resources.ts';

/** How a candidate competes for a lease. */
export interface LeaderElectionOptions {
  readonly client: ApiClient;
  /** The Lease that the candidates share, as `{ namespace: 'kube-system', name: 'kube-scheduler' }`. */
  readonly lease: ObjectKey;
  /** Unique per process start: a restarted process must not take its predecessor's lease for its own. */
  readonly identity: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Others take over after not having seen a renewal for this long; LEASE_DURATION_MS unless set. */
  readonly leaseDurationMs?: number;
  /** The leader stops itself after not having renewed for this long; must be less than leaseDurationMs. */
  readonly renewDeadlineMs?: number;
  /** Between tries. */
  readonly retryPeriodMs?: number;
  readonly random?: () => number;
  /** Told of each new holder, `''` when there is none. */
  readonly onHolder?: (identity: string) => void;
}

/**
 * Upstream has 15 s, 10 s and 2 s. Ours are shorter so that the controllers move within 10 s of a pulled plug. That is as
 * safe on slow boards, since safety rests only on the deadline (counted from before the renewal was sent) being shorter than
 * the duration (counted from after it was seen): a slow card makes a leader resign, never two leaders. What bounds them
 * from below: two tries of 2 s must fit the deadline, and a change of the store's leader takes about 1.5 s. Each renewal
 * is a write to flash, so the period stays at upstream's 2 s.
 */
const LEASE_DURATION_MS = 8000;
const RENEW_DEADLINE_MS = 5000;
const RETRY_PERIOD_MS = 2000;
/** After a renewal that failed. */
const RENEW_RETRY_MS = 300;
/**
 * For one request at least; half of what is left until the deadline, if that is more. While the store has no leader
 * requests hang, and one that is sent a moment after there is a new one is answered at once: so no try may take all.
 */
const TRY_MIN_MS = 1000;
/** Upstream's JitterFactor. */
const JITTER = 1.2;

/**
 * Competes for the lease until aborted, and runs `lead` while holding it; `lead`'s signal is aborted when the lease is
 * lost, and the next try starts only when `lead` has settled. Releases the lease on the way out.
 *
 * As everywhere, a write that is on its way when the lease is lost may still land: `lead` relies on resourceVersions.
 *
 * @throws what `lead` throws, or an Error when it returns unasked
 */
export async function runLeaderElection(
  options: LeaderElectionOptions,
  lead: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const candidate = new Candidate(options);
  while (!signal.aborted) {
    if (!(await candidate.acquire(signal))) return;
    options.log.info('became leader', { lease: options.lease.name, identity: options.identity });
    const stop = new AbortController();
    const leading = AbortSignal.any([signal, stop.signal]);
    const led = lead(leading).finally(() => stop.abort());
    await candidate.renewUntilLost(leading);
    const asked = signal.aborted || !leading.aborted;
    stop.abort();
    const result = await Promise.allSettled([led]);
    await candidate.release();
    if (result[0].status === 'rejected' && !isAbort(result[0].reason, leading)) throw result[0].reason;
    if (!asked) throw new Error(`leading ${options.lease.name} ended unasked`);
    if (!signal.aborted) options.log.warn('lost the lead', { lease: options.lease.name });
  }
}

function isAbort(error: unknown, signal: AbortSignal): boolean {
  return error === signal.reason || (error instanceof Error && error.name === 'AbortError');
}

class Candidate {
  readonly #options: LeaderElectionOptions;
  readonly #durationMs: number;
  readonly #deadlineMs: number;
  /** When the last request that took or renewed the lease was sent. */
  #renewedMs = 0;
  #lease: Lease | undefined;
  #observed: Observed | undefined;

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
    this.#durationMs = options.leaseDurationMs ?? LEASE_DURATION_MS;
    this.#deadlineMs = options.renewDeadlineMs ?? RENEW_DEADLINE_MS;
    if (this.#deadlineMs >= this.#durationMs) throw new Error('renewDeadlineMs must be less than leaseDurationMs');
  }

  /** Settles true when the lease is held, false when aborted. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { clock, random = Math.random, retryPeriodMs = RETRY_PERIOD_MS } = this.#options;
    while (!signal.aborted) {
      if (await this.#tryWithin(this.#deadlineMs / 2, signal)) return true;
      await clock.sleepMs(retryPeriodMs * (1 + JITTER * random()), signal).catch(() => undefined);
    }
    return false;
  }

  /** Renews every retry period; settles when that failed for the renew deadline, when another took it, or when aborted. */
  async renewUntilLost(signal: AbortSignal): Promise<void> {
    const { clock, retryPeriodMs = RETRY_PERIOD_MS } = this.#options;
    let renewed = true;
    while (!signal.aborted) {
      const untilMs = this.#renewedMs + this.#deadlineMs;
      const pauseMs = renewed ? retryPeriodMs : RENEW_RETRY_MS;
      await clock.sleepMs(Math.min(pauseMs, Math.max(0, untilMs - clock.monotonicMs())), signal).catch(() => undefined); // rejects only when aborted
      const leftMs = untilMs - clock.monotonicMs();
      if (signal.aborted || leftMs <= 0) return;
      renewed = await this.#tryWithin(Math.min(leftMs, Math.max(leftMs / 2, TRY_MIN_MS)), signal);
      if (!renewed && this.#observed !== undefined && this.#observed.holder !== this.#options.identity) return;
    }
  }

  /** Gives a held lease back, so that the next leader need not wait for it to run out. */
  async release(): Promise<void> {
    const { client, identity, clock, log } = this.#options;
    const lease = this.#lease;
    if (lease?.spec?.holderIdentity !== identity) return;
    const spec = released(lease.spec, clock.nowMs());
    try {
      const signal = AbortSignal.timeout(this.#deadlineMs);
      this.#lease = await client.update(leases, { ...lease, spec }, { signal });
    } catch (error) {
      this.#lease = undefined;
      log.warn('could not release the lease', { lease: this.#options.lease.name, error });
    }
  }

  /** One try that is given up after `ms`, so that an answer that comes late cannot start a leader who is late already. */
  async #tryWithin(ms: number, signal: AbortSignal): Promise<boolean> {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const deadline = new AbortController();
    const either = AbortSignal.any([signal, deadline.signal]);
    const timer = clock.sleepMs(ms, either).then(
      () => deadline.abort(),
      () => undefined,
    );
    const taken = await this.#tryOnce(either);
    const isLate = deadline.signal.aborted;
    deadline.abort();
    await timer;
    if (!taken || isLate) return false;
    // Counted from before the request was sent: the others saw the renewal later than that.
    this.#renewedMs = startMs;
    return true;
  }

  /** Whether the lease is ours now. */
  async #tryOnce(signal: AbortSignal): Promise<boolean> {
    const { log, lease: key } = this.#options;
    try {
      // The holder writes straight over what it wrote last, one request per renewal.
      if (this.#isHolder() && (await this.#writeUnlessChanged(signal))) return true;
      this.#saw(await this.#read(signal));
      const { identity, clock } = this.#options;
      if (this.#observed !== undefined && !mayTake(this.#observed, identity, clock.monotonicMs())) return false;
      return await this.#writeUnlessChanged(signal);
    } catch (error) {
      this.#lease = undefined;
      if (!signal.aborted) log.warn('could not get or renew the lease', { lease: key.name, error });
      return false;
    }
  }

  #isHolder(): boolean {
    const { identity } = this.#options;
    return this.#observed?.holder === identity && this.#lease?.spec?.holderIdentity === identity;
  }

  /** False when the Lease is not as it was last seen: another's write, or an own one whose answer was lost. */
  async #writeUnlessChanged(signal: AbortSignal): Promise<boolean> {
    try {
      this.#saw(await this.#write(signal));
      return true;
    } catch (error) {
      if (!isReason(error, 'Conflict') && !isReason(error, 'AlreadyExists')) throw error;
      this.#lease = undefined;
      this.#observed = undefined;
      return false;
    }
  }

  async #read(signal: AbortSignal): Promise<Lease | undefined> {
    const { client, lease, identity } = this.#options;
    const holder = this.#observed?.holder;
    // While another renews, what the API server saw last will do: seen late, a renewal counts from later, and who writes
    // over what is gone gets a conflict.
    const isWaiting = holder !== undefined && holder !== '' && holder !== identity;
    try {
      const options = { signal, ...(isWaiting ? { resourceVersion: '0' as const } : {}) };
      return await client.get(leases, lease.namespace, lease.name, options);
    } catch (error) {
      if (isReason(error, 'NotFound')) return undefined;
      throw error;
    }
  }

  async #write(signal: AbortSignal): Promise<Lease> {
    const { client, identity, clock, lease: key } = this.#options;
    const spec = claimed(this.#lease?.spec, identity, this.#durationMs, clock.nowMs());
    if (this.#lease !== undefined) return client.update(leases, { ...this.#lease, spec }, { signal });
    const metadata = { namespace: key.namespace, name: key.name };
    return client.create(leases, { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata, spec }, { signal });
  }

  #saw(lease: Lease | undefined): void {
    const before = this.#observed;
    this.#lease = lease;
    this.#observed =
      lease === undefined ? undefined : observe(before, lease, this.#options.clock.monotonicMs(), this.#durationMs);
    if (before?.holder !== this.#observed?.holder) this.#options.onHolder?.(this.#observed?.holder ?? '');
  }
}
