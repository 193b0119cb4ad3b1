import { flushCompileCache } from 'node:module';
import { createLog, type Log } from '../host/log.ts';

/** When the code of a part has been loaded and used; and that which is loaded when it is needed, such as for a certificate. */
const LOADED_MS = [20_000, 120_000] as const;

/**
 * Runs a part of a board until it is done, or until SIGTERM or SIGINT ends it in good order. What it throws is said in one
 * line and makes the exit code 1: systemd starts it again.
 */
export async function runPart(name: string, run: (log: Log, signal: AbortSignal) => Promise<void>): Promise<void> {
  const log = createLog(name);
  const stop = new AbortController();
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop.abort());
  // Compiled code is kept on disk at a clean exit only, which a pulled plug is not. The next start takes half the time and
  // some 20 MB less with it.
  for (const ms of LOADED_MS) setTimeout(() => flushCompileCache(), ms).unref();
  try {
    await run(log, stop.signal);
    process.exitCode = 0;
  } catch (error) {
    if (!stop.signal.aborted) {
      for (const cause of error instanceof AggregateError ? error.errors : [error])
        log.error('ended by a failure', { error: cause as unknown });
      process.exitCode = 1;
    }
  }
  // Nothing is left to be done; a socket that somebody forgot must not keep the process.
  process.exit();
}
