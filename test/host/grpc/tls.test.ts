import { request } from 'node:https';
import { connect as connectTcp } from 'node:net';
import t from 'tap';
import { GrpcChannel } from '../../../src/host/grpc/grpc-channel.ts';
import { isGrpcCode } from '../../../src/host/grpc/grpc-error.ts';
import { GrpcServer } from '../../../src/host/grpc/grpc-server.ts';
import { serveUnary } from '../../../src/host/grpc/grpc-service.ts';
import { createAuthority, issue } from '../../../src/host/pki.ts';
import type { Authority } from '../../../src/host/pki.ts';
import { echo } from './echo.ts';

const DAY_MS = 86_400_000;

async function leaf(authority: Authority, commonName: string) {
  const { certPem, keyPem } = await issue({
    authority,
    usages: ['server', 'client'],
    nowMs: Date.now(),
    lifetimeMs: DAY_MS,
    subject: { commonName },
    altNames: ['127.0.0.1'],
  });
  return { cert: certPem, key: keyPem };
}

const caught = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => undefined).catch((e: unknown) => e);

async function setup() {
  const authority = await createAuthority('ca', Date.now());
  const stranger = await createAuthority('other', Date.now());
  const options = {
    methods: [serveUnary(echo, (_request, call) => ({ text: call.peerCommonName ?? 'nobody' }))],
    tls: { ...(await leaf(authority, 'server')), clientCa: authority.certPem },
    allowClient: (name: string) => name !== 'refused',
    onHttp: (_request: unknown, response: { end(text: string): unknown }) => void response.end('over http'),
  };
  const server = new GrpcServer(options);
  const port = await server.listen({ host: '127.0.0.1', port: 0 });
  return { authority, stranger, server, url: `https://127.0.0.1:${port}`, port };
}

void t.test('only clients with a certificate of the authority, and an allowed name, get through', async (t) => {
  const { authority, stranger, server, url } = await setup();
  const call = async (tls: object): Promise<unknown> => {
    const channel = new GrpcChannel({ url, tls: () => ({ ca: authority.certPem, ...tls }), connectTimeoutMs: 2000 });
    try {
      return await channel.unary(echo, {}, { timeoutMs: 2000 });
    } finally {
      channel.close();
    }
  };
  t.match(await call(await leaf(authority, 'store-client')), { text: 'store-client' });
  t.ok(isGrpcCode(await caught(call({})), 'UNAVAILABLE'), 'no certificate');
  t.ok(isGrpcCode(await caught(call(await leaf(stranger, 'store-client'))), 'UNAVAILABLE'), 'of another authority');
  t.ok(isGrpcCode(await caught(call(await leaf(authority, 'refused'))), 'UNAVAILABLE'), 'not allowed');
  const wrong = new GrpcChannel({ url, tls: () => ({ ca: stranger.certPem }), connectTimeoutMs: 2000 });
  t.ok(isGrpcCode(await caught(wrong.unary(echo, {})), 'UNAVAILABLE'), 'a server of another authority');
  wrong.close();
  await server.close(0);
});

void t.test('renewTls() shows the new certificate to new connections, and old ones go on', async (t) => {
  const { authority, server, url } = await setup();
  const client = await leaf(authority, 'c');
  const next = await createAuthority('next', Date.now());
  const open = (ca: string) => new GrpcChannel({ url, tls: () => ({ ca, ...client }), connectTimeoutMs: 2000 });
  const old = open(authority.certPem);
  await old.unary(echo, {});
  server.renewTls({ ...(await leaf(next, 'server')), clientCa: authority.certPem });
  t.match(await old.unary(echo, {}), { text: 'c' });
  const fresh = open(next.certPem);
  t.match(await fresh.unary(echo, {}), { text: 'c' });
  const late = open(authority.certPem);
  t.ok(isGrpcCode(await caught(late.unary(echo, {})), 'UNAVAILABLE'));
  for (const channel of [old, fresh, late]) channel.close();
  await server.close(0);
});

void t.test('HTTP/1.1 on the same port reaches onHttp, with a certificate', async (t) => {
  const { authority, server, port } = await setup();
  const client = await leaf(authority, 'c');
  const text = await new Promise<string>((resolve, reject) => {
    request({ host: '127.0.0.1', port, ca: authority.certPem, ...client, agent: false }, (response) => {
      let body = '';
      response.on('data', (chunk: Buffer) => (body += chunk.toString()));
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
  t.equal(text, 'over http');
  await server.close(0);
});

// Anybody on the network can open a connection; only certificates get further.
void t.test('GrpcServer ends a connection that does not finish its handshake', { timeout: 20_000 }, async (t) => {
  const { server, port } = await setup();
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const socket = connectTcp(port, '127.0.0.1').on('error', () => undefined);
    socket.resume();
    socket.once('close', () => resolve());
  });
  t.ok(performance.now() - startMs < 12_000);
  await server.close(0);
});
