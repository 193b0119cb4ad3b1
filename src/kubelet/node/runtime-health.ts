import type { Clock } from '../../host/clock.ts';
import type { Runtime } from '../../host/cri/cri.ts';
import type { Log } from '../../host/log.ts';
import { runtimeProblems } from './node-object.ts';

interface RuntimeHealthOptions {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly log: Log;
  /** The runtime or its network became ready, or ceased to be. */
  readonly onChange: () => void;
}

const CHECK_MS = 5000;
const CHECK_UNREADY_MS = 1000;
const CALL_MS = 5000;
/** So long may the runtime be silent before the board is not ready (upstream maxWaitForContainerRuntime). */
const SILENT_MS = 30_000;

/** Whether the runtime answers, and whether it can give pods a network. */
export class RuntimeHealth {
  readonly #options: RuntimeHealthOptions;
  #lastMs: number;
  #runtime: string | undefined = 'container runtime status check may not have completed yet';
  #network: string | undefined = 'container runtime status check may not have completed yet';

  constructor(options: RuntimeHealthOptions) {
    this.#options = options;
    this.#lastMs = options.clock.monotonicMs();
  }

  /** Why pods with a network of their own cannot start; undefined when they can. */
  networkError(): string | undefined {
    return this.#network;
  }

  /** Why the board is not ready. */
  problems(): readonly string[] {
    const silentMs = this.#options.clock.monotonicMs() - this.#lastMs;
    const down = silentMs > SILENT_MS ? 'container runtime is down' : undefined;
    return [down, this.#runtime, this.#network].filter((one) => one !== undefined);
  }

  /** Asks until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.check(signal);
      const isReady = this.problems().length === 0;
      await clock.sleepMs(isReady ? CHECK_MS : CHECK_UNREADY_MS, signal).catch(() => undefined);
    }
  }

  /** Asks once. */
  async check(signal: AbortSignal): Promise<void> {
    const { runtime, clock, log, onChange } = this.#options;
    const before = this.problems().join();
    try {
      const conditions = await runtime.conditions(AbortSignal.any([signal, AbortSignal.timeout(CALL_MS)]));
      const { runtime: runtimeProblem, network } = runtimeProblems(conditions);
      this.#runtime = runtimeProblem;
      this.#network = network;
      this.#lastMs = clock.monotonicMs();
    } catch (error) {
      if (!signal.aborted) log.debug('the runtime does not say how it is', { error });
    }
    if (this.problems().join() !== before) onChange();
  }
}
