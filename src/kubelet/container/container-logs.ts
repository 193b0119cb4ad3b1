import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Clock } from '../../host/clock.ts';
import type { Runtime, RuntimeContainer } from '../../host/cri/cri.ts';
import type { Log } from '../../host/log.ts';
import { restoreSpecs } from '../runtime/cri-labels.ts';
import { containerLogPath, podLogDir } from '../kubelet-paths.ts';

interface LogRotationOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  /** A log that is larger is put aside (upstream containerLogMaxSize, 10Mi). */
  readonly sizeMax: number;
  /** `/var/log/pods` */
  readonly podLogsDir: string;
  /** Files kept per container, the one being written too (containerLogMaxFiles, 5). */
  readonly filesMax: number;
}

const CHECK_MS = 10_000;

/** Rotates the logs of running containers, until aborted: flash must not fill up because a pod talks a lot. */
export async function runLogRotation(options: LogRotationOptions, signal: AbortSignal): Promise<void> {
  const { runtime, clock, log, podLogsDir } = options;
  while (!signal.aborted) {
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
    if (signal.aborted) return;
    try {
      for (const container of await runtime.listContainers({}, signal)) {
        if (container.state !== 'running') continue;
        const path = logPathOf(podLogsDir, container);
        await rotateIfLarge(options, container.id, path, signal).catch((error: unknown) => {
          if (!signal.aborted) log.warn('a log cannot be rotated', { path, error });
        });
      }
    } catch (error) {
      if (!signal.aborted) log.debug('logs cannot be looked at', { error });
    }
  }
}

/** Where its log is, by what the list says: to ask the runtime for each one every few seconds costs more than the rest. */
function logPathOf(podLogsDir: string, { labels, name, attempt }: RuntimeContainer): string {
  const { pod } = restoreSpecs(labels, {});
  return join(podLogDir({ podLogsDir }, pod), containerLogPath(name, attempt));
}

/** Puts the log aside as `0.log.<time>`, packs the older ones, removes the oldest, and has a new one begun. */
export async function rotateIfLarge(
  options: Pick<LogRotationOptions, 'runtime' | 'clock' | 'sizeMax' | 'filesMax'>,
  containerId: string,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const info = await stat(path).catch(() => undefined);
  if (info === undefined || info.size < options.sizeMax) return;
  const folder = dirname(path);
  const prefix = `${basename(path)}.`;
  const old = (await readdir(folder)).filter((name) => name.startsWith(prefix)).toSorted();
  // Two more are to come: the one put aside now, and the new one.
  for (const name of old.slice(0, Math.max(0, old.length - (options.filesMax - 2)))) await rm(join(folder, name));
  for (const name of old) if (!name.endsWith('.gz')) await pack(join(folder, name));
  const aside = `${path}.${stampOf(options.clock.nowMs())}`;
  await rename(path, aside);
  try {
    await options.runtime.reopenContainerLog(containerId, signal);
  } catch (error) {
    await rename(aside, path); // the runtime still writes to it
    throw error;
  }
}

/** `20261120-101112`, as upstream's. */
function stampOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
}

async function pack(path: string): Promise<void> {
  const whole = await stat(path).catch(() => undefined);
  if (whole === undefined) return; // was removed as one of the oldest
  const aside = `${path}.tmp`;
  await pipeline(createReadStream(path), createGzip(), createWriteStream(aside));
  await rename(aside, `${path}.gz`);
  await rm(path);
}
