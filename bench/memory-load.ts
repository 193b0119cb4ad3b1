import { join } from 'node:path';
import type { Deployment, Node, Pod } from '../src/api/objects.ts';
import { configFromFiles } from '../src/client/credentials.ts';
import { createHttpApiClient, type HttpApiClient } from '../src/client/http-api-client.ts';
import { createInformerSet } from '../src/client/informer-set.ts';
import { createInformer } from '../src/client/informer.ts';
import { deployments, endpointSlices, nodes, pods, services } from '../src/client/resources.ts';
import { systemClock } from '../src/host/clock.ts';
import { silentLog as log } from '../src/host/log.ts';
import { runNodeLease } from '../src/kubelet/node/node-lease.ts';

/** What other boards' agents ask of an API server: their connections, watches, Leases and statuses; and their pods. */
const PKI = '/var/lib/bramble/pki';
const BEAT_MS = 60_000;

function openClient(): HttpApiClient {
  const file = (name: string): string => join(PKI, name);
  const config = configFromFiles({
    servers: ['https://127.0.0.1:6443'],
    caFile: file('ca.crt'),
    certFile: file('admin.crt'),
    keyFile: file('admin.key'),
  });
  return createHttpApiClient({ config, userAgent: 'bramble-bench', log });
}

/** Settles when the board's own node is Ready: everything has been loaded and used once. */
export async function untilReady(name: string, signal: AbortSignal): Promise<void> {
  const client = openClient();
  for (;;) {
    const node = await client.get(nodes, '', name, { signal }).catch(() => undefined);
    const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
    if (ready?.status === 'True') break;
    await systemClock.sleepMs(500, signal);
  }
  client.close();
}

/** Acts for as many nodes, and has as many Deployments of ten pods run on them, until aborted. Gives the count of pods that run. */
export async function startLoad(
  nodeCount: number,
  deploymentCount: number,
  signal: AbortSignal,
): Promise<() => number> {
  const client = openClient();
  const [pattern] = (await client.list(nodes, { signal })).items;
  if (pattern === undefined) throw new Error('there is no node to go by');
  for (let i = 1; i <= nodeCount; i += 1) await startNode(`node-${i}`, pattern, signal);
  for (let i = 0; i < deploymentCount; i += 1) await createApp(client, `web-${i}`, signal);
  const all = createInformer(client, pods, { log });
  let next = 2;
  all.onChange((_, pod) => {
    if (pod?.status?.phase !== 'Pending' || pod.spec?.nodeName === undefined) return;
    void markRunning(client, pod, `10.244.9.${next++ % 250}`, signal).catch(() => undefined);
  });
  void all.run(signal);
  return () => all.lister.list().filter(({ status }) => status?.phase === 'Running').length;
}

async function startNode(name: string, pattern: Node, signal: AbortSignal): Promise<void> {
  const client = openClient();
  const labels = { 'kubernetes.io/hostname': name, 'kubernetes.io/os': 'linux' };
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name, labels }, spec: {} }, { signal });
  const beat = async (): Promise<void> => {
    const lastHeartbeatTime = new Date().toISOString().replace(/\.\d+/, '');
    const conditions = (pattern.status?.conditions ?? []).map((one) => ({
      ...one,
      status: one.type === 'Ready' ? 'True' : 'False',
      lastHeartbeatTime,
    }));
    const body = { status: { ...pattern.status, conditions } };
    await client.patch(nodes, { namespace: '', name }, { type: 'strategic', body }, { subresource: 'status', signal });
  };
  await beat();
  const timer = setInterval(() => void beat().catch(() => undefined), BEAT_MS);
  signal.addEventListener('abort', () => clearInterval(timer));
  const lease = { client, nodeName: name, clock: systemClock, log, node: () => undefined };
  void runNodeLease({ ...lease, durationSeconds: 16, renewMs: 4000 }, signal);
  const watched = createInformerSet(client, { log });
  watched.of(services);
  watched.of(endpointSlices);
  watched.of(nodes);
  void watched.run(signal);
  void createInformer(client, pods, { log, fieldSelector: `spec.nodeName=${name}` }).run(signal);
}

async function createApp(client: HttpApiClient, name: string, signal: AbortSignal): Promise<void> {
  const metadata = { name, namespace: 'default' };
  const spec = { selector: { app: name }, ports: [{ port: 80, targetPort: 8080 }] };
  await client.create(services, { apiVersion: 'v1', kind: 'Service', metadata, spec }, { signal });
  const deployment: Deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata,
    spec: {
      replicas: 10,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          containers: [
            {
              name: 'web',
              image: 'docker.io/library/nginx:1.29',
              ports: [{ containerPort: 8080 }],
              resources: { requests: { cpu: '1m', memory: '1Mi' } },
              readinessProbe: { httpGet: { path: '/', port: 8080 } },
            },
          ],
        },
      },
    },
  };
  await client.create(deployments, deployment, { signal });
}

async function markRunning(client: HttpApiClient, pod: Pod, podIP: string, signal: AbortSignal): Promise<void> {
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const types = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  const container = {
    name: 'web',
    ready: true,
    started: true,
    restartCount: 0,
    image: 'docker.io/library/nginx:1.29',
    imageID: `docker.io/library/nginx@sha256:${'0'.repeat(64)}`,
    containerID: `containerd://${'0'.repeat(64)}`,
    state: { running: { startedAt: now } },
  };
  const status = {
    phase: 'Running',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: now,
    conditions: types.map((type) => ({ type, status: 'True', lastTransitionTime: now })),
    containerStatuses: [container],
  };
  const key = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
  await client.patch(pods, key, { type: 'strategic', body: { status } }, { subresource: 'status', signal });
}
