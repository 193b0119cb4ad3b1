interface Health {
  failures: number;
  /** Monotonic; before that it is tried only when all others have failed too. */
  retryAtMs: number;
}

/** How long a server is passed over after one failure, doubling up to the maximum. */
const AVOID_MIN_MS = 1000;
const AVOID_MAX_MS = 30_000;

/** Which API server to try next: the one that worked last, then the others in their order, failed ones at the end. */
export class ServerPool {
  #servers: readonly string[];
  #health = new Map<string, Health>();
  #current: string | undefined;

  constructor(servers: readonly string[]) {
    this.#servers = servers;
  }

  /** Another list of servers; what is known of those that stay is kept. */
  update(servers: readonly string[]): void {
    if (servers.length === 0) return;
    this.#servers = [...new Set(servers)];
    this.#health = new Map([...this.#health].filter(([server]) => this.#servers.includes(server)));
  }

  /** All servers in the order to try them. */
  order(nowMs: number): readonly string[] {
    const avoidedUntil = (server: string): number => {
      const retryAtMs = this.#health.get(server)?.retryAtMs ?? 0;
      return retryAtMs > nowMs ? retryAtMs : 0;
    };
    const rank = (server: string): number => (server === this.#current ? 0 : 1);
    return this.#servers.toSorted((a, b) => avoidedUntil(a) - avoidedUntil(b) || rank(a) - rank(b));
  }

  worked(server: string): void {
    this.#current = server;
    this.#health.delete(server);
  }

  failed(server: string, nowMs: number): void {
    if (this.#current === server) this.#current = undefined;
    const failures = (this.#health.get(server)?.failures ?? 0) + 1;
    const avoidMs = Math.min(AVOID_MIN_MS * 2 ** (failures - 1), AVOID_MAX_MS);
    this.#health.set(server, { failures, retryAtMs: nowMs + avoidMs });
  }
}
