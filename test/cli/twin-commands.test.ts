import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import t from 'tap';
import { formatYaml } from '../../src/api/yaml.ts';
import { createHttpApiClient } from '../../src/client/http-api-client.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { deployments, pods } from '../../src/client/resources.ts';
import { silentLog } from '../../src/host/log.ts';
import { createAuthority, createKey, issue, type Authority, type Subject } from '../../src/host/pki.ts';
import { startFakeEtcd } from '../fake/etcd.ts';
import { freePort } from '../fake/free-port.ts';

/** The parts as processes of their own, put together by their upstream twins' flags alone. */

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const LIFE_MS = 86_400_000;
t.setTimeout(120_000);

async function certificate(authority: Authority, subject: Subject, altNames: string[] = []) {
  return issue({ authority, subject, usages: ['server', 'client'], altNames, nowMs: Date.now(), lifetimeMs: LIFE_MS });
}

void t.test(
  'apiserver, scheduler and controller-manager start alone and make pods of a Deployment',
  { timeout: 120_000 },
  async (t) => {
    const folder = await mkdtemp(join(tmpdir(), 'bramble-twins-'));
    const children: ChildProcess[] = [];
    const etcd = await startFakeEtcd();
    t.teardown(async () => {
      for (const child of children) child.kill('SIGKILL');
      await etcd.close();
      await rm(folder, { recursive: true });
    });
    const write = async (name: string, text: string): Promise<string> => {
      await writeFile(join(folder, name), text, { mode: 0o600 });
      return join(folder, name);
    };
    const authority = await createAuthority('twins', Date.now());
    const serving = await certificate(authority, { commonName: 'kube-apiserver' }, ['127.0.0.1']);
    const [ca, caKey] = [await write('ca.crt', authority.certPem), await write('ca.key', authority.keyPem)];
    const port = await freePort();
    const kubeconfig = async (name: string, subject: Subject): Promise<string> => {
      const { certPem, keyPem } = await certificate(authority, subject);
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      return write(
        `${name}.kubeconfig`,
        formatYaml({
          clusters: [{ name: 'c', cluster: { server: `https://127.0.0.1:${port}`, 'certificate-authority': ca } }],
          users: [
            { name: 'u', user: { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) } },
          ],
          contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
          'current-context': 'x',
        }),
      );
    };
    const start = (...argv: string[]): void => {
      children.push(spawn(process.execPath, [MAIN, ...argv], { stdio: 'ignore' }));
    };
    start(
      'apiserver',
      `--etcd-servers=${etcd.url}`,
      '--bind-address=127.0.0.1',
      `--secure-port=${port}`,
      '--advertise-address=192.0.2.1',
      `--tls-cert-file=${await write('api.crt', serving.certPem)}`,
      `--tls-private-key-file=${await write('api.key', serving.keyPem)}`,
      `--client-ca-file=${ca}`,
      `--service-account-signing-key-file=${await write('sa.key', await createKey())}`,
    );
    start('scheduler', `--kubeconfig=${await kubeconfig('scheduler', { commonName: 'system:kube-scheduler' })}`);
    start(
      'controller-manager',
      `--kubeconfig=${await kubeconfig('controllers', { commonName: 'system:kube-controller-manager' })}`,
      `--cluster-signing-cert-file=${ca}`,
      `--cluster-signing-key-file=${caKey}`,
    );
    const admin = await kubeconfig('admin', { commonName: 'admin', organizations: ['system:masters'] });
    const client = createHttpApiClient({ config: await loadKubeconfig(admin), userAgent: 'test', log: silentLog });
    t.teardown(() => client.close());

    const template = { metadata: { labels: { app: 'x' } }, spec: { containers: [{ name: 'c', image: 'i' }] } };
    const wanted = { replicas: 2, selector: { matchLabels: { app: 'x' } }, template };
    const deployment = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { namespace: 'default', name: 'x' },
      spec: wanted,
    } as const;
    for (let made = false; !made; await sleep(200))
      made = await client.create(deployments, deployment).then(
        () => true,
        () => false,
      );
    let unschedulable = 0;
    while (unschedulable < 2) {
      await sleep(200);
      const { items } = await client.list(pods, { namespace: 'default' });
      unschedulable = items.filter((pod) =>
        pod.status?.conditions?.some(({ reason }) => reason === 'Unschedulable'),
      ).length;
    }
    t.equal(unschedulable, 2, 'controllers made them, the scheduler has seen them');
  },
);

void t.test('a flag that is missing or wrong is said in one line', { timeout: 60_000 }, async (t) => {
  const run = async (...argv: string[]): Promise<{ code: number | null; said: string }> => {
    const child = spawn(process.execPath, [MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
    return { code, said: said.trim() };
  };
  const missing = await run('scheduler');
  t.equal(missing.code, 1);
  t.match(missing.said, /^error: required option '--kubeconfig <file>' not specified$/);
  const unreadable = await run('scheduler', '--kubeconfig=/nowhere');
  t.equal(unreadable.code, 1);
  t.match(unreadable.said, /\/nowhere.*ended by a failure/);
  const unlabelled = await run(
    'kubelet',
    '--kubeconfig=/nowhere',
    '--tls-cert-file=/nowhere',
    '--tls-private-key-file=/nowhere',
    '--client-ca-file=/nowhere',
    '--node-ip=127.0.0.1',
  );
  t.equal(unlabelled.code, 1);
  t.match(unlabelled.said, /\/nowhere/);
  t.match((await run('dns')).said, /^error: required option '--kubeconfig <file>' not specified$/);
});
