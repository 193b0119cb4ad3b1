import t from 'tap';
import { configMaps } from '../../src/client/resources.ts';
import { ObjectCache } from '../../src/kubelet/object-cache.ts';
import { FakeApiClient } from '../fake/api-client.ts';
import { createFakeClock } from '../fake/clock.ts';

void t.test('ObjectCache reads once for all who ask together, and says what is missing as upstream does', async (t) => {
  const client = new FakeApiClient(() => new Date());
  const cache = new ObjectCache(client, createFakeClock());
  const { signal } = new AbortController();
  client.seed(configMaps, { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a', namespace: 'n' } });
  await Promise.all([cache.getConfigMap('n', 'a', signal), cache.getConfigMap('n', 'a', signal)]);
  t.equal(client.calls.length, 1);
  await t.rejects(cache.getConfigMap('n', 'none', signal), {
    reason: 'NotFound',
    message: 'configmap "none" not found',
  });
  await t.rejects(cache.getSecret('n', 'none', signal), { reason: 'NotFound', message: 'secret "none" not found' });
});
