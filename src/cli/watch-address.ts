import type { Clock } from '../host/clock.ts';
import { findOwnAddress, isOwnAddress } from '../host/own-address.ts';

interface WatchAddressOptions {
  readonly address: string;
  /** Absent: that of the default route. */
  readonly interfaceName: string | undefined;
  readonly clock: Clock;
  /** A test's own. */
  readonly find?: () => Promise<string | undefined>;
  readonly isOwn?: (address: string) => boolean;
}

const CHECK_MS = 10_000;

/**
 * Ends with an error when DHCP gave the board another address: rules, routes, certificate and Node name the old one, and
 * all of them are right again after a start. An address that is only away for a moment, as with a pulled cable, is none.
 *
 * @throws Error
 */
export async function watchAddress(options: WatchAddressOptions, signal: AbortSignal): Promise<void> {
  const { address, interfaceName, clock } = options;
  const find = options.find ?? (async () => (await findOwnAddress(interfaceName))?.address);
  const isOwn = options.isOwn ?? isOwnAddress;
  for (let seen: string | undefined; !signal.aborted;) {
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined); // rejects only when aborted
    const now = signal.aborted || isOwn(address) ? undefined : await find();
    if (now !== undefined && now === seen)
      throw new Error(`the board's address was ${address} and is ${now} now: everything starts again with it`);
    seen = now;
  }
}
