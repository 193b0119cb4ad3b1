import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';
import { readCertificate } from '../host/pki.ts';
import { type ControlKeys } from './authorities.ts';
import { localCertificates, renewLocalCertificates } from './board-certificates.ts';
import type { BoardConfig } from './board-config.ts';
import type { BoardFiles } from './board-files.ts';

/** Short, since a clock that is set right, after a start at which it was ahead, makes certificates of a time to come. */
const CHECK_MS = 30_000;

/**
 * Keeps a control board's own certificates alive while it runs; their readers take up new files by themselves. Makes none
 * while the clock is before the cluster was made: they would have expired when it is set.
 */
export async function runCertificateRenewal(
  board: {
    readonly files: BoardFiles;
    readonly config: BoardConfig;
    readonly keys: ControlKeys;
    readonly address: string;
    readonly clock: Clock;
    readonly log: Log;
  },
  signal: AbortSignal,
): Promise<void> {
  const { files, config, keys, address, clock, log } = board;
  const wanted = localCertificates(config, address);
  const { notBeforeMs } = readCertificate(keys.cluster.certPem);
  while (!signal.aborted) {
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    if (clock.nowMs() < notBeforeMs) continue;
    const made = await renewLocalCertificates(files, keys, wanted, clock.nowMs());
    for (const { certificate, why } of made) log.info('made a certificate', { name: certificate.name, why });
  }
}
