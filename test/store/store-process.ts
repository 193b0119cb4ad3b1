import { createLog } from '../../src/host/log.ts';
import { runStore } from '../../src/store/run-store.ts';
import type { StoreOptions } from '../../src/store/run-store.ts';

// A member as a process of its own, for tests that kill it: options as JSON in the first argument.
const options = JSON.parse(process.argv[2] ?? '{}') as Omit<StoreOptions, 'log' | 'onListening'>;
const stop = new AbortController();
process.on('SIGTERM', () => stop.abort());
await runStore(
  { ...options, log: createLog('store'), onListening: () => process.stdout.write('listening\n') },
  stop.signal,
);
