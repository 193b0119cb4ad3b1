/** Something that lasts: settles when aborted and everything is given back. */
export interface Runnable {
  run(signal: AbortSignal): Promise<void>;
}

/**
 * Runs the parts together; the first one to fail or end stops them all. A part that passes the abort on has not failed.
 *
 * @throws AggregateError of what failed
 */
export async function runTogether(parts: readonly Runnable[], signal: AbortSignal): Promise<void> {
  const stop = new AbortController();
  const both = AbortSignal.any([signal, stop.signal]);
  const results = await Promise.allSettled(parts.map(async (part) => part.run(both).finally(() => stop.abort())));
  const failures = results
    .filter((result) => result.status === 'rejected')
    .map((result): unknown => result.reason)
    .filter((reason) => !isAbort(reason, both));
  if (failures.length > 0) throw new AggregateError(failures, 'A part failed');
}

/** Whether this is how the signal's abort came out of what was waiting: its reason, or one of Node's errors about it. */
function isAbort(reason: unknown, signal: AbortSignal): boolean {
  if (!signal.aborted) return false;
  return reason === signal.reason || (reason instanceof Error && reason.cause === signal.reason);
}
