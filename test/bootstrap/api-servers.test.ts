import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import t, { type Test } from 'tap';
import { ApiServers } from '../../src/bootstrap/api-servers.ts';
import { silentLog } from '../../src/host/log.ts';
import { type Authority, createAuthority, issue, publicKeyHash } from '../../src/host/pki.ts';

async function serve(t: Test, authority: Authority): Promise<number> {
  const { certPem, keyPem } = await issue({
    authority,
    subject: { commonName: 'kube-apiserver' },
    usages: ['server'],
    altNames: ['127.0.0.1'],
    nowMs: Date.now(),
    lifetimeMs: 3_600_000,
  });
  const server = createServer({ cert: certPem + authority.certPem, key: keyPem });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

// The announcement's hash is public: anybody can announce a hundred servers of this cluster.
void t.test('ApiServers keeps what proves itself, and nothing that was only announced', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-api-servers-'));
  t.teardown(async () => rm(folder, { recursive: true }));
  const [authority, stranger] = [
    await createAuthority('kubernetes', Date.now()),
    await createAuthority('x', Date.now()),
  ];
  const [own, other] = [await serve(t, authority), await serve(t, stranger)];
  const options = {
    path: join(folder, 'api-servers.json'),
    caHash: publicKeyHash(authority.certPem),
    ownAddress: '127.0.0.9',
    first: ['https://10.77.0.10:6443'],
    log: silentLog,
  };
  const servers = new ApiServers(options);
  servers.hear({ address: '127.0.0.1', port: other });
  for (let port = 1; port <= 100; port += 1) servers.hear({ address: '127.0.0.2', port });
  servers.hear({ address: '127.0.0.1', port: own });
  await servers.proveHeard();
  const urls = ['https://10.77.0.10:6443', `https://127.0.0.1:${own}`];
  t.same(servers.urls(), urls);

  const again = new ApiServers(options);
  await again.load();
  t.same(again.urls(), urls, 'and remembers it');
});
