/** Runs tasks beside their starter, no more than a number of them at once, and waits for them in the end. */
export class Background {
  readonly #max: number;
  readonly #running = new Set<Promise<void>>();
  readonly #onError: (error: unknown) => void;

  /** @param onError gets what a task throws */
  constructor(max: number, onError: (error: unknown) => void) {
    this.#max = max;
    this.#onError = onError;
  }

  /** Starts a task; settles at once, or when there is room for another one. */
  async start(task: () => Promise<void>): Promise<void> {
    const running: Promise<void> = task()
      .catch(this.#onError)
      .finally(() => this.#running.delete(running));
    this.#running.add(running);
    while (this.#running.size >= this.#max) await Promise.race(this.#running);
  }

  /** Settles when no task runs. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running);
  }
}
