import type { Readable } from 'node:stream';

/**
 * Messages of one HTTP/2 stream as an async iterable. A reader that lags
 * stops the stream, so that HTTP/2 flow control holds the sender back.
 */
export class MessageQueue<T> implements AsyncIterableIterator<T> {
  readonly #source: Readable;
  readonly #onReturn: () => void;
  #items: T[] = [];
  #head = 0;
  #isEnded = false;
  #error: unknown;
  #waiting: { resolve: (result: IteratorResult<T>) => void; reject: (error: unknown) => void } | undefined;

  /** @param onReturn called when the reader leaves the loop before the end */
  constructor(source: Readable, onReturn: () => void) {
    this.#source = source;
    this.#onReturn = onReturn;
  }

  /** Adds a message. */
  push(item: T): void {
    if (this.#isEnded) return;
    if (this.#waiting !== undefined) {
      const { resolve } = this.#waiting;
      this.#waiting = undefined;
      return resolve({ value: item, done: false });
    }
    this.#items.push(item);
    if (this.#items.length - this.#head >= QUEUE_LENGTH_MAX) this.#source.pause();
  }

  /** Ends the iteration after the messages that are queued; with an error, by throwing it. */
  end(error?: unknown): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#error = error;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting === undefined) return;
    if (error === undefined) waiting.resolve({ value: undefined, done: true });
    else waiting.reject(error);
  }

  async next(): Promise<IteratorResult<T>> {
    const item = this.#items[this.#head];
    if (this.#head < this.#items.length && item !== undefined) {
      this.#head += 1;
      if (this.#head === this.#items.length) {
        this.#items = [];
        this.#head = 0;
        if (this.#source.isPaused()) this.#source.resume();
      }
      return { value: item, done: false };
    }
    if (this.#isEnded) {
      const error = this.#error;
      this.#error = undefined;
      if (error !== undefined) throw error;
      return { value: undefined, done: true };
    }
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
  }

  async return(): Promise<IteratorResult<T>> {
    this.end();
    this.#items = [];
    this.#head = 0;
    this.#onReturn();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Messages waiting for the reader before the stream is stopped. */
const QUEUE_LENGTH_MAX = 64;
