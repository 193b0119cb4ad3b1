import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pod } from '../../../src/api/objects.ts';
import { pods } from '../../../src/client/resources.ts';
import { CriImages } from '../../../src/host/cri/cri-images.ts';
import { CriRuntime } from '../../../src/host/cri/cri-runtime.ts';
import type { Runtime } from '../../../src/host/cri/cri.ts';
import { runKubeletWith } from '../../../src/kubelet/run-kubelet.ts';
import type { KubeletView } from '../../../src/kubelet/server/kubelet-server.ts';
import { startContainerd } from '../../contract/cri-containerd.ts';
import { FakeApiClient } from '../../fake/api-client.ts';
import { testParts, untilAborted } from '../test-parts.ts';
import { openNetnsRelay } from './netns-relay.ts';
import type { NetnsRelay } from './netns-relay.ts';
import { serveKubelet } from './served-kubelet.ts';
import type { ServedKubelet } from './served-kubelet.ts';

/** A whole kubelet on a containerd of its own, with its server. */
export interface KubeletOnContainerd {
  readonly served: ServedKubelet;
  readonly view: KubeletView;
  /** Starts a pod and waits until its containers are ready. */
  runPod(name: string, spec: Partial<NonNullable<Pod['spec']>>): Promise<Pod>;
  close(): Promise<void>;
}

export async function startKubelet(): Promise<KubeletOnContainerd> {
  const containerd = await startContainerd();
  const folder = await mkdtemp(join(tmpdir(), 'bramble-kubelet-'));
  const client = new FakeApiClient(() => new Date());
  const { channel, cgroupRoot } = containerd;
  const relay = await openNetnsRelay(cgroupRoot.replace('/bramble-test-', ''), folder);
  const runtime = throughRelay(new CriRuntime(channel), relay);
  const stop = new AbortController();
  const { promise: seen, resolve: show } = Promise.withResolvers<KubeletView>();
  const running = runKubeletWith(
    {
      ...testParts(runtime, new CriImages(channel)),
      runServer: async (view, _options, _client, signal) => {
        show(view);
        await untilAborted(signal);
      },
    },
    {
      nodeName: 'w1',
      client,
      nodeIps: ['192.0.2.7'],
      clusterDns: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      server: { address: '127.0.0.1', port: 10250, certFile: '', keyFile: '', clientCaFile: '' },
      rootDir: join(folder, 'kubelet'),
      podLogsDir: join(folder, 'logs'),
      containerLogsDir: join(folder, 'containers'),
      staticPodDir: join(folder, 'manifests'),
      cgroupRoot,
      evictionHard: {}, // this machine's disk may be as full as it likes
    },
    stop.signal,
  );
  const view = await Promise.race([seen, running.then(() => Promise.reject(new Error('the kubelet has ended')))]);
  const served = await serveKubelet(view, client);
  return {
    served,
    view,
    async runPod(name, spec) {
      await client.create(pods, {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, namespace: 'default' },
        spec: { nodeName: 'w1', restartPolicy: 'Always', terminationGracePeriodSeconds: 1, containers: [], ...spec },
      });
      for (let i = 0; i < 300; i += 1) {
        const pod = await client.get(pods, 'default', name);
        const statuses = pod.status?.containerStatuses ?? [];
        if (statuses.length > 0 && statuses.every(({ ready }) => ready)) return pod;
        await sleep(50);
      }
      throw new Error(`${name} did not become ready`);
    },
    async close() {
      await served.close();
      stop.abort();
      await running;
      await relay.close();
      await containerd.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The runtime, whose streaming URLs lead into the network namespace that it lives in. */
function throughRelay(runtime: CriRuntime, relay: NetnsRelay): Runtime {
  const streaming: Pick<Runtime, 'exec' | 'attach' | 'portForward'> = {
    exec: async (id, command, streams, signal) => relay.map(await runtime.exec(id, command, streams, signal)),
    attach: async (id, streams, signal) => relay.map(await runtime.attach(id, streams, signal)),
    portForward: async (id, ports, signal) => relay.map(await runtime.portForward(id, ports, signal)),
  };
  return new Proxy(runtime, {
    get(target, name) {
      if (name in streaming) return streaming[name as keyof typeof streaming];
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}
