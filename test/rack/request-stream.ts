import { setTimeout as sleep } from 'node:timers/promises';

/** The page of the pod that answered, or why none did. */
export interface Answer {
  readonly page?: string;
  readonly why?: string;
}

/** Asks the example's Service at its NodePort on a board, once; never throws. */
export async function askService(address: string, timeoutMs: number): Promise<Answer> {
  try {
    const answer = await fetch(`http://${address}:30080/`, { signal: AbortSignal.timeout(timeoutMs) });
    const page = await answer.text();
    return answer.ok ? { page } : { why: `status ${answer.status}` };
  } catch (error) {
    const { name, cause } = error as Error & { cause?: { code?: string } };
    return { why: cause?.code ?? name };
  }
}

/** A client that waits longer than this gives up. */
const TIMEOUT_MS = 700;
const PAUSE_MS = 20;
/** So many good answers in a row are no chance where half of the pods are dead. */
const GOOD_MIN = 40;

/** Asks the example's Service on and on, and knows what failed. */
export class RequestStream {
  readonly failures: { readonly atMs: number; readonly why: string }[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  #wellMs: number | undefined;

  /** @param elapsed milliseconds by a clock outside the boards */
  constructor(address: string, elapsed: () => number) {
    this.#running = this.#run(address, elapsed);
  }

  /** When the last request failed before forty did not; undefined while that has not come. */
  get wellMs(): number | undefined {
    return this.#wellMs;
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  async #run(address: string, elapsed: () => number): Promise<void> {
    for (let good = 0; !this.#stop.signal.aborted;) {
      const { why } = await askService(address, TIMEOUT_MS);
      good = why === undefined ? good + 1 : 0;
      if (why !== undefined) this.failures.push({ atMs: elapsed(), why });
      if (good >= GOOD_MIN) this.#wellMs ??= this.failures.at(-1)?.atMs ?? 0;
      await sleep(PAUSE_MS);
    }
  }
}
