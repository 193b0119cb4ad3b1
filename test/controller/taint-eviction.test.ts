import t from 'tap';
import type { Pod, Taint } from '../../src/api/objects.ts';
import { coreEvents, nodes, pods } from '../../src/client/resources.ts';
import { createTaintEvictionController, evictionTimeMs } from '../../src/controller/taint-eviction.ts';
import { startCluster } from './cluster.ts';

const NOW_MS = Date.UTC(2026, 0, 1);
const NOW = '2026-01-01T00:00:00Z';

void t.test('evictionTimeMs() follows the shortest toleration, counted from when the taint was set', (t) => {
  const taint: Taint = { key: 'node.kubernetes.io/unreachable', effect: 'NoExecute', timeAdded: NOW };
  const tolerate = (tolerationSeconds?: number) => ({
    key: taint.key,
    operator: 'Exists' as const,
    effect: 'NoExecute' as const,
    ...(tolerationSeconds === undefined ? {} : { tolerationSeconds }),
  });
  t.equal(evictionTimeMs([taint], [], NOW_MS + 1), NOW_MS + 1, 'not tolerated: now');
  t.equal(evictionTimeMs([taint], [tolerate()], NOW_MS), undefined, 'tolerated for good');
  t.equal(evictionTimeMs([taint], [tolerate(5), tolerate(300)], NOW_MS + 2_000), NOW_MS + 5_000);
  t.equal(evictionTimeMs([taint], [tolerate(-1)], NOW_MS), NOW_MS);
  t.equal(evictionTimeMs([], [], NOW_MS), undefined);
  t.end();
});

void t.test(
  'a pod whose taint goes in time is spared and told so; one whose taint stays is deleted with the reason',
  async (t) => {
    const cluster = startCluster(t, [createTaintEvictionController]);
    const { client, clock } = cluster;
    const taints: Taint[] = [{ key: 'broken', effect: 'NoExecute', timeAdded: NOW }];
    const conditions = [{ type: 'Ready', status: 'True' }];
    for (const name of ['mended', 'lost'])
      client.seed(nodes, {
        apiVersion: 'v1',
        kind: 'Node',
        metadata: { name },
        spec: { taints },
        status: { conditions },
      });
    const pod = (name: string, nodeName: string): Pod => ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { namespace: 'ns', name },
      spec: {
        nodeName,
        containers: [{ name: 'c', image: 'one' }],
        tolerations: [{ key: 'broken', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 }],
      },
    });
    await client.create(pods, pod('spared', 'mended'));
    await client.create(pods, pod('deleted', 'lost'));
    await cluster.settle();
    await clock.advance(30_000);
    await client.patch(nodes, { namespace: '', name: 'mended' }, { type: 'merge', body: { spec: { taints: null } } });
    await clock.advance(40_000);
    await cluster.settle();
    const { items } = await client.list(pods);
    t.same(
      items.flatMap(({ metadata }) => (metadata?.deletionTimestamp === undefined ? [metadata?.name] : [])),
      ['spared'],
    );
    t.match(items.find(({ metadata }) => metadata?.name === 'deleted')?.status?.conditions, [
      { type: 'DisruptionTarget', status: 'True', reason: 'DeletionByTaintManager' },
    ]);
    const events = (await client.list(coreEvents)).items.map(({ message = '' }) => message).toSorted();
    t.same(events, ['Cancelling deletion of Pod ns/spared', 'Marking for deletion Pod ns/deleted']);
  },
);
