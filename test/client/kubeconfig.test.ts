import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';

function kubeconfig(user: string, server = 'https://10.0.0.1:6443/'): string {
  return `
apiVersion: v1
kind: Config
current-context: main
contexts: [{ name: main, context: { cluster: c, user: u, namespace: team } }]
clusters: [{ name: c, cluster: { server: '${server}', certificate-authority-data: ${btoa('the ca')} } }]
users: [{ name: u, user: ${user} }]
`;
}

void t.test('loadKubeconfig()', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-kubeconfig-'));
  t.teardown(async () => rm(folder, { recursive: true }));
  const path = join(folder, 'config');

  await t.test('reads inline data, and again when asked', async (t) => {
    await writeFile(path, kubeconfig(`{ client-certificate-data: ${btoa('cert')}, client-key-data: ${btoa('key')} }`));
    const config = await loadKubeconfig(path, { servers: ['https://10.0.0.2:6443'] });
    t.same(config.servers, ['https://10.0.0.2:6443', 'https://10.0.0.1:6443']);
    t.equal(config.namespace, 'team');
    t.same(config.files, [path]);
    t.same(await config.load(), { ca: 'the ca', cert: 'cert', key: 'key' });
    await writeFile(path, kubeconfig('{ token: fresh }'));
    t.same(await config.load(), { ca: 'the ca', token: 'fresh' });
  });

  await t.test('finds files beside itself', async (t) => {
    await writeFile(join(folder, 'me.crt'), 'cert');
    await writeFile(join(folder, 'me.key'), 'key');
    await writeFile(path, kubeconfig('{ client-certificate: me.crt, client-key: me.key }'));
    const config = await loadKubeconfig(path);
    t.same(config.files, [path, join(folder, 'me.crt'), join(folder, 'me.key')]);
    t.match(await config.load(), { cert: 'cert', key: 'key' });
  });

  await t.test('says what is wrong', async (t) => {
    await writeFile(path, kubeconfig('{}', 'http://10.0.0.1'));
    await t.rejects(loadKubeconfig(path), /server must be an https:\/\/ address: got "http:\/\/10.0.0.1"/);
    await writeFile(path, kubeconfig('{ exec: { command: x } }'));
    await t.rejects(loadKubeconfig(path), /only client certificates and tokens/);
    await t.rejects(loadKubeconfig(path, { context: 'other' }), /there is no context "other"/);
  });
});
