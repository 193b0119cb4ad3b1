import { createSecureServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import t from 'tap';
import { Http2Connection } from '../../src/client/http2-connection.ts';
import { createAuthority, issue } from '../../src/host/pki.ts';

const LIMITS = { connectTimeoutMs: 2000, pingEveryMs: 1000, pingTimeoutMs: 1000 };

void t.test("Http2Connection.open() takes an API server's certificate and refuses a kubelet's", async (t) => {
  const authority = await createAuthority('kubernetes', Date.now());
  const open = async (commonName: string): Promise<Http2Connection> => {
    const { certPem, keyPem } = await issue({
      authority,
      subject: { commonName },
      usages: ['server'],
      altNames: ['127.0.0.1'],
      nowMs: Date.now(),
      lifetimeMs: 3_600_000,
    });
    const server = createSecureServer({ cert: certPem, key: keyPem });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.teardown(() => server.close());
    const { port } = server.address() as AddressInfo;
    return Http2Connection.open(`https://127.0.0.1:${port}`, { ca: authority.certPem }, LIMITS);
  };

  (await open('kube-apiserver')).destroy();
  await t.rejects(open('system:node:w1'), /127\.0\.0\.1 is no API server: its certificate is that of system:node:w1/);
});
