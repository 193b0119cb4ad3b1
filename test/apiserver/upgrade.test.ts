import { connect, type TLSSocket } from 'node:tls';
import t from 'tap';
import { badRequest } from '../../src/api/status.ts';
import type { ConnectHandler } from '../../src/apiserver/connect.ts';
import { call } from './http-client.ts';
import { startTestCluster, type TestCluster } from './test-cluster.ts';

/** Says yes to the upgrade, then sends back what it gets, in capitals; refuses the container `none`. */
const echo: ConnectHandler = {
  async connect({ query }, transport) {
    if (transport.type !== 'upgrade') throw badRequest('Upgrade request required');
    if (query.get('container') === 'none') throw badRequest('container none is not valid for pod p');
    const { socket, head } = transport;
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n');
    if (head.length > 0) socket.write(head.toString().toUpperCase());
    socket.on('data', (bytes: Buffer) => socket.write(bytes.toString().toUpperCase()));
    await new Promise((resolve) => socket.once('close', resolve));
  },
};

async function start(t: { teardown(work: () => Promise<void>): void }): Promise<TestCluster> {
  const cluster = await startTestCluster({ admissionPlugins: [], connectHandlers: new Map([['pods/exec', echo]]) });
  t.teardown(() => cluster.close());
  const body = { metadata: { name: 'p' }, spec: { containers: [{ name: 'a', image: 'x' }] } };
  await call(cluster, 'POST', '/api/v1/namespaces/default/pods', { body });
  return cluster;
}

function open(cluster: TestCluster, path: string, identity = cluster.admin): Promise<TLSSocket> {
  const { port } = new URL(cluster.url);
  const socket = connect({
    host: '127.0.0.1',
    port: Number(port),
    ca: cluster.ca,
    cert: identity.certPem,
    key: identity.keyPem,
    ALPNProtocols: ['http/1.1'],
  });
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: SPDY/3.1\r\n\r\n`);
      resolve(socket);
    });
  });
}

async function until(socket: TLSSocket, wanted: RegExp): Promise<string> {
  let text = '';
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    text += bytes.toString();
    if (wanted.test(text)) break;
  }
  return text;
}

const EXEC = '/api/v1/namespaces/default/pods/p/exec';

void t.test('an upgrade passes through as bytes, both ways', async (t) => {
  const cluster = await start(t);
  const socket = await open(cluster, `${EXEC}?container=a&command=sh`);
  socket.write('hello');
  const text = await until(socket, /HELLO/);
  t.match(text, /^HTTP\/1.1 101 Switching Protocols\r\n/);
  socket.destroy();
});

void t.test(
  'a handler’s refusal, a missing pod and a user without rights get a Status instead of the upgrade',
  async (t) => {
    const cluster = await start(t);
    const nobody = await cluster.issueClient('nobody');
    for (const [path, identity, code, message] of [
      [`${EXEC}?container=none`, cluster.admin, 400, 'container none is not valid for pod p'],
      [EXEC.replace('/p/', '/q/'), cluster.admin, 404, 'pods \\"q\\" not found'],
      [EXEC, nobody, 403, 'cannot create resource'],
    ] as const) {
      const socket = await open(cluster, path, identity);
      const text = await until(socket, /\}\n$/);
      t.match(text, new RegExp(`^HTTP/1.1 ${code} `));
      t.match(text, message);
      socket.destroy();
    }
  },
);

void t.test('a stream that is open does not hold up the end of the server', async (t) => {
  const cluster = await start({ teardown: () => undefined });
  const socket = await open(cluster, EXEC);
  socket.on('error', () => undefined);
  await until(socket, /101/);
  await cluster.close();
  t.pass('each wait came to its end');
});
