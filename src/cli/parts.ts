import { trimMemory } from './memory-trim.ts';
import { runPart } from './run-part.ts';

/** What systemd starts on a board: a process each. */
interface Part {
  readonly name: string;
  readonly description: string;
  readonly run: () => Promise<void>;
}

/** A larger heap of the store's is left as it is: to tidy it up would take longer than a heartbeat may be late. */
const STORE_TRIM_BYTES_MAX = 24 * 1024 * 1024;

/** The parts of a board. Each loads its own code and nothing of the others' when it runs. */
export const PARTS: readonly Part[] = [
  {
    name: 'join',
    description: 'found or join the cluster, and see that the keys and certificates are there',
    run: async () =>
      runPart('join', async (log, signal) => {
        const { runJoinPart } = await import('./run-join-part.ts');
        await runJoinPart(log, signal);
      }),
  },
  {
    name: 'store',
    description: 'run the store: a Raft member that serves the etcd v3 API',
    run: async () =>
      runPart('store', async (log, signal) => {
        const [{ openBoard }, { runStorePart }] = await Promise.all([
          import('./board.ts'),
          import('./run-store-part.ts'),
        ]);
        trimMemory(log, STORE_TRIM_BYTES_MAX);
        await runStorePart(await openBoard(log, signal), signal);
      }),
  },
  {
    name: 'server',
    description: 'run API server, scheduler, controllers and the floating address',
    run: async () =>
      runPart('server', async (log, signal) => {
        const [{ openBoard }, { runServerPart }] = await Promise.all([
          import('./board.ts'),
          import('./run-server-part.ts'),
        ]);
        trimMemory(log);
        await runServerPart(await openBoard(log, signal), signal);
      }),
  },
  {
    name: 'agent',
    description: 'run kubelet, proxy, pod network and DNS',
    run: async () =>
      runPart('agent', async (log, signal) => {
        const [{ openBoard }, { runAgentPart }] = await Promise.all([
          import('./board.ts'),
          import('./run-agent-part.ts'),
        ]);
        trimMemory(log);
        await runAgentPart(await openBoard(log, signal), signal);
      }),
  },
];
