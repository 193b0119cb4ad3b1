import { connect } from 'node:net';
import { performance } from 'node:perf_hooks';
import t from 'tap';
import type { Pipeline } from '../../src/apiserver/pipeline.ts';
import { runServer } from '../../src/apiserver/server.ts';
import type { ServingTls } from '../../src/apiserver/serving-tls.ts';
import { silentLog } from '../../src/host/log.ts';
import { createAuthority, issue } from '../../src/host/pki.ts';

void t.test('runServer() ends at once, though a client is in the middle of its handshake', async (t) => {
  const authority = await createAuthority('kubernetes', Date.now());
  const { certPem, keyPem } = await issue({
    authority,
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    altNames: ['127.0.0.1'],
    nowMs: Date.now(),
    lifetimeMs: 3_600_000,
  });
  const tls: Pick<ServingTls, 'current' | 'onChange'> = {
    current: () => ({ cert: Buffer.from(certPem), key: Buffer.from(keyPem), ca: Buffer.from(authority.certPem) }),
    onChange: () => () => undefined,
  };
  const pipeline: Pick<Pipeline, 'handle'> = { handle: async () => undefined };
  const listening = Promise.withResolvers<number>();
  const stop = new AbortController();
  const served = runServer(
    {
      tls: tls as ServingTls,
      pipeline: pipeline as Pipeline,
      bindAddress: '127.0.0.1',
      port: 0,
      log: silentLog,
      onListening: listening.resolve,
    },
    stop.signal,
  );
  const socket = connect({ host: '127.0.0.1', port: await listening.promise });
  t.teardown(() => socket.destroy());
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('connect', resolve));
  const startMs = performance.now();
  stop.abort();
  await served;
  t.ok(performance.now() - startMs < 5000, 'not only when the handshake has taken too long');
});
