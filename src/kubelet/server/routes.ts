import { availableParallelism } from 'node:os';
import { StatusError } from '../../api/status.ts';
import type { KubeletServerOptions } from '../kubelet-options.ts';
import { containerLogs } from './container-logs.ts';
import type { Handler, UpgradeHandler } from './kubelet-call.ts';
import { sendJson, sendText } from './kubelet-call.ts';
import type { KubeletMetrics } from './kubelet-metrics.ts';
import type { KubeletView } from './kubelet-server.ts';
import { METRIC_TEXT, metricText } from './metric-text.ts';
import { statsSummary } from './stats-summary.ts';
import { attach, exec, portForward, run } from './stream-handlers.ts';
import { systemLogs } from './system-logs.ts';
import { cadvisorMetrics, resourceMetrics } from './usage-metrics.ts';
import { UsageReader } from './usage-reader.ts';

const SYSTEM_LOGS = '/var/log';

/** What the kubelet answers, by the path's first element. */
export interface Routes {
  readonly handlers: ReadonlyMap<string, Handler>;
  /** What takes connections over. */
  readonly upgrades: ReadonlyMap<string, UpgradeHandler>;
}

interface RoutesOptions {
  readonly view: KubeletView;
  readonly options: KubeletServerOptions;
  readonly metrics: KubeletMetrics;
}

export function createRoutes({ view, options, metrics }: RoutesOptions): Routes {
  const usage = new UsageReader(view, () => Date.now());
  const podList: Handler = async (_call, response) =>
    sendJson(response, { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: view.pods() });
  const stats: Handler = async ({ path, query }, response) => {
    if (path.join('/') !== 'summary') throw pageNotFound();
    const onlyCpuAndMemory = query.get('only_cpu_and_memory') === 'true';
    sendJson(response, statsSummary(view.nodeName, await usage.read(), onlyCpuAndMemory));
  };
  return {
    handlers: new Map<string, Handler>([
      ['healthz', async (_call, response) => sendText(response, 200, 'ok')],
      ['pods', podList],
      ['runningpods', async (_call, response) => sendJson(response, await runningPods(view))],
      ['containerLogs', containerLogs],
      ['run', run],
      ['stats', stats],
      ['metrics', metricsHandler(view, usage, metrics)],
      ['logs', systemLogs(SYSTEM_LOGS)],
      ['configz', async (_call, response) => sendJson(response, configz(options))],
    ]),
    upgrades: new Map<string, UpgradeHandler>([
      ['exec', exec],
      ['attach', attach],
      ['portForward', portForward],
    ]),
  };
}

/** 404 as Go's server says it. */
export function pageNotFound(): StatusError {
  return new StatusError('NotFound', '404 page not found\n');
}

function metricsHandler(view: KubeletView, usage: UsageReader, metrics: KubeletMetrics): Handler {
  const texts: Readonly<Record<string, () => Promise<string>>> = {
    '': async () => `${await metrics.registry.metrics()}\n${await view.runtimeMetrics()}`,
    cadvisor: async () => metricText(cadvisorMetrics(await usage.read(), { cores: availableParallelism() })),
    resource: async () => metricText(resourceMetrics(await usage.read())),
    probes: async () => metricText(view.probeMetrics()),
  };
  return async ({ path }, response) => {
    const name = path.join('/');
    const text = Object.hasOwn(texts, name) ? texts[name] : undefined;
    if (text === undefined) throw pageNotFound();
    sendText(response, 200, await text(), METRIC_TEXT);
  };
}

/** Pods as the runtime has them, without what the API knows of them. */
async function runningPods(view: KubeletView): Promise<object> {
  const signal = AbortSignal.timeout(10_000);
  const [sandboxes, containers] = await Promise.all([
    view.runtime.listSandboxes(signal),
    view.runtime.listContainers({}, signal),
  ]);
  const items = sandboxes
    .filter(({ state }) => state === 'ready')
    .map(({ id, metadata: { name, namespace, uid } }) => ({
      metadata: { name, namespace, uid, creationTimestamp: null },
      spec: {
        containers: containers
          .filter((one) => one.sandboxId === id && one.state === 'running')
          .map((one) => ({ name: one.name, image: one.image, resources: {} })),
      },
      status: {},
    }));
  return { kind: 'PodList', apiVersion: 'v1', metadata: {}, items };
}

/** The settings of this server; upstream's names (kubelet.config.k8s.io/v1beta1). */
function configz({ address, port, certFile, keyFile, clientCaFile }: KubeletServerOptions): object {
  return {
    kubeletconfig: {
      address,
      port,
      tlsCertFile: certFile,
      tlsPrivateKeyFile: keyFile,
      authentication: {
        x509: { clientCAFile: clientCaFile },
        webhook: { enabled: true },
        anonymous: { enabled: false },
      },
      authorization: { mode: 'Webhook' },
      streamingConnectionIdleTimeout: '4h0m0s',
    },
  };
}
