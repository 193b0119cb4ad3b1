import t from 'tap';
import type { ConfigMap } from '../../src/api/objects.ts';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { createInformer } from '../../src/client/informer.ts';
import { configMaps } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeClock, settle } from '../fake/clock.ts';
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

void t.test(
  'a client goes back to the nearest server when that is ready again, and its watches stay whole',
  async (t) => {
    const pki = await createTestPki();
    const api = createFakeApiClient();
    const [near, far] = [await serveApi(api, pki), await serveApi(api, pki)];
    const clock = createFakeClock();
    const config = { servers: [near.url, far.url], files: [], load: async () => ({ ca: pki.ca }) };
    const base = { config, nearest: near.url, userAgent: 'bramble-test', clock, log: silentLog };
    const client = createHttpApiClient(base);
    const informer = createInformer(client, configMaps, { log: silentLog });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    let again: ServedApi | undefined;
    t.teardown(async () => {
      stop.abort();
      await running;
      client.close();
      await Promise.all([far.close(), again?.close()]);
    });
    await informer.synced(stop.signal);
    t.equal(client.server, near.url);
    await near.close();
    await client.request('GET', '/version');
    t.equal(client.server, far.url);

    let isReady = false;
    again = await serveApi(api, pki, Number(new URL(near.url).port));
    const asked: string[] = [];
    again.onRequest = ({ path }, stream) => {
      if (path !== '/readyz') return false;
      asked.push(path);
      stream.respond({ ':status': isReady ? 200 : 503 });
      stream.end();
      return true;
    };
    // Each request after half a minute looks whether it is time to go back.
    const lookAgain = async (isOver: () => boolean): Promise<void> => {
      await clock.advance(31_000);
      await client.request('GET', '/version');
      while (!isOver()) await settle();
    };
    await lookAgain(() => asked.length === 1);
    for (let i = 0; i < 20; i += 1) await settle();
    t.equal(client.server, far.url, 'it listens, but is not ready');
    isReady = true;
    await lookAgain(() => client.server === near.url);

    const heard = new Promise<string | undefined>((resolve) => {
      informer.onChange((_before, now) => resolve(now?.metadata?.name));
    });
    await client.create(configMaps, configMap('there'));
    t.ok(
      again.seen.some(({ method }) => method === 'POST'),
      'new requests go to the nearest',
    );
    t.equal(await heard, 'there', 'the watch at the other one goes on');
    t.equal(api.calls.filter(({ verb }) => verb === 'list').length, 1);
  },
);
