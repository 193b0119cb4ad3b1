import { isReason } from '../../api/status.ts';
import type { Clock } from '../../host/clock.ts';
import type { Runtime } from '../../host/cri/cri.ts';
import type { Log } from '../../host/log.ts';
import { POD_UID } from './cri-labels.ts';

interface PlegOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  /** Something of the pod changed in the runtime. */
  readonly onChange: (podUid: string) => void;
  /** The runtime answers again after it did not: what failed meanwhile may be tried now. */
  readonly onBack: () => void;
}

/** How often the runtime is listed while it tells of nothing by itself, and while it does. */
const RELIST_MS = 1000;
const RELIST_WITH_EVENTS_MS = 10_000;
/** No relist for this long, and the board says that it is not ready (upstream relistThreshold). */
const HEALTHY_MS = 180_000;
const RECONNECT_MS = 5000;

/**
 * Tells which pods changed in the runtime: at once where it streams events (containerd 1.7), and by comparing lists,
 * which also catches what a broken stream lost (upstream PLEG, KEP-3386).
 */
export class Pleg {
  readonly #options: PlegOptions;
  #states = new Map<string, { state: string; uid: string }>();
  #lastMs: number;
  #hasEvents = false;

  constructor(options: PlegOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
  }

  /** Why the board is not ready; undefined while lists come in. */
  problem(): string | undefined {
    const elapsedMs = this.#options.clock.monotonicMs() - this.#lastMs;
    if (elapsedMs < HEALTHY_MS) return undefined;
    const [elapsed, limit] = [Math.floor(elapsedMs / 1000), HEALTHY_MS / 60_000];
    return `PLEG is not healthy: pleg was last seen active ${elapsed}s ago; threshold is ${limit}m0s`;
  }

  /** Watches and lists until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#watch(signal), this.#relistForEver(signal)]);
  }

  /** Compares the runtime's state with that of the last time. @throws StatusError of the runtime */
  async relist(signal: AbortSignal): Promise<void> {
    const { runtime, onChange } = this.#options;
    const sandboxes = await runtime.listSandboxes(signal);
    const containers = await runtime.listContainers({}, signal);
    const now = new Map<string, { state: string; uid: string }>();
    for (const { id, state, metadata } of sandboxes) now.set(id, { state, uid: metadata.uid });
    for (const { id, state, labels } of containers) now.set(id, { state, uid: labels[POD_UID] ?? '' });
    const changed = new Set<string>();
    for (const [id, one] of now) if (this.#states.get(id)?.state !== one.state) changed.add(one.uid);
    for (const [id, { uid }] of this.#states) if (!now.has(id)) changed.add(uid);
    this.#states = now;
    this.#lastMs = this.#options.clock.monotonicMs();
    for (const uid of changed) onChange(uid);
  }

  async #relistForEver(signal: AbortSignal): Promise<void> {
    const { clock, log, onBack } = this.#options;
    let hasComplained = false;
    while (!signal.aborted) {
      try {
        await this.relist(signal);
        if (hasComplained) {
          log.info('the runtime is listed again');
          onBack();
        }
        hasComplained = false;
      } catch (error) {
        // Once, not each second: a runtime that is away must not fill the card with its absence.
        if (!signal.aborted && !hasComplained) log.warn('the runtime cannot be listed', { error });
        hasComplained = true;
      }
      const everyMs = this.#hasEvents ? RELIST_WITH_EVENTS_MS : RELIST_MS;
      await clock.sleepMs(everyMs, signal).catch(() => undefined);
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log, onChange } = this.#options;
    while (!signal.aborted) {
      try {
        for await (const event of runtime.events(signal)) {
          this.#hasEvents = true;
          if (event.podUid !== '') onChange(event.podUid);
        }
      } catch (error) {
        if (isReason(error, 'MethodNotAllowed')) return log.debug('the runtime streams no events');
        if (!signal.aborted) log.debug('the event stream broke', { error });
      }
      this.#hasEvents = false;
      await clock.sleepMs(RECONNECT_MS, signal).catch(() => undefined);
    }
  }
}
