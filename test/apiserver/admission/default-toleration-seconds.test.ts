import t from 'tap';
import type { Pod } from '../../../src/api/objects.ts';
import { call } from '../http-client.ts';
import { startTestCluster } from '../test-cluster.ts';

void t.test('--default-unreachable-toleration-seconds reaches the pods that are made', async (t) => {
  const cluster = await startTestCluster({ defaultUnreachableTolerationSeconds: 77 });
  t.teardown(() => cluster.close());
  await cluster.kubectl(['wait', '--for=jsonpath={.status.phase}=Active', 'ns/default', '--timeout=10s']);
  await call(cluster, 'POST', '/api/v1/namespaces/default/serviceaccounts', {
    body: { metadata: { name: 'default' } },
  });
  const body = { metadata: { name: 'x' }, spec: { containers: [{ name: 'c', image: 'i' }] } };

  const { json } = await call(cluster, 'POST', '/api/v1/namespaces/default/pods', { body });

  t.same(
    (json as Pod | undefined)?.spec?.tolerations?.map(({ key, tolerationSeconds }) => [key, tolerationSeconds]),
    [
      ['node.kubernetes.io/not-ready', 30],
      ['node.kubernetes.io/unreachable', 77],
    ],
  );
});
