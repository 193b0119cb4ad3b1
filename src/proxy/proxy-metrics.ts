import { Counter, Gauge, Histogram, MetricRegistry } from '../host/metrics.ts';

/** Longer than this behind its changes, the proxy is not healthy: twice kube-proxy's sync period of 30 s. */
const UNHEALTHY_MS = 60_000;

/** What the proxy says about itself, in kube-proxy's names. */
export class ProxyMetrics {
  readonly registry = new MetricRegistry();
  readonly #duration = new Histogram({
    name: 'kubeproxy_sync_proxy_rules_duration_seconds',
    help: 'SyncProxyRules latency in seconds',
    buckets: [0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1, 2, 4, 8, 16],
    registers: [this.registry],
  });
  readonly #last = new Gauge({
    name: 'kubeproxy_sync_proxy_rules_last_timestamp_seconds',
    help: 'The last time proxy rules were successfully synced',
    registers: [this.registry],
  });
  readonly #commands = new Counter({
    name: 'bramble_proxy_nftables_commands_total',
    help: 'Commands in successful nftables transactions',
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'kubeproxy_sync_proxy_rules_nftables_sync_failures_total',
    help: 'Cumulative proxy nftables sync failures',
    registers: [this.registry],
  });
  #syncedMs: number | undefined;
  #pendingMs: number | undefined;

  /** A change has come in at `nowMs` of wall-clock time. */
  pending(nowMs: number): void {
    this.#pendingMs ??= nowMs;
  }

  synced(nowMs: number, tookMs: number, commands: number): void {
    this.#duration.observe(tookMs / 1000);
    this.#commands.inc(commands);
    this.#last.set(nowMs / 1000);
    this.#syncedMs = nowMs;
    this.#pendingMs = undefined;
  }

  failed(): void {
    this.#failures.inc();
  }

  /** Wall-clock time of the last sync; undefined before the first. */
  get syncedMs(): number | undefined {
    return this.#syncedMs;
  }

  /** As kube-proxy: not before the first sync, nor with a change waiting for longer than UNHEALTHY_MS. */
  isHealthy(nowMs: number): boolean {
    if (this.#syncedMs === undefined) return false;
    return this.#pendingMs === undefined || nowMs - this.#pendingMs < UNHEALTHY_MS;
  }
}
