import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { ConfigMap } from '../../src/api/objects.ts';
import { isReason } from '../../src/api/status.ts';
import { configFromFiles, type ClientConfig } from '../../src/client/credentials.ts';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { createInformer } from '../../src/client/informer.ts';
import { configMaps } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createFakeApiClient } from '../fake/api-client.ts';
import { createTestPki, respond, serveApi, type ServedApi } from '../fake/api-server.ts';
import { createFakeClock } from '../fake/clock.ts';

const pki = await createTestPki();

function configOf(...servers: string[]): ClientConfig {
  return { servers, files: [], load: async () => ({ ca: pki.ca }) };
}

function clientOf(config: ClientConfig) {
  const limits = { connectTimeoutMs: 300, pingEveryMs: 50, pingTimeoutMs: 100 };
  return createHttpApiClient({ config, userAgent: 'bramble-test', limits, log: silentLog });
}

function configMap(name: string): ConfigMap {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { namespace: 'ns', name } };
}

/** A cable to a server that can be cut: what is sent is lost, and nothing comes back, not even a reset. */
async function cable(server: ServedApi) {
  const to = Number(new URL(server.url).port);
  const sockets = new Set<Socket>();
  let isCut = false;
  let callsWhenCut = 0;
  const proxy = createServer((near) => {
    if (isCut) callsWhenCut += 1;
    const far = connect(to, '127.0.0.1');
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.on('data', (chunk) => isCut || other.write(chunk));
      from.on('error', () => undefined);
      from.on('close', () => isCut || other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    cut: () => (isCut = true),
    callsWhenCut: () => callsWhenCut,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => proxy.close(() => resolve()));
    },
  };
}

void t.test('a server that refuses is passed over for the next', async (t) => {
  const server = await serveApi(createFakeApiClient(), pki);
  const client = clientOf(configOf('https://127.0.0.1:1', server.url));
  t.match(await client.request('GET', '/version'), { gitVersion: /v1/ });
  t.equal(client.server, server.url);
  client.close();
  await server.close();
});

void t.test('no server at all is ServiceUnavailable, with the reason of each', async (t) => {
  const client = clientOf(configOf('https://127.0.0.1:1', 'https://127.0.0.1:2'));
  const error = await client.request('POST', '/x', {}).catch((reason: unknown) => reason);
  t.ok(isReason(error, 'ServiceUnavailable'));
  t.match(String(error), /127\.0\.0\.1:1: .*ECONNREFUSED.*127\.0\.0\.1:2/);
  client.close();
});

void t.test('a server with a certificate of another authority is not spoken to', async (t) => {
  const server = await serveApi(createFakeApiClient(), await createTestPki());
  const client = clientOf(configOf(server.url));
  await t.rejects(client.request('GET', '/version'), { message: /self-signed certificate|unable to verify/ });
  t.equal(server.seen.length, 0);
  client.close();
  await server.close();
});

void t.test(
  'a pulled plug under a watch is noticed by the ping, and the informer goes on at the next server',
  async (t) => {
    const api = createFakeApiClient();
    const [first, second] = [await serveApi(api, pki), await serveApi(api, pki)];
    const wire = await cable(first);
    const client = clientOf(configOf(wire.url, second.url));
    const informer = createInformer(client, configMaps, { log: silentLog });
    const stop = new AbortController();
    const running = informer.run(stop.signal);
    await informer.synced(stop.signal);
    t.equal(client.server, wire.url);

    wire.cut();
    const startMs = performance.now();
    const changed = new Promise<void>((resolve) => {
      informer.onChange(() => resolve());
    });
    await api.create(configMaps, configMap('after'));
    await changed;
    const tookMs = performance.now() - startMs;
    t.ok(tookMs < 1000, `heard of the change after ${Math.round(tookMs)} ms, with pings of 50 + 100 ms`);
    t.equal(client.server, second.url);
    t.equal(api.calls.filter(({ verb }) => verb === 'list').length, 1, 'without listing again');
    stop.abort();
    await running;
    client.close();
    await wire.close();
    await first.close();
    await second.close();
  },
);

void t.test('a read that got no answer is sent again, a write is not', async (t) => {
  const [first, second] = [await serveApi(createFakeApiClient(), pki), await serveApi(createFakeApiClient(), pki)];
  const wire = await cable(first);
  const client = clientOf(configOf(wire.url, second.url));
  await client.request('GET', '/version');
  wire.cut();
  const write = client.create(configMaps, configMap('x')).catch((reason: unknown) => reason);
  const read = client.request('GET', '/version');
  t.ok(isReason(await write, 'Timeout'));
  t.match(String(await write), /may have taken effect/);
  t.match(await read, { gitVersion: /v1/ });
  t.ok(second.seen.every(({ method }) => method === 'GET'));
  client.close();
  await wire.close();
  await first.close();
  await second.close();
});

void t.test('429 and 503 with Retry-After are waited out, also for writes; 503 without moves reads on', async (t) => {
  const api = createFakeApiClient();
  const [first, second] = [await serveApi(api, pki), await serveApi(api, pki)];
  const client = clientOf(configOf(first.url, second.url));
  let busy = 2;
  first.onRequest = (_request, stream) => {
    if (busy === 0) return false;
    busy -= 1;
    respond(stream, busy === 1 ? 429 : 503, {}, { 'retry-after': '0' });
    return true;
  };
  await client.create(configMaps, configMap('x'));
  t.equal(first.seen.length, 3);
  first.onRequest = (_request, stream) => {
    respond(stream, 503, {});
    return true;
  };
  await client.get(configMaps, 'ns', 'x');
  t.equal(second.seen.length, 1);
  t.equal(client.server, second.url);
  client.close();
  await first.close();
  await second.close();
});

void t.test('GOAWAY moves new requests to a new connection and lets the open ones end', async (t) => {
  const api = createFakeApiClient();
  const server = await serveApi(api, pki);
  const client = clientOf(configOf(server.url));
  const stop = new AbortController();
  const { metadata } = await client.list(configMaps);
  const events = client.watch(configMaps, { resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal });
  const next = events[Symbol.asyncIterator]().next();
  await client.request('GET', '/version');
  for (const session of server.sessions) session.goaway();
  await new Promise((resolve) => setTimeout(resolve, 400)); // several pings later
  await client.create(configMaps, configMap('x'));
  t.equal((await next).value?.object.metadata?.name, 'x', 'the watch lives on its old connection');
  stop.abort();
  client.close();
  await server.close();
});

void t.test('renewed certificates and tokens are used without a restart', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-client-'));
  t.teardown(async () => rm(folder, { recursive: true }));
  const path = (name: string): string => join(folder, name);
  const renew = async (name: string, atSeconds: number): Promise<void> => {
    const { certPem, keyPem } = await pki.issue(name, 'client');
    for (const [file, text] of Object.entries({ ca: pki.ca, cert: certPem, key: keyPem, token: `token-of-${name}` })) {
      await writeFile(path(file), text);
      await utimes(path(file), atSeconds, atSeconds);
    }
  };
  await renew('old', 1);
  const server = await serveApi(createFakeApiClient(), pki);
  const clock = createFakeClock();
  const config = configFromFiles({
    servers: [server.url],
    caFile: path('ca'),
    certFile: path('cert'),
    keyFile: path('key'),
    tokenFile: path('token'),
  });
  const client = createHttpApiClient({ config, userAgent: 'test', clock, log: silentLog });
  await client.request('GET', '/version');
  await renew('new', 2);
  await clock.advance(20_000);
  await client.request('GET', '/version');
  t.match(server.seen, [
    { clientName: 'old', authorization: 'Bearer token-of-old' },
    { clientName: 'new', authorization: 'Bearer token-of-new' },
  ]);

  await writeFile(path('key'), 'half written');
  await clock.advance(20_000);
  await client.request('GET', '/version');
  t.match(server.seen.at(-1), { clientName: 'new' }, 'a pair that does not fit is not used');
  client.close();
  await server.close();
});

void t.test('an abort ends a waiting call with its reason', async (t) => {
  const server = await serveApi(createFakeApiClient(), pki);
  server.onRequest = () => true;
  const client = clientOf(configOf(server.url));
  const stop = new AbortController();
  const call = client.request('GET', '/version', undefined, stop.signal).catch((reason: unknown) => reason);
  setTimeout(() => stop.abort(new Error('enough')), 100);
  t.match(await call, { message: 'enough' });
  client.close();
  await server.close();
});

void t.test('an answer that is cut off is not taken for a whole one', async (t) => {
  const server = await serveApi(createFakeApiClient(), pki);
  const client = clientOf(configOf(server.url));
  let cuts = 1;
  server.onRequest = ({ method }, stream) => {
    if (cuts === 0) return false;
    cuts -= 1;
    stream.respond({ ':status': 200 });
    stream.write('{"major":');
    setTimeout(() => stream.session?.destroy(), 20); // as a server that dies: no reset, no END_STREAM
    return method !== '';
  };
  t.match(await client.request('GET', '/version'), { major: '1' }, 'a read is sent again');
  cuts = 1;
  const write = await client.create(configMaps, configMap('x')).catch((reason: unknown) => reason);
  t.ok(isReason(write, 'Timeout'));
  client.close();
  await server.close();
});

void t.test('a watch that is too old says Expired over the wire, and the informer lists again', async (t) => {
  const api = createFakeApiClient();
  const server = await serveApi(api, pki);
  const client = clientOf(configOf(server.url));
  await api.create(configMaps, configMap('a'));
  const { metadata } = await client.list(configMaps);
  const informer = createInformer(client, configMaps, { log: silentLog });
  const stop = new AbortController();
  const running = informer.run(stop.signal);
  await informer.synced(stop.signal);
  await api.create(configMaps, configMap('b'));
  await api.delete(configMaps, { namespace: 'ns', name: 'a' });
  api.compact();
  const old = client.watch(configMaps, { resourceVersion: metadata.resourceVersion ?? '', signal: stop.signal });
  const error = await old[Symbol.asyncIterator]()
    .next()
    .catch((reason: unknown) => reason);
  t.ok(isReason(error, 'Expired'), String(error));

  await api.create(configMaps, configMap('c'));
  const names = (): string[] => informer.lister.list().map(({ metadata: of }) => of?.name ?? '');
  for (let i = 0; i < 100 && names().length < 2; i += 1) await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(new Set(names()), new Set(['b', 'c']));
  stop.abort();
  await running;
  client.close();
  await server.close();
});
