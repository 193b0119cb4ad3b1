import type { AddressInfo } from 'node:net';
import { createSecureServer, type ServerHttp2Session } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import t, { type Test } from 'tap';
import { createAuthority, issue } from '../../src/host/pki.ts';
import { ApiProbe } from '../../src/network/api-probe.ts';

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(5);
}

interface Served {
  readonly port: number;
  /** TCP connections taken so far. */
  connections(): number;
  readonly sessions: Set<ServerHttp2Session>;
  /** Stops listening and ends what is open. */
  stop(): Promise<void>;
}

async function serve(t: Test): Promise<Served> {
  const authority = await createAuthority('kubernetes', Date.now());
  const { certPem, keyPem } = await issue({
    authority,
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    altNames: ['127.0.0.1'],
    nowMs: Date.now(),
    lifetimeMs: 3_600_000,
  });
  const server = createSecureServer({ cert: certPem, key: keyPem });
  const sessions = new Set<ServerHttp2Session>();
  let count = 0;
  server.on('connection', () => (count += 1));
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => undefined);
  });
  server.on('tlsClientError', () => undefined);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const session of sessions) session.destroy();
    await closed;
  };
  t.teardown(stop);
  return { port: (server.address() as AddressInfo).port, connections: () => count, sessions, stop };
}

void t.test('isServed() asks over one connection, and tells at once when it is lost', async (t) => {
  const served = await serve(t);
  let lost = 0;
  const probe = new ApiProbe({ address: '127.0.0.1', port: served.port, onLost: () => (lost += 1) });
  t.teardown(() => probe.drop());
  const ask = async (): Promise<boolean> => probe.isServed(AbortSignal.timeout(2000));

  t.equal(await ask(), true);
  await until(() => served.sessions.size === 1);
  const before = served.connections();
  for (let i = 0; i < 5; i += 1) t.equal(await ask(), true);
  t.equal(served.connections(), before, 'no connection more');
  t.equal(lost, 0);

  await served.stop();
  await until(() => lost === 1);
  t.equal(await ask(), false);
});

void t.test('drop() ends the connection, untold, and the next question makes another', async (t) => {
  const served = await serve(t);
  let lost = 0;
  const probe = new ApiProbe({ address: '127.0.0.1', port: served.port, onLost: () => (lost += 1) });
  t.teardown(() => probe.drop());
  t.equal(await probe.isServed(AbortSignal.timeout(2000)), true);
  await until(() => served.sessions.size === 1);
  // The server's side stands a moment before this one.
  await until(async () => {
    const before = served.connections();
    return (await probe.isServed(AbortSignal.timeout(2000))) && served.connections() === before;
  });
  const [session] = served.sessions;
  probe.drop();
  await until(() => session?.destroyed === true);
  t.equal(lost, 0);
  t.equal(await probe.isServed(AbortSignal.timeout(2000)), true);
});

void t.test('isServed() is false where nobody listens', async (t) => {
  const served = await serve(t);
  await served.stop();
  const probe = new ApiProbe({ address: '127.0.0.1', port: served.port, onLost: () => undefined });
  t.equal(await probe.isServed(AbortSignal.timeout(2000)), false);
  probe.drop();
});
