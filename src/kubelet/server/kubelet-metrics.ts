import { collectProcessMetrics, Counter, Gauge, MetricRegistry } from '../../host/metrics.ts';
import { KUBELET_VERSION } from '../node/node-object.ts';
import type { KubeletView } from './kubelet-server.ts';

const GO_ARCH: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: 'amd64' };

/** The kubelet's own numbers, under upstream's names. */
export class KubeletMetrics {
  readonly registry = new MetricRegistry();
  readonly #requests = new Counter({
    name: 'kubelet_http_requests_total',
    help: '[ALPHA] Number of the http requests received since the server started',
    labelNames: ['method', 'path', 'server_type', 'long_running'],
    registers: [this.registry],
  });

  constructor(view: KubeletView) {
    collectProcessMetrics(this.registry);
    const registers = [this.registry];
    const node = new Gauge({
      name: 'kubelet_node_name',
      help: "[ALPHA] The node's name. The count is always 1.",
      labelNames: ['node'],
      registers,
    });
    node.set({ node: view.nodeName }, 1);
    const evictions: Counter<'eviction_signal'> = new Counter({
      name: 'kubelet_evictions',
      help: '[ALPHA] Cumulative number of pod evictions by eviction signal',
      labelNames: ['eviction_signal'],
      registers,
      collect: (): void => {
        evictions.reset();
        for (const [signal, count] of view.evictions()) evictions.inc({ eviction_signal: signal }, count);
      },
    });
    const build = new Gauge({
      name: 'kubernetes_build_info',
      help: "[ALPHA] A metric with a constant '1' value labeled by the version that this kubelet stands for.",
      labelNames: ['git_version', 'platform'],
      registers,
    });
    build.set({ git_version: KUBELET_VERSION, platform: `linux/${GO_ARCH[process.arch] ?? process.arch}` }, 1);
    const runningPods: Gauge = new Gauge({
      name: 'kubelet_running_pods',
      help: '[BETA] Number of pods that have a running pod sandbox',
      registers,
      collect: (): void => runningPods.set(view.pods().filter(({ status }) => status?.phase === 'Running').length),
    });
    const containers: Gauge<'container_state'> = new Gauge({
      name: 'kubelet_running_containers',
      help: '[BETA] Number of containers currently running',
      labelNames: ['container_state'],
      registers,
      collect: (): void => {
        containers.reset();
        for (const { status } of view.pods())
          for (const { state } of status?.containerStatuses ?? []) containers.inc({ container_state: stateOf(state) });
      },
    });
  }

  /** @param first the path's first element, a known one: what clients make up is not to become a label */
  count(method: string, first: string, isLongRunning: boolean): void {
    const labels = { method, path: first, server_type: 'readwrite', long_running: String(isLongRunning) };
    this.#requests.inc(labels);
  }
}

function stateOf(state: { readonly running?: unknown; readonly terminated?: unknown } | undefined): string {
  if (state?.running !== undefined) return 'running';
  return state?.terminated === undefined ? 'created' : 'exited';
}
