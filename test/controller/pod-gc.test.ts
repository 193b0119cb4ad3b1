import t from 'tap';
import type { Pod } from '../../src/api/objects.ts';
import { nodes, pods } from '../../src/client/resources.ts';
import { createPodGarbageCollector } from '../../src/controller/pod-gc.ts';
import { startCluster } from './cluster.ts';

function pod(name: string, nodeName: string): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: 'ns', name },
    spec: { nodeName, containers: [{ name: 'c', image: 'one' }] },
    status: { phase: 'Running' },
  };
}

void t.test('pods of a Node that is gone for 40 s are ended; of one that came back they are not', async (t) => {
  const cluster = startCluster(t, [createPodGarbageCollector]);
  const { client, clock } = cluster;
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'here' } });
  await client.create(pods, pod('stays', 'here'));
  await client.create(pods, pod('returns', 'back'));
  await client.create(pods, pod('goes', 'gone'));
  const names = async (): Promise<string[]> =>
    (await client.list(pods)).items.map(({ metadata }) => metadata?.name ?? '').toSorted();
  const pass = async (ms: number): Promise<void> => {
    for (let done = 0; done < ms; done += 1_000) await clock.advance(1_000);
    await cluster.settle();
  };
  await cluster.settle();
  await pass(21_000);
  t.same(await names(), ['goes', 'returns', 'stays']);
  await client.create(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'back' } });
  await pass(45_000);
  t.same(await names(), ['returns', 'stays']);
});
