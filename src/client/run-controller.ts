import type { Log } from '../host/log.ts';
import type { WorkQueue } from './work-queue.ts';

/** A controller's parts. */
export interface ControllerOptions {
  readonly name: string;
  /** What must be listed before the first reconcile; someone else runs them. */
  readonly informers: readonly { synced(signal: AbortSignal): Promise<void> }[];
  readonly queue: WorkQueue;
  readonly reconcile: (key: string, signal: AbortSignal) => Promise<void>;
  readonly log: Log;
  /** How many keys at once; 2. */
  readonly workers?: number;
}

/** A controller's life: waits for its caches, then reconciles keys until aborted and the last one is done. */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { name, informers, queue, reconcile, log, workers = 2 } = options;
  try {
    await Promise.all(informers.map(async (informer) => informer.synced(signal)));
  } catch (error) {
    if (signal.aborted) return;
    throw error;
  }
  log.debug('controller started', { controller: name });
  await queue.run(workers, reconcile, signal);
}
