import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import t from 'tap';
import { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';
import { GrpcServer } from '../../../src/host/grpc/grpc-server.ts';
import { serveUnary } from '../../../src/host/grpc/grpc-service.ts';
import { createAuthority, issue } from '../../../src/host/pki.ts';
import { createMessage } from '../../../src/raft/message.ts';
import { messageProtocol, MessageStream } from '../../../src/store/peer/message-stream.ts';
import { PEER, toWire } from '../../../src/store/peer/peer-api.ts';
import type { PeerMessages } from '../../../src/store/peer/peer-api.ts';

interface Teardown {
  teardown(run: () => unknown): void;
}

async function makeTls() {
  const nowMs = Date.now();
  const authority = await createAuthority('ca', nowMs);
  const leaf = async (commonName: string) => {
    const subject = { commonName };
    const usages = ['server', 'client'] as const;
    const { certPem, keyPem } = await issue({
      authority,
      usages: [...usages],
      nowMs,
      lifetimeMs: 86_400_000,
      subject,
      altNames: ['127.0.0.1'],
    });
    return { cert: certPem, key: keyPem };
  };
  return { ca: authority.certPem, leaf };
}

/** A peer port that notes what it gets; a message of cluster 2 is another's. */
async function serve(t: Teardown, tls?: { ca: string; cert: string; key: string }) {
  const got: PeerMessages[] = [];
  const server = new GrpcServer({
    methods: [serveUnary(PEER.info, () => ({ clusterId: 1, members: [], learners: [] }))],
    ...(tls === undefined ? {} : { tls: { ...tls, clientCa: tls.ca }, allowClient: (name) => name === 'member' }),
    other: messageProtocol((messages) => {
      got.push(messages);
      return messages.clusterId === 1;
    }),
  });
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  t.teardown(() => server.close(0));
  return { got, server, port, url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}` };
}

/** Opens a stream; notes whether it was opened and whether it has ended. */
function open(t: Teardown, url: string, tls?: () => { ca: string; cert: string; key: string }) {
  const told: string[] = [];
  const stream = new MessageStream({
    url,
    ...(tls === undefined ? {} : { tls }),
    connectTimeoutMs: 2000,
    onOpen: () => void told.push('open'),
    onEnd: () => void told.push('end'),
  });
  t.teardown(() => stream.close());
  return { stream, told };
}

const until = async (isDone: () => boolean): Promise<void> => {
  while (!isDone()) await new Promise((resolve) => setTimeout(resolve, 5));
};

const append = (index: number, bytes: number): PeerMessages => {
  const entries = [{ term: 3, index, type: 'EntryNormal' as const, data: Buffer.alloc(bytes, index) }];
  return { clusterId: 1, messages: [toWire(createMessage({ type: 'MsgApp', to: 2, from: 1, term: 3, entries }))] };
};

void t.test('MessageStream brings messages of any size, in order, beside the calls of the same port', async (t) => {
  const { ca, leaf } = await makeTls();
  const own = { ca, ...(await leaf('member')) };
  for (const tls of [undefined, own]) {
    const { got, url } = await serve(t, tls);
    const client = tls === undefined ? undefined : () => tls;
    const { stream, told } = open(t, url, client);
    await until(() => told.length > 0);
    const sizes = [0, 1, 20_000, 3_000_000, 5];
    sizes.forEach((bytes, i) => stream.send(append(i + 1, bytes)));
    await until(() => got.length === sizes.length);
    t.same(
      got.map(({ messages }) => messages[0]?.entries[0]?.data.length),
      sizes,
    );
    t.same(
      got.map(({ messages }) => messages[0]?.entries[0]?.index),
      [1, 2, 3, 4, 5],
    );
    const channel = new GrpcChannel({ url, ...(client === undefined ? {} : { tls: client }) });
    t.equal((await channel.unary(PEER.info, {})).clusterId, 1);
    channel.close();
    t.same(told, ['open']);
  }
});

void t.test(
  'MessageStream opens only for a member: others, and those without a certificate, get no answer',
  async (t) => {
    const { ca, leaf } = await makeTls();
    const { url, port, got } = await serve(t, { ca, ...(await leaf('member')) });
    const stranger = { ca, ...(await leaf('store-client')) };
    const { told } = open(t, url, () => stranger);
    await until(() => told.length > 0);
    t.same(told, ['end']);
    const socket = connectTls({ host: '127.0.0.1', port, ca, ALPNProtocols: ['bramble-raft/1'] });
    socket.on('error', () => undefined);
    socket.once('secureConnect', () => socket.write(Buffer.from([0, 0, 0, 0, 2, 8, 1])));
    await new Promise((resolve) => socket.once('close', resolve));
    t.same(got, []);
  },
);

void t.test('MessageStream ends when the other side goes, or is of another cluster, or is none', async (t) => {
  const { url, server, got } = await serve(t);
  const first = open(t, url);
  await until(() => first.told.length > 0);
  first.stream.send({ clusterId: 2, messages: [] });
  await until(() => first.told.length > 1);
  t.same(first.told, ['open', 'end']);
  t.equal(got.length, 1);
  const second = open(t, url);
  await until(() => second.told.length > 0);
  await server.close(0);
  await until(() => second.told.length > 1);
  const third = open(t, url);
  await until(() => third.told.length > 0);
  t.same(third.told, ['end']);
  third.stream.send(append(1, 1));
  t.notOk(third.stream.isOpen);
});

void t.test('what is no message ends the connection, and no more than that', async (t) => {
  const { port, url, got } = await serve(t);
  const preface = Buffer.from('bramble-raft/1\n');
  const wrong = [
    Buffer.from([1, 0, 0, 0, 0]),
    Buffer.from([0, 0xff, 0, 0, 0]),
    Buffer.from([0, 0, 0, 0, 2, 0xff, 0xff]),
  ];
  for (const bytes of wrong) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.resume();
    socket.write(Buffer.concat([preface, bytes]));
    await new Promise((resolve) => socket.once('close', resolve));
  }
  t.same(got, []);
  const { told } = open(t, url);
  await until(() => told.length > 0);
  t.same(told, ['open']);
});

void t.test('MessageStream ends by itself when its pings stay without answer', { timeout: 20_000 }, async (t) => {
  let pings = 0;
  const server = createServer((socket) => {
    socket.on('data', () => {
      pings += 1;
      if (pings === 1) socket.write(Buffer.alloc(5)); // and then as if its plug were out
    });
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const { told } = open(t, `http://127.0.0.1:${port}`);
  await until(() => told.includes('end'));
  t.same(told, ['open', 'end']);
  t.equal(pings, 2);
});
