import { once } from 'node:events';
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import t, { type Test } from 'tap';
import type { KubeObject, Pod } from '../../../src/api/objects.ts';
import { notFound, StatusError } from '../../../src/api/status.ts';
import { createConnectHandlers } from '../../../src/apiserver/tunnel/connect-handlers.ts';
import type { KubeletTls } from '../../../src/apiserver/tunnel/open-request.ts';
import type { ConnectTransport } from '../../../src/apiserver/connect.ts';
import { SYSTEM_USER } from '../../../src/apiserver/authentication/authenticator.ts';
import { KindTable } from '../../../src/api/kinds/kind-table.ts';
import { KINDS } from '../../../src/api/kinds/rows.ts';
import type { RegistryAccess } from '../../../src/apiserver/registry/registry-access.ts';
import { createAuthority, issue, type Authority } from '../../../src/host/pki.ts';

const POD = {
  metadata: { namespace: 'default', name: 'web' },
  spec: {
    nodeName: 'w1',
    containers: [
      { name: 'a', image: 'i' },
      { name: 'b', image: 'i' },
    ],
  },
} as Pod;

/** Certificates of one authority: for the kubelet's address, and for the API server. */
async function certificates(
  authority: Authority,
  server = 'system:node:w1',
): Promise<{ serving: KubeletTls; client: KubeletTls }> {
  const make = async (commonName: string, usage: 'server' | 'client'): Promise<KubeletTls> => {
    const lifetimeMs = 3_600_000;
    const subject = { commonName };
    const pair = await issue({
      authority,
      subject,
      altNames: ['127.0.0.1'],
      usages: [usage],
      lifetimeMs,
      nowMs: Date.now(),
    });
    return { ca: authority.certPem, cert: pair.certPem, key: pair.keyPem };
  };
  return {
    serving: await make(server, 'server'),
    client: await make('kube-apiserver-kubelet-client', 'client'),
  };
}

interface Rig {
  /** Where clients ask. */
  readonly port: number;
  /** What the kubelet was asked for, each as `METHOD path as <common name>`. */
  readonly asked: readonly string[];
}

/** A kubelet that echoes, behind it a server that connects every request by its path `/resource/subresource/name`. */
async function rig(t: Test, clientTls?: KubeletTls, servedAs?: string): Promise<Rig> {
  const { serving, client } = await certificates(await createAuthority('kubernetes', Date.now()), servedAs);
  const asked: string[] = [];
  const kubelet = createTlsServer({ ...serving, requestCert: true, rejectUnauthorized: true }, kubeletAnswer(asked));
  kubelet.on('upgrade', (request: IncomingMessage, socket: Duplex) => {
    note(asked, request);
    if (request.url?.includes('refuse') === true)
      return socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno');
    socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n');
    return socket.pipe(socket);
  });
  const kubeletPort = await listen(t, kubelet);
  const node = {
    metadata: { name: 'w1' },
    status: {
      addresses: [{ type: 'InternalIP', address: '127.0.0.1' }],
      daemonEndpoints: { kubeletEndpoint: { Port: kubeletPort } },
    },
  } as KubeObject;
  const handlers = createConnectHandlers(() => clientTls ?? client);
  const registry = registryOf(
    new Map<string, KubeObject>([
      ['nodes/w1', node],
      ['pods/web', POD],
    ]),
  );
  const handle = async (transport: ConnectTransport): Promise<void> => {
    const url = new URL(transport.request.url ?? '/', 'http://x');
    const [resource = '', subresource = '', name = '', ...rest] = url.pathname.slice(1).split('/');
    const kind = new KindTable(KINDS).byResource(resource);
    const handler = handlers.get(`${resource}/${subresource}`);
    if (kind === undefined || handler === undefined) throw new Error(url.pathname);
    const namespace = kind.namespaced ? 'default' : '';
    const restPath = rest.length === 0 ? '' : `/${rest.join('/')}`;
    const request = {
      kind,
      subresource,
      namespace,
      name,
      restPath,
      query: url.searchParams,
      user: SYSTEM_USER,
      registry,
    };
    await handler.connect(request, transport, new AbortController().signal);
  };
  const server = createServer((request, response) => {
    handle({ type: 'exchange', request, response }).catch((error: unknown) => sendStatus(response, error));
  });
  server.on('upgrade', (request, socket, head) => {
    handle({ type: 'upgrade', request, socket, head }).catch((error: unknown) => {
      socket.end(`HTTP/1.1 500 x\r\nConnection: close\r\n\r\n${error instanceof Error ? error.message : ''}`);
    });
  });
  return { port: await listen(t, server), asked };
}

function kubeletAnswer(asked: string[]): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    note(asked, request);
    if (request.url?.includes('previous') === true) {
      response.writeHead(400).end('previous terminated container "a" in pod "web" not found');
      return;
    }
    response.writeHead(200, { 'content-type': 'text/plain' });
    response.write('first\n');
    if (request.url?.includes('follow') === true) return;
    response.end('last\n');
  };
}

function note(asked: string[], request: IncomingMessage): void {
  const socket = request.socket as TLSSocket;
  asked.push(`${request.method} ${request.url} as ${String(socket.getPeerCertificate().subject.CN)}`);
}

function registryOf(objects: ReadonlyMap<string, KubeObject>): RegistryAccess {
  const get = (resource: string, _namespace: string, name: string): Promise<KubeObject> => {
    const found = objects.get(`${resource}/${name}`);
    return found === undefined ? Promise.reject(notFound(resource, name)) : Promise.resolve(found);
  };
  return { get } as unknown as RegistryAccess;
}

async function listen(t: Test, server: Server | ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

function sendStatus(response: ServerResponse, error: unknown): void {
  if (response.headersSent) response.destroy();
  else if (error instanceof StatusError) response.writeHead(error.code).end(error.message);
  else response.writeHead(500).end(String(error));
}

async function get(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${await response.text()}`;
}

async function openUpgrade(
  port: number,
  path: string,
): Promise<{ socket: Duplex; response: IncomingMessage } | string> {
  const headers = { connection: 'Upgrade', upgrade: 'SPDY/3.1', authorization: 'Bearer secret' };
  const request = httpRequest({ port, host: '127.0.0.1', path, method: 'POST', headers });
  request.end();
  return new Promise((resolve, reject) => {
    request.once('upgrade', (response, socket) => resolve({ socket, response }));
    request.once('response', (response) => {
      text(response).then((body) => resolve(`${response.statusCode} ${body}`), reject);
    });
    request.once('error', reject);
  });
}

void t.test('exec passes bytes both ways, under our certificate, and closes both sides together', async (t) => {
  const { port, asked } = await rig(t);
  const opened = await openUpgrade(
    port,
    '/pods/exec/web?container=a&command=sh&command=-c&stdin=true&stdout=true&tty=true',
  );
  if (typeof opened === 'string') throw new Error(opened);
  t.same(asked, [
    'POST /exec/default/web/a?input=1&output=1&tty=1&command=sh&command=-c as kube-apiserver-kubelet-client',
  ]);
  const sent = Buffer.alloc(1 << 20, 'x');
  opened.socket.write(sent);
  let received = 0;
  for await (const chunk of opened.socket as AsyncIterable<Buffer>) {
    received += chunk.length;
    if (received === sent.length) break;
  }
  t.equal(received, sent.length);
});

void t.test('exec says which container is meant, or that there is none', async (t) => {
  const { port, asked } = await rig(t);
  t.equal(
    await openUpgrade(port, '/pods/exec/web?command=sh&stdout=1'),
    '500 a container name must be specified for pod web, choose one of: [a b]',
  );
  t.equal(
    await openUpgrade(port, '/pods/exec/web?container=c&command=sh&stdout=1'),
    '500 container c is not valid for pod web',
  );
  t.equal(await openUpgrade(port, '/pods/exec/gone?container=c&command=sh&stdout=1'), '500 pods "gone" not found');
  t.same(asked, []);
});

void t.test('a refusal of the kubelet reaches the client in its own words', async (t) => {
  const { port } = await rig(t);
  t.equal(await openUpgrade(port, '/pods/exec/web?container=a&command=refuse&stdout=1'), '403 no');
});

void t.test('logs come as the kubelet sends them, and its errors as a Status', async (t) => {
  const { port, asked } = await rig(t);
  t.equal(await get(port, '/pods/log/web?container=a&tailLines=5&bogus=1'), '200 first\nlast\n');
  t.match(asked, ['GET /containerLogs/default/web/a?tailLines=5 as kube-apiserver-kubelet-client']);
  t.equal(
    await get(port, '/pods/log/web?container=a&previous=true'),
    '400 previous terminated container "a" in pod "web" not found',
  );
  t.equal(
    await get(port, '/pods/log/web?container=a&tailLines=-1'),
    '422 PodLogOptions "web" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0',
  );
});

void t.test('a follower reads what is there at once', async (t) => {
  const { port } = await rig(t);
  const stop = new AbortController();
  const response = await fetch(`http://127.0.0.1:${port}/pods/log/web?container=a&follow=true`, {
    signal: stop.signal,
  });
  const reader = response.body?.getReader();
  t.equal(Buffer.from((await reader?.read())?.value ?? []).toString(), 'first\n');
  stop.abort();
});

void t.test('nodes/proxy passes path and query on', async (t) => {
  const { port, asked } = await rig(t);
  t.equal(await get(port, '/nodes/proxy/w1/stats/summary?only=1'), '200 first\nlast\n');
  t.same(asked, ['GET /stats/summary?only=1 as kube-apiserver-kubelet-client']);
});

void t.test('clients that break off take nothing down with them', async (t) => {
  const { port, asked } = await rig(t);
  const opened = await openUpgrade(port, '/pods/exec/web?container=a&command=sh&stdin=true&stdout=true');
  if (typeof opened === 'string') throw new Error(opened);
  (opened.socket as Socket).resetAndDestroy();
  const early = connect(port, '127.0.0.1');
  await once(early, 'connect');
  early.write(
    'POST /pods/exec/web?container=a&command=sh&stdout=1 HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n\r\n',
  );
  await new Promise((resolve) => setImmediate(resolve));
  early.resetAndDestroy();
  t.equal(await get(port, '/pods/log/web?container=a'), '200 first\nlast\n', 'still there');
  t.ok(asked.length >= 2);
});

void t.test('a kubelet of another authority is not spoken to', async (t) => {
  const { client } = await certificates(await createAuthority('stranger', Date.now()));
  const { port, asked } = await rig(t, client);
  t.match(await get(port, '/pods/log/web?container=a'), /^500 error dialing backend: /);
  t.same(asked, []);
});

// A node writes its own addresses: it could name those of another, or of an API server, where our rights are greater.
void t.test("another server of the cluster's authority is not taken for the node's kubelet", async (t) => {
  for (const server of ['system:node:w2', 'kube-apiserver']) {
    const { port, asked } = await rig(t, undefined, server);
    t.match(
      await get(port, '/nodes/proxy/w1/pods'),
      /^500 error dialing backend: 127\.0\.0\.1 is not the kubelet of node w1/,
    );
    t.same(asked, []);
  }
});
