/** Lets those who want the same key go one after the other, in the order in which they came. */
export class Turns {
  readonly #last = new Map<string, Promise<void>>();

  /** Waits for its turn; gives the function that ends it, which must be called. Rejects with the signal's reason. */
  async take(key: string, signal: AbortSignal): Promise<() => void> {
    const before = this.#last.get(key);
    const turn = Promise.withResolvers<void>();
    // Whoever gives up while waiting still has to keep the order for those behind.
    const mine = before === undefined ? turn.promise : before.then(() => turn.promise);
    this.#last.set(key, mine);
    const end = (): void => {
      turn.resolve();
      if (this.#last.get(key) === mine) this.#last.delete(key);
    };
    await before;
    if (signal.aborted) end();
    signal.throwIfAborted();
    return end;
  }
}
