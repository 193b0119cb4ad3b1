import type { Clock } from '../host/clock.ts';
import { readReservations, removeReservations, staleReservations } from '../host/cni.ts';
import type { Runtime } from '../host/cri.ts';
import type { Log } from '../host/log.ts';
import { errorText } from './start-error.ts';

interface AddressCleanupOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
}

const CHECK_MS = 600_000;

/** Gives back pod addresses that are held for sandboxes which no longer exist, until aborted. */
export async function runAddressCleanup(options: AddressCleanupOptions, signal: AbortSignal): Promise<void> {
  const { runtime, clock, log } = options;
  while (!signal.aborted) {
    try {
      // Read before the list: a sandbox made in between is then in the list.
      const reservations = await readReservations();
      const ids = new Set((await runtime.listSandboxes(signal)).map(({ id }) => id));
      const stale = staleReservations(reservations, ids, clock.nowMs());
      await removeReservations(stale);
      if (stale.length > 0) log.info('addresses of lost sandboxes are given back', { count: stale.length });
    } catch (error) {
      if (!signal.aborted) log.warn('addresses cannot be looked at', { error: errorText(error) });
    }
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
  }
}
