import type { Pod } from '../../../src/api/objects.ts';
import { StatusError } from '../../../src/api/status.ts';
import { systemClock } from '../../../src/host/clock.ts';
import type { KubeletView } from '../../../src/kubelet/server/kubelet-server.ts';
import { FakeImages, FakeRuntime } from '../../fake/cri.ts';

/** A pod with one container, `main`. */
export function podOf(name: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default', uid: `uid-of-${name}` },
    spec: { containers: [{ name: 'main', image: 'busybox' }] },
  };
}

/** A kubelet that knows one pod, `web`, whose container's log is where it is told. */
export function fakeView(given: Partial<KubeletView> & { readonly logPath?: string } = {}): KubeletView {
  const { logPath = '/nowhere/0.log', ...rest } = given;
  const pod = podOf('web');
  return {
    runtime: new FakeRuntime(systemClock, () => {
      throw new Error('nothing is started here');
    }),
    images: new FakeImages(),
    nodeName: 'w1',
    podLogsDir: '/tmp',
    pods: () => [pod],
    findPod: (namespace, name) => (namespace === 'default' && name === 'web' ? pod : undefined),
    async findContainer(_pod, container, options) {
      if (options?.previous === true)
        throw new StatusError('BadRequest', `previous terminated container "${container}" in pod "web" not found`);
      return { containerId: 'c1', logPath, isRunning: false };
    },
    findSandbox: async () => 's1',
    node: () => undefined,
    evictions: () => new Map([['memory.available', 2]]),
    probeMetrics: () => [],
    runtimeMetrics: async () => 'kubelet_runtime_operations_total{operation_type="version"} 1\n',
    ...rest,
  };
}
