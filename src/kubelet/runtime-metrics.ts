import type { Images, Runtime } from '../host/cri/cri.ts';
import { Counter, Histogram, MetricRegistry } from '../host/metrics.ts';

/** Calls of the runtime by the names that upstream's metrics have for them; event streams are no calls. */
const RUNTIME_CALLS = {
  version: 'version',
  conditions: 'status',
  updatePodCidr: 'update_runtime_config',
  runSandbox: 'run_podsandbox',
  stopSandbox: 'stop_podsandbox',
  removeSandbox: 'remove_podsandbox',
  sandboxStatus: 'podsandbox_status',
  listSandboxes: 'list_podsandbox',
  createContainer: 'create_container',
  startContainer: 'start_container',
  stopContainer: 'stop_container',
  removeContainer: 'remove_container',
  listContainers: 'list_containers',
  containerStatus: 'container_status',
  updateContainerResources: 'update_container',
  reopenContainerLog: 'reopen_container_log',
  execSync: 'exec_sync',
  exec: 'exec',
  attach: 'attach',
  portForward: 'port_forward',
  containerStats: 'container_stats',
  listContainerStats: 'list_container_stats',
  sandboxStats: 'podsandbox_stats',
} as const satisfies Partial<Record<keyof Runtime, string>>;

const IMAGE_CALLS = {
  list: 'list_images',
  status: 'image_status',
  pull: 'pull_image',
  remove: 'remove_image',
  filesystems: 'image_fs_info',
} as const satisfies Partial<Record<keyof Images, string>>;

/** Upstream's: 14 from 5 ms on, each 2.5 times the one before. */
const BUCKETS = Array.from({ length: 14 }, (_, index) => 0.005 * 2.5 ** index);

/** How often the runtime is asked for what, how long it takes and how often it fails: what kubelet dashboards show. */
export class RuntimeMetrics {
  readonly registry = new MetricRegistry();
  readonly #calls = new Counter({
    name: 'kubelet_runtime_operations_total',
    help: '[ALPHA] Cumulative number of runtime operations by operation type.',
    labelNames: ['operation_type'],
    registers: [this.registry],
  });
  readonly #failures = new Counter({
    name: 'kubelet_runtime_operations_errors_total',
    help: '[ALPHA] Cumulative number of runtime operation errors by operation type.',
    labelNames: ['operation_type'],
    registers: [this.registry],
  });
  readonly #duration = new Histogram({
    name: 'kubelet_runtime_operations_duration_seconds',
    help: '[ALPHA] Duration in seconds of runtime operations. Broken down by operation type.',
    labelNames: ['operation_type'],
    buckets: BUCKETS,
    registers: [this.registry],
  });

  /** The runtime, each of its calls counted. */
  runtime(runtime: Runtime): Runtime {
    return this.#measured(runtime, RUNTIME_CALLS);
  }

  /** The images, each of their calls counted. */
  images(images: Images): Images {
    return this.#measured(images, IMAGE_CALLS);
  }

  #measured<T extends object>(target: T, names: Readonly<Record<string, string>>): T {
    return new Proxy(target, {
      get: (object, name): unknown => {
        const value: unknown = Reflect.get(object, name, object);
        if (typeof value !== 'function') return value;
        const type = typeof name === 'string' && Object.hasOwn(names, name) ? names[name] : undefined;
        const call = (...args: unknown[]): unknown => Reflect.apply(value, object, args);
        if (type === undefined) return call;
        return async (...args: unknown[]) => this.#measure(type, async () => call(...args));
      },
    });
  }

  async #measure(type: string, call: () => Promise<unknown>): Promise<unknown> {
    const labels = { operation_type: type };
    const end = this.#duration.startTimer(labels);
    this.#calls.inc(labels);
    try {
      return await call();
    } catch (error) {
      this.#failures.inc(labels);
      throw error;
    } finally {
      end();
    }
  }
}
