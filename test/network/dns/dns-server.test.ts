import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import * as dns from 'dns-packet';
import t from 'tap';
import type { Service } from '../../../src/api/objects.ts';
import { createInformer } from '../../../src/client/informer.ts';
import { endpointSlices, nodes, services } from '../../../src/client/resources.ts';
import { silentLog } from '../../../src/host/log.ts';
import { runDns } from '../../../src/network/dns/run-dns.ts';
import { createFakeApiClient, type FakeApiClient } from '../../fake/api-client.ts';

const service = (name: string, spec: NonNullable<Service['spec']>): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name },
  spec,
});

/** The world's DNS: knows `big.test` (60 addresses), `example.test` and `slow.test`, who never answers. */
async function startWorld(signal: AbortSignal): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = [];
  const answer = (message: Buffer): Buffer | undefined => {
    const { id, questions } = dns.decode(message);
    const [question] = questions ?? [];
    asked.push(`${question?.type} ${question?.name}`);
    if (question === undefined || question.name === 'slow.test') return undefined;
    const count =
      question.type !== 'A' ? 0 : question.name === 'big.test' ? 60 : question.name === 'example.test' ? 1 : 0;
    const answers = Array.from(
      { length: count },
      (_, i) => ({ type: 'A', name: question.name, ttl: 60, data: `192.0.2.${i}` }) as const,
    );
    return dns.encode({
      type: 'response',
      id: id ?? 0,
      flags: dns.RECURSION_AVAILABLE | (count === 0 ? 3 : 0),
      questions: [question],
      answers,
    });
  };
  const tcp = createServer((socket) => {
    socket.on('data', (bytes) =>
      socket.end(dns.streamEncode(dns.decode(answer(bytes.subarray(2)) ?? Buffer.alloc(12)))),
    );
  }).listen(0, '127.0.0.1');
  await once(tcp, 'listening');
  const { port } = tcp.address() as AddressInfo;
  const udp = createSocket('udp4').bind(port, '127.0.0.1');
  udp.on('message', (message, from) => {
    const whole = answer(message);
    if (whole === undefined) return;
    const packet = dns.decode(whole);
    const isBig = whole.length > 512;
    udp.send(
      isBig ? dns.encode({ ...(packet as dns.Packet), flags: dns.TRUNCATED_RESPONSE, answers: [] }) : whole,
      from.port,
      from.address,
    );
  });
  signal.addEventListener('abort', () => {
    tcp.close();
    udp.close();
  });
  return { port, asked };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

interface Running {
  readonly client: FakeApiClient;
  readonly resolver: Resolver;
  readonly port: number;
  readonly asked: string[];
}

async function start(t: { teardown: (act: () => Promise<void>) => unknown }): Promise<Running> {
  const stop = new AbortController();
  const client = createFakeApiClient();
  client.seed(
    services,
    service('hello', {
      clusterIP: '10.96.0.20',
      clusterIPs: ['10.96.0.20'],
      ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
    }),
    service('db', { clusterIP: 'None' }),
    service('out', { type: 'ExternalName', externalName: 'example.test' }),
    service('in', { type: 'ExternalName', externalName: 'hello.default.svc.cluster.local' }),
    service('round', { type: 'ExternalName', externalName: 'round.default.svc.cluster.local' }),
  );
  client.seed(endpointSlices, {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name: 'db-1', labels: { 'kubernetes.io/service-name': 'db' } },
    addressType: 'IPv4',
    endpoints: Array.from({ length: 100 }, (_, index) => ({
      addresses: [`10.244.1.${index}`],
      conditions: { ready: true },
    })),
  });
  client.seed(nodes, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1', uid: 'u1' } });
  const informers = {
    services: createInformer(client, services),
    endpointSlices: createInformer(client, endpointSlices),
    nodes: createInformer(client, nodes),
  };
  const world = await startWorld(stop.signal);
  const port = await freePort();
  const dead = { host: '127.0.0.1', port: 9 };
  const running = [
    ...Object.values(informers).map((informer) => informer.run(stop.signal)),
    runDns(
      {
        ...informers,
        client,
        nodeName: 'n1',
        listenAddress: '127.0.0.1',
        port,
        clusterCidr: '10.244.0.0/16',
        serviceCidr: '10.96.0.0/12',
        resolvers: async () => [dead, { host: '127.0.0.1', port: world.port }],
        healthAddress: null,
        log: silentLog,
      },
      stop.signal,
    ),
  ];
  t.teardown(async () => {
    stop.abort();
    await Promise.all(running);
  });
  await informers.services.synced(stop.signal);
  await informers.endpointSlices.synced(stop.signal);
  await new Promise((resolve) => setTimeout(resolve, 50));
  const resolver = new Resolver({ timeout: 4000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return { client, resolver, port, asked: world.asked };
}

void t.test('runDns() as a resolver library sees it', async (t) => {
  const { client, resolver, asked, port } = await start(t);

  t.same(await resolver.resolve4('hello.default.svc.cluster.local', { ttl: true }), [
    { address: '10.96.0.20', ttl: 5 },
  ]);
  const [srv] = await resolver.resolveSrv('_http._tcp.hello.default.svc.cluster.local');
  t.match(srv, { name: 'hello.default.svc.cluster.local', port: 80, priority: 0, weight: 100 });
  t.same(await resolver.reverse('10.96.0.20'), ['hello.default.svc.cluster.local']);
  await t.rejects(resolver.resolve4('absent.default.svc.cluster.local'), { code: 'ENOTFOUND' });
  await t.rejects(resolver.resolve6('hello.default.svc.cluster.local'), { code: 'ENODATA' });
  t.equal((await resolver.resolve4('db.default.svc.cluster.local')).length, 100, 'more than a packet holds, by TCP');

  t.same(await resolver.resolve4('example.test'), ['192.0.2.0'], 'by the second resolver, the first being dead');
  await resolver.resolve4('example.test');
  t.equal(asked.filter((one) => one === 'A example.test').length, 1, 'asked once, then from the cache');
  t.equal((await resolver.resolve4('big.test')).length, 60, 'truncated upstream, asked again by TCP');
  await t.rejects(resolver.resolve4('absent.test'), { code: 'ENOTFOUND' });

  t.same(
    await resolver.resolve4('out.default.svc.cluster.local'),
    ['192.0.2.0'],
    'an alias to the world, with addresses',
  );
  t.same(await resolver.resolve4('in.default.svc.cluster.local'), ['10.96.0.20'], 'an alias within the cluster');
  t.same(await resolver.resolve4('round.default.svc.cluster.local').catch(() => []), [], 'an alias to itself ends');

  client.seed(services, service('late', { clusterIP: '10.96.0.30' }));
  await new Promise((resolve) => setTimeout(resolve, 50));
  t.same(await resolver.resolve4('late.default.svc.cluster.local'), ['10.96.0.30']);

  const slice = await client.get(endpointSlices, 'kube-system', 'kube-dns-n1');
  t.match(slice.endpoints, [{ addresses: ['127.0.0.1'], nodeName: 'n1', conditions: { ready: true } }]);
  t.match(slice.metadata?.ownerReferences, [{ kind: 'Node', name: 'n1', uid: 'u1' }]);

  await t.test('garbage, another class and half a message do not disturb it', async (t) => {
    const udp = createSocket('udp4');
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(5, 255), Buffer.alloc(600, 193)])
      udp.send(bytes, port, '127.0.0.1');
    udp.send(
      dns.encode({ type: 'query', id: 1, questions: [{ type: 'TXT', class: 'CH', name: 'version.bind' }] }),
      port,
      '127.0.0.1',
    );
    const [reply] = (await once(udp, 'message')) as [Buffer];
    t.equal(reply.readUInt16BE(2) & 15, 5, 'refused');
    udp.close();
    const tcp = connect(port, '127.0.0.1');
    tcp.write(Buffer.from([0, 200, 1, 2, 3]));
    t.same(await resolver.resolve4('hello.default.svc.cluster.local'), ['10.96.0.20']);
    tcp.destroy();
  });

  await t.test('two questions of one TCP connection are both answered, in any cut of the bytes', async (t) => {
    const ask = (id: number): Buffer =>
      dns.streamEncode({ type: 'query', id, questions: [{ type: 'A', name: 'hello.default.svc.cluster.local' }] });
    const tcp = connect(port, '127.0.0.1');
    const bytes = Buffer.concat([ask(1), ask(2)]);
    for (const byte of bytes) tcp.write(Buffer.from([byte]));
    let received = Buffer.alloc(0);
    while (received.length < 2 || received.length < 2 * (2 + received.readUInt16BE(0))) {
      const [chunk] = (await once(tcp, 'data')) as [Buffer];
      received = Buffer.concat([received, chunk]);
    }
    const first = 2 + received.readUInt16BE(0);
    t.same(
      [received.readUInt16BE(2), received.readUInt16BE(first + 2)].toSorted((a, b) => a - b),
      [1, 2],
    );
    tcp.destroy();
  });
});
