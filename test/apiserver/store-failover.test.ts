import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import t from 'tap';
import { StoreCluster, until } from '../store/store-cluster.ts';
import { call } from './http-client.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';

async function create(cluster: TestCluster, name: string): Promise<boolean> {
  const { code } = await call(cluster, 'POST', CONFIG_MAPS, { body: { metadata: { name } } });
  return code === 201 || code === 409;
}

/** Collects the names in a watch's events. */
async function watchNames({ url, ca, admin }: TestCluster): Promise<{ names: Set<string>; close(): void }> {
  const ask = request(`${url}${CONFIG_MAPS}?watch=1`, { ca, cert: admin.certPem, key: admin.keyPem, agent: false });
  ask.on('error', () => undefined); // it is cut at the end
  ask.end();
  const [response] = (await once(ask, 'response')) as [IncomingMessage];
  const names = new Set<string>();
  let text = '';
  response.on('data', (chunk: Buffer) => {
    const lines = (text + chunk.toString()).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) {
      const event = JSON.parse(line) as { object: { metadata?: { name?: string } } };
      names.add(event.object.metadata?.name ?? '');
    }
  });
  response.on('error', () => undefined);
  return { names, close: () => ask.destroy() };
}

void t.test(
  'an API server whose member of the store is gone reads, writes and watches by way of the others',
  { timeout: 60_000 },
  async (t) => {
    const store = await StoreCluster.create(['a', 'b', 'c']);
    t.teardown(() => store.close());
    await Promise.all(store.members.map((member) => store.start(member)));
    const [own] = store.members;
    if (own === undefined) throw new Error('no member');
    let known: readonly string[] = [];
    const cluster = await startTestCluster({
      etcdServers: [own.clientUrl],
      etcdTls: store.tls,
      etcdMembers: { ownUrl: own.clientUrl, onChange: (urls) => (known = urls) },
    });
    t.teardown(() => cluster.close());
    const isReady = async (): Promise<boolean> => (await call(cluster, 'GET', '/readyz')).code === 200;
    await until('it has begun', isReady, 30_000);
    await until('the namespace is there', () => create(cluster, 'before'));
    const others = store.members.filter((member) => member !== own).map(({ clientUrl }) => clientUrl);
    await until('the others are known', async () => known.length === 2);
    t.same([...known], others.sort());
    const watch = await watchNames(cluster);

    await store.kill(own);
    await until('writes go on', () => create(cluster, 'after'));
    await until('the watch goes on', async () => watch.names.has('after'));
    const listed = await call(cluster, 'GET', CONFIG_MAPS);
    t.match(listed.json, { items: [{ metadata: { name: 'after' } }, { metadata: { name: 'before' } }] });
    await until('it is ready', isReady);

    await store.start(own);
    await until('nothing is missed when it comes back', () => create(cluster, 'back'));
    await until('the watch has it', async () => watch.names.has('back'));
    t.same([...watch.names].sort(), ['after', 'back', 'before']);
    watch.close();
  },
);
