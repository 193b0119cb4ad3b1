import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import type { Clock } from '../../host/clock.ts';
import type { Log } from '../../host/log.ts';
import type { KubeletServerOptions } from '../kubelet-options.ts';

/** What TLS is made with. */
export interface ServingContext {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

type ServingFiles = Pick<KubeletServerOptions, 'certFile' | 'keyFile' | 'clientCaFile'>;

/** Short: until the certificate that the cluster has signed is served, nobody reads logs. */
const CHECK_MS = 2000;

/** The files' contents, as soon as all are there and belong together; undefined when aborted before. */
export async function waitForServingFiles(
  files: ServingFiles,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Promise<ServingContext | undefined> {
  let hasComplained = false;
  while (!signal.aborted) {
    try {
      return check(await read(files));
    } catch (error) {
      if (!hasComplained) log.warn('waiting for the serving certificate', { error: String(error) });
      hasComplained = true;
    }
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined); // rejects only when aborted
  }
  return undefined;
}

/** Hands over what the files hold whenever that changes, until aborted. */
export async function watchServingFiles(
  files: ServingFiles,
  first: ServingContext,
  {
    clock,
    log,
    onChange,
  }: { readonly clock: Clock; readonly log: Log; readonly onChange: (context: ServingContext) => void },
  signal: AbortSignal,
): Promise<void> {
  let present = first;
  let readAs = '';
  while (!signal.aborted) {
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    const stamp = stampOf(files);
    if (stamp === readAs) continue;
    try {
      const found = await read(files);
      const isSame = found.cert === present.cert && found.key === present.key && found.ca === present.ca;
      if (!isSame) onChange(check(found));
      readAs = stamp;
      if (isSame) continue;
      present = found;
      log.info('the serving certificate was read again');
    } catch (error) {
      // Half replaced: the next look finds the key that belongs to the certificate.
      log.debug('the serving certificate cannot be read, the one before stays', { error: String(error) });
    }
  }
}

/** Moves when one of the files is replaced. In turn: what is asked every two seconds must not wake other threads. */
function stampOf({ certFile, keyFile, clientCaFile }: ServingFiles): string {
  const stats = [certFile, keyFile, clientCaFile].map((path) => statSync(path, { throwIfNoEntry: false }));
  return stats.map((stat) => `${stat?.ino} ${stat?.mtimeMs} ${stat?.size}`).join();
}

/** @throws Error when a file is missing */
async function read({ certFile, keyFile, clientCaFile }: ServingFiles): Promise<ServingContext> {
  const [cert, key, ca] = await Promise.all([certFile, keyFile, clientCaFile].map((path) => readFile(path, 'utf8')));
  return { cert: cert ?? '', key: key ?? '', ca: ca ?? '' };
}

/** @throws Error when key and certificate do not belong together */
function check(context: ServingContext): ServingContext {
  createSecureContext(context);
  return context;
}
