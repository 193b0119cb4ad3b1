/** Answers remembered for a while: at most `entriesMax`, the oldest go first. */
export class ExpiringCache<T> {
  readonly #entriesMax: number;
  readonly #nowMs: () => number;
  readonly #entries = new Map<string, { readonly value: T; readonly untilMs: number }>();

  /** @param nowMs monotonic */
  constructor(entriesMax: number, nowMs: () => number) {
    this.#entriesMax = entriesMax;
    this.#nowMs = nowMs;
  }

  get(key: string): T | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    if (this.#nowMs() < entry.untilMs) return entry.value;
    this.#entries.delete(key);
    return undefined;
  }

  set(key: string, value: T, ttlMs: number): void {
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= this.#entriesMax) this.#entries.delete(oldest);
    this.#entries.set(key, { value, untilMs: this.#nowMs() + ttlMs });
  }
}
