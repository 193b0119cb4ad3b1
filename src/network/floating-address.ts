import type { Lease } from '../api/objects.ts';
import { isReason } from '../api/status.ts';
import type { ApiClient, ObjectKey } from '../client/api-client.ts';
import { claimed, mayTake, observe, released, type Observed } from '../client/leader-record.ts';
import { leases } from '../client/resources.ts';
import { systemClock, type Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { createNetLinks, type NetLinks } from '../host/net-links.ts';
import { ApiProbe, type ServedProbe } from './api-probe.ts';

export interface FloatingAddressOptions {
  /** Of the API server on this board: whoever cannot write by it has no business with the address. */
  readonly client: ApiClient;
  readonly address: string;
  /** Interface that gets the address. */
  readonly device: string;
  /** Unique per process start. */
  readonly identity: string;
  /** Port of the API at the address; 6443 unless set. */
  readonly port?: number;
  readonly log: Log;
  readonly clock?: Clock;
  readonly links?: NetLinks;
  /** What finds out whether somebody serves at the address, and tells at once of a server that is gone; ApiProbe unless set. */
  readonly openProbe?: (onLost: () => void) => ServedProbe;
}

const LEASE: ObjectKey = { namespace: 'kube-system', name: 'bramble-api-address' };
const PORT = 6443;

/**
 * The Lease alone would have to be short for a quick move, which costs a write to flash every half second for ever, and
 * loses the address with each slow write. So it is long, and the others look whether the address is served: when it is
 * not, they take the Lease before its time. Two holders for a moment do no harm: all API servers are equal, and the
 * last announcement wins.
 */
const LEASE_MS = 8000;
const RENEW_MS = 2000;
/** Less than LEASE_MS, more than the store takes for a new leader: until then a healthy holder stays. */
const RENEW_DEADLINE_MS = 5000;
const RENEW_RETRY_MS = 300;
/** The kernel takes the address from a holder that hangs; longer than RENEW_DEADLINE_MS after the last time it was put. */
const VALID_SECONDS = 10;
/** Not at each renewal: to start a program is the dearest thing that a process at rest does. */
const PUT_AGAIN_MS = 3500;

/** Between two looks, and after one that failed. */
const LOOK_MS = 500;
const LOOK_AGAIN_MS = 100;
const LOOK_TIMEOUT_MS = 300;
/** Looks in a row that must fail: one lost packet is no pulled plug. */
const LOOKS_FAILED_MIN = 3;
/**
 * For one request. A candidate's are short: while the store has no leader they hang, and the next one, sent a moment
 * after there is one, is answered at once.
 */
const REQUEST_MS = 2000;
const READ_MS = 400;
const TAKE_MS = 700;

/** After gaining the address, then for ever at the last pace: neighbours ignore news about an entry of this second. */
const ANNOUNCE_MS = [0, 250, 500, 1000, 2000, 10_000] as const;

/**
 * Has the floating API address on this board whenever this board holds the Lease for it, until aborted. From a pulled
 * plug of the holder to the address answering elsewhere: up to 1.6 s of looks, and one write, for which the store may
 * need a new leader at the same time.
 */
export async function runFloatingAddress(options: FloatingAddressOptions, signal: AbortSignal): Promise<void> {
  const claim = new AddressClaim(options);
  await claim.drop(); // of a process before us that was killed
  while (!signal.aborted) {
    if (await claim.wait(signal)) await claim.hold(signal);
  }
}

class AddressClaim {
  readonly #options: FloatingAddressOptions;
  readonly #clock: Clock;
  readonly #links: NetLinks;
  readonly #probe: ServedProbe;
  /** Aborted to look before it is time. */
  #hurry = new AbortController();
  #lease: Lease | undefined;
  #observed: Observed | undefined;
  #looksFailed = 0;

  constructor(options: FloatingAddressOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#links = options.links ?? createNetLinks();
    const onLost = (): void => this.#hurry.abort();
    const { address, port = PORT } = options;
    this.#probe = options.openProbe?.(onLost) ?? new ApiProbe({ address, port, onLost });
  }

  /** Settles true when this board has the Lease, false when aborted. */
  async wait(signal: AbortSignal): Promise<boolean> {
    this.#looksFailed = 0;
    try {
      return await this.#waitLooking(signal);
    } finally {
      this.#probe.drop();
    }
  }

  async #waitLooking(signal: AbortSignal): Promise<boolean> {
    while (!signal.aborted) {
      this.#hurry = new AbortController();
      // As long as the address is served, who holds the Lease does not matter: nobody is asked.
      let isKnown = false;
      if (this.#looksFailed === 0) await this.#look(signal);
      else [isKnown] = await Promise.all([this.#read(READ_MS, signal), this.#look(signal)]);
      // What was seen last will do: if somebody wrote since, the write is a conflict.
      const canWrite = this.#looksFailed > 0 && (isKnown || this.#lease !== undefined);
      if (canWrite && this.#mayTake() && (await this.#write(TAKE_MS, signal)) === 'held') return true;
      const pauseMs = this.#looksFailed > 0 ? LOOK_AGAIN_MS : LOOK_MS;
      const either = AbortSignal.any([signal, this.#hurry.signal]);
      await this.#clock.sleepMs(pauseMs, either).catch(() => undefined); // rejects only when aborted
    }
    return false;
  }

  /** Has the address until the Lease is lost or aborted. */
  async hold(signal: AbortSignal): Promise<void> {
    const { address, device, log } = this.#options;
    const stop = new AbortController();
    const holding = AbortSignal.any([signal, stop.signal]);
    const takenMs = this.#clock.monotonicMs();
    let announcing = Promise.resolve();
    try {
      await this.#links.putAddress(address, device, VALID_SECONDS, holding);
      log.info('holding the API address', { address, device, tookMs: this.#clock.monotonicMs() - takenMs });
      announcing = this.#announce(holding);
      await this.#renew(takenMs, holding);
    } catch (error) {
      if (!signal.aborted) log.error('cannot hold the API address', { address, device, error });
    }
    stop.abort();
    await announcing;
    await this.drop();
    await this.#release();
    if (!signal.aborted) log.warn('gave the API address up', { address });
  }

  /** Takes the address off this board. Not abortable: it is what an abort asks for. */
  async drop(): Promise<void> {
    const { address, device, log } = this.#options;
    const limit = AbortSignal.timeout(REQUEST_MS);
    await this.#links
      .removeAddress(address, device, limit)
      .catch((error: unknown) => log.warn('cannot remove the API address', { address, device, error }));
  }

  #mayTake(): boolean {
    const { identity, log } = this.#options;
    if (this.#observed === undefined) return true; // there is no Lease
    if (mayTake(this.#observed, identity, this.#clock.monotonicMs())) return true;
    if (this.#looksFailed < LOOKS_FAILED_MIN) return false;
    log.info('nobody serves at the API address: taking it', { holder: this.#observed.holder });
    return true;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_TIMEOUT_MS)]);
    const isThere = await this.#probe.isServed(limit).catch(() => false);
    this.#looksFailed = isThere ? 0 : this.#looksFailed + 1;
  }

  /** Looks at the Lease, if there is one. False when the API gave no answer. */
  async #read(limitMs: number, signal: AbortSignal): Promise<boolean> {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]);
    try {
      this.#saw(await this.#options.client.get(leases, LEASE.namespace, LEASE.name, { signal: limit }));
    } catch (error) {
      if (!isReason(error, 'NotFound')) return false;
      this.#lease = undefined;
      this.#observed = undefined;
    }
    return true;
  }

  /** Writes this board into the Lease as it was last seen. 'lost': somebody else wrote since. */
  async #write(limitMs: number, signal: AbortSignal): Promise<'held' | 'lost' | 'failed'> {
    const { client, identity, log } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(limitMs))]);
    const spec = claimed(this.#lease?.spec, identity, LEASE_MS, this.#clock.nowMs());
    try {
      const lease =
        this.#lease === undefined
          ? await client.create(leases, newLease(spec), { signal: limit })
          : await client.update(leases, { ...this.#lease, spec }, { signal: limit });
      this.#saw(lease);
      return 'held';
    } catch (error) {
      if (isReason(error, 'Conflict') || isReason(error, 'AlreadyExists') || isReason(error, 'NotFound')) return 'lost';
      if (!signal.aborted) log.warn('cannot write the lease of the API address', { error });
      return 'failed';
    }
  }

  /** Settles when the Lease is lost, or could not be renewed for RENEW_DEADLINE_MS. */
  async #renew(takenMs: number, signal: AbortSignal): Promise<void> {
    const { identity, address, device } = this.#options;
    let renewedMs = takenMs;
    let putMs = takenMs;
    let pauseMs: number = RENEW_MS;
    while (!signal.aborted) {
      await this.#clock.sleepMs(pauseMs, signal).catch(() => undefined); // rejects only when aborted
      const startMs = this.#clock.monotonicMs();
      const leftMs = renewedMs + RENEW_DEADLINE_MS - startMs;
      if (signal.aborted || leftMs <= 0) return;
      const result = await this.#write(Math.min(REQUEST_MS, leftMs), signal);
      // A write that was given up may have landed and made this one a conflict: what is there now decides.
      if (result === 'lost') await this.#read(REQUEST_MS, signal);
      if (this.#observed !== undefined && this.#observed.holder !== identity) return;
      if (result === 'held') {
        renewedMs = startMs;
        if (startMs - putMs >= PUT_AGAIN_MS) {
          putMs = startMs;
          await this.#links.putAddress(address, device, VALID_SECONDS, signal);
        }
      }
      pauseMs = result === 'held' ? RENEW_MS : RENEW_RETRY_MS;
    }
  }

  async #announce(signal: AbortSignal): Promise<void> {
    const { address, device, log } = this.#options;
    for (let i = 0; !signal.aborted; i += 1) {
      const pauseMs = ANNOUNCE_MS[Math.min(i, ANNOUNCE_MS.length - 1)] ?? 0;
      await this.#clock.sleepMs(pauseMs, signal).catch(() => undefined); // rejects only when aborted
      if (signal.aborted) return;
      await this.#links.announce(address, device, signal).catch((error: unknown) => {
        if (!signal.aborted) log.warn('cannot announce the API address', { address, device, error });
      });
    }
  }

  /** Lets others have the Lease at once. */
  async #release(): Promise<void> {
    const { client, identity, log } = this.#options;
    const lease = this.#lease;
    if (lease?.spec?.holderIdentity !== identity) return;
    const spec = released(lease.spec, this.#clock.nowMs());
    try {
      this.#saw(await client.update(leases, { ...lease, spec }, { signal: AbortSignal.timeout(REQUEST_MS) }));
    } catch (error) {
      log.warn('cannot release the lease of the API address: others wait until it runs out', { error });
    }
  }

  #saw(lease: Lease): void {
    const before = this.#observed;
    this.#lease = lease;
    this.#observed = observe(before, lease, this.#clock.monotonicMs(), LEASE_MS);
    // A new holder gets its own chance to be seen.
    const { holder } = this.#observed;
    if (before !== undefined && holder !== before.holder && holder !== '') this.#looksFailed = 0;
  }
}

function newLease(spec: Lease['spec']): Lease {
  return { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { ...LEASE }, spec };
}
