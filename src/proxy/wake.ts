/** Something to wait for that others ring; rings while nobody waits are kept as one. */
export class Wake {
  #isRung = false;
  #resolve: (() => void) | undefined;

  ring(): void {
    this.#isRung = true;
    this.#resolve?.();
  }

  /** Settles at the next ring, at once when one was kept, or when aborted. */
  async wait(signal: AbortSignal): Promise<void> {
    if (!this.#isRung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const aborted = (): void => resolve();
      signal.addEventListener('abort', aborted, { once: true });
      await promise;
      signal.removeEventListener('abort', aborted);
      this.#resolve = undefined;
    }
    this.#isRung = false;
  }
}
