import t from 'tap';
import type { ConfigMap } from '../../src/api/objects.ts';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { createInformer } from '../../src/client/informer.ts';
import { configMaps } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createTestPki, serveApi, type ServedApi } from '../fake/api-server.ts';

function configMap(name: string): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name } };
}

// Three API servers before one store, as on three control boards: whoever talks to one that goes must miss nothing.
void t.test('a client walks from one API server to the next, and its informer never lists again', async (t) => {
  const pki = await createTestPki();
  const api = createFakeApiClient();
  const servers = new Map<string, ServedApi>();
  for (let i = 0; i < 3; i += 1) {
    const server = await serveApi(api, pki);
    servers.set(server.url, server);
  }
  const config = { servers: [...servers.keys()], files: [], load: async () => ({ ca: pki.ca }) };
  const limits = { connectTimeoutMs: 1000, pingEveryMs: 100, pingTimeoutMs: 500 };
  const client = createHttpApiClient({ config, userAgent: 'bramble-test', limits, log: silentLog });
  const informer = createInformer(client, configMaps, { log: silentLog });
  const heard: string[] = [];
  const waiters: (() => void)[] = [];
  informer.onChange((before, now) => {
    if (before === undefined) heard.push(now?.metadata?.name ?? '');
    for (const wake of waiters.splice(0)) wake();
  });
  const hears = async (name: string): Promise<void> => {
    while (!heard.includes(name)) await new Promise<void>((resolve) => waiters.push(resolve));
  };
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  t.teardown(async () => {
    stop.abort();
    await running;
    client.close();
    for (const server of servers.values()) await server.close();
  });
  await informer.synced(stop.signal);

  const used = new Set<string>();
  for (let round = 0; round < 2; round += 1) {
    const url = client.server ?? '';
    t.notOk(used.has(url), 'another server each time');
    used.add(url);
    const server = servers.get(url);
    servers.delete(url);
    await server?.close();
    // Written where nobody of us is, and by us through whichever server answers.
    await api.create(configMaps, configMap(`theirs-${round}`));
    await client.create(configMaps, configMap(`ours-${round}`));
    await Promise.all([hears(`theirs-${round}`), hears(`ours-${round}`)]);
  }
  t.same(heard.toSorted(), ['ours-0', 'ours-1', 'theirs-0', 'theirs-1'], 'each once');
  t.equal(api.calls.filter(({ verb }) => verb === 'list').length, 1, 'one list for all of it');
});
