import { silentLog } from '../src/host/log.ts';
import type { ReplicaSet } from '../src/api/objects.ts';
import { nodes, pods, replicaSets } from '../src/client/resources.ts';
import { systemClock } from '../src/host/clock.ts';
import { runScheduler } from '../src/scheduler/run-scheduler.ts';
import { createFakeApiClient } from '../test/fake/api-client.ts';
import { node, pod } from '../test/scheduler/arrange.ts';

/**
 * How fast pods are scheduled, the API server being a map in memory: `node bench/scheduler.ts [pods] [nodes]`.
 * Prints pods per second and the time of the first and the last hundred, which must not drift apart (no work per pod that
 * grows with the square of the pods).
 */
const [podCount = 1000, nodeCount = 20] = process.argv.slice(2).map(Number);

const client = createFakeApiClient();
for (let i = 0; i < nodeCount; i += 1)
  client.seed(nodes, node(`n${i}`, { allocatable: { cpu: '64', memory: '256Gi', pods: String(2 * podCount) } }));
const labels = { app: 'bench' };
const replicaSet: ReplicaSet = {
  apiVersion: 'apps/v1',
  kind: 'ReplicaSet',
  metadata: { namespace: 'ns', name: 'rs', uid: 'rs' },
  spec: { selector: { matchLabels: labels } },
};
client.seed(replicaSets, replicaSet);
const owner = { kind: 'ReplicaSet', name: 'rs', uid: 'rs' };
const requests = { cpu: '100m', memory: '64Mi' };
for (let i = 0; i < podCount; i += 1) client.seed(pods, pod(`p${i}`, { labels, owner, requests }));

const stop = new AbortController();
const times: number[] = [];
client.onCall = ({ subresource }) => {
  if (subresource !== 'binding') return;
  times.push(performance.now());
  if (times.length === podCount) setTimeout(() => stop.abort(), 50);
};
const startMs = performance.now();
await runScheduler({ client, clock: systemClock, log: silentLog, hasStatefulSets: false }, stop.signal);

const at = (index: number): number => times[index] ?? Number.NaN;
const tookMs = at(podCount - 1) - startMs;
const placed = await client.list(pods);
const perNode = new Map<string, number>();
for (const { spec } of placed.items) perNode.set(spec?.nodeName ?? '', (perNode.get(spec?.nodeName ?? '') ?? 0) + 1);
console.log(
  JSON.stringify({
    pods: podCount,
    nodes: nodeCount,
    tookMs: Math.round(tookMs),
    podsPerSecond: Math.round((podCount * 1000) / tookMs),
    firstHundredMs: Math.round(at(99) - startMs),
    lastHundredMs: Math.round(at(podCount - 1) - at(podCount - 101)),
    fewestOnANode: Math.min(...perNode.values()),
    mostOnANode: Math.max(...perNode.values()),
    rssMegabytes: Math.round(process.memoryUsage().rss / 1e6),
  }),
);
