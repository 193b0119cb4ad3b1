import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatYaml } from '../../src/api/yaml.ts';
import { createHttpApiClient, type HttpApiClient } from '../../src/client/http-api-client.ts';
import { loadKubeconfig } from '../../src/client/kubeconfig.ts';
import { silentLog } from '../../src/host/log.ts';
import { createAuthority, createKey, issue, type Subject } from '../../src/host/pki.ts';
import { freePort } from '../fake/free-port.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const LIFE_MS = 86_400_000;

/** Processes of a cluster on loopback, each ours or its upstream twin, with keys in a folder of their own. */
export interface TwinCluster {
  readonly folder: string;
  /** Path of a file of the folder: `ca.crt`, `ca.key`, `sa.key`, `sa.pub`, `api.crt`, `api.key`. */
  readonly file: (name: string) => string;
  /** A kubeconfig for the API server on this port; gives its path. */
  readonly kubeconfig: (name: string, port: number, subject: Subject) => Promise<string>;
  /** Starts a program, `bramble` for ours. What it says is in the folder's `<name>.log`. */
  readonly start: (name: string, program: string, argv: readonly string[]) => ChildProcess;
  readonly log: (name: string) => Promise<string>;
  /** As the administrator, to the API server on this port. */
  readonly client: (port: number) => Promise<HttpApiClient>;
  /** Ends all of them, and those that were started in between. */
  readonly close: () => Promise<void>;
}

/** Makes the keys; starts nothing. */
export async function openTwinCluster(): Promise<TwinCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-twins-'));
  const children: ChildProcess[] = [];
  const clients: HttpApiClient[] = [];
  const file = (name: string): string => join(folder, name);
  const write = async (name: string, text: string): Promise<void> => writeFile(file(name), text, { mode: 0o600 });
  const authority = await createAuthority('twins', Date.now());
  const sign = async (subject: Subject, altNames: string[] = []) =>
    issue({ authority, subject, usages: ['server', 'client'], altNames, nowMs: Date.now(), lifetimeMs: LIFE_MS });
  const serving = await sign({ commonName: 'kube-apiserver' }, ['127.0.0.1', 'localhost', '10.96.0.1']);
  await write('ca.crt', authority.certPem);
  await write('ca.key', authority.keyPem);
  await write('api.crt', serving.certPem);
  await write('api.key', serving.keyPem);
  const signing = await createKey();
  await write('sa.key', signing);
  await write('sa.pub', createPublicKey(signing).export({ type: 'spki', format: 'pem' }).toString());
  const self: TwinCluster = {
    folder,
    file,
    kubeconfig: async (name, port, subject) => {
      const { certPem, keyPem } = await sign(subject);
      const base64 = (text: string): string => Buffer.from(text).toString('base64');
      const cluster = { server: `https://127.0.0.1:${port}`, 'certificate-authority': file('ca.crt') };
      const user = { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) };
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'c', cluster }],
        users: [{ name: 'u', user }],
        contexts: [{ name: 'x', context: { cluster: 'c', user: 'u' } }],
        'current-context': 'x',
      };
      await write(`${name}.kubeconfig`, formatYaml(config));
      return file(`${name}.kubeconfig`);
    },
    start: (name, program, argv) => {
      const [path, before] = program === 'bramble' ? [process.execPath, [MAIN]] : [program, []];
      const log = openSync(file(`${name}.log`), 'a');
      const child = spawn(path, [...before, ...argv], { stdio: ['ignore', log, log], cwd: folder });
      children.push(child);
      return child;
    },
    log: async (name) => readFile(file(`${name}.log`), 'utf8'),
    client: async (port) => {
      const path = await self.kubeconfig(`admin-${port}`, port, {
        commonName: 'admin',
        organizations: ['system:masters'],
      });
      const client = createHttpApiClient({ config: await loadKubeconfig(path), userAgent: 'test', log: silentLog });
      clients.push(client);
      return client;
    },
    close: async () => {
      for (const client of clients) client.close();
      const living = children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
      const ended = living.map(async (child) => new Promise((resolve) => child.once('exit', resolve)));
      for (const child of living) child.kill('SIGKILL');
      await Promise.all(ended);
      await rm(folder, { recursive: true, force: true });
    },
  };
  return self;
}

/** Whose program a part is. */
export type Maker = 'bramble' | 'upstream';

/** Path of an upstream program: of BRAMBLE_TWIN_DIR. */
export function twin(name: string): string {
  return join(process.env['BRAMBLE_TWIN_DIR'] ?? '/BRAMBLE_TWIN_DIR is not set', name);
}

/** Starts a store of one member; gives its URL. `upstream` is the etcd of the PATH. */
export async function startStore(cluster: TwinCluster, maker: Maker, name = 'store'): Promise<string> {
  const [url, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
  cluster.start(name, maker === 'bramble' ? 'bramble' : 'etcd', [
    ...(maker === 'bramble' ? ['store'] : []),
    '--name=one',
    `--data-dir=${cluster.file(name)}`,
    `--listen-client-urls=${url}`,
    `--advertise-client-urls=${url}`,
    `--listen-peer-urls=${peer}`,
    `--initial-advertise-peer-urls=${peer}`,
    `--initial-cluster=one=${peer}`,
  ]);
  return url ?? '';
}

/** Starts an API server over that store; gives its port. All flags are the same for both makers. */
export async function startApiServer(
  cluster: TwinCluster,
  maker: Maker,
  etcd: string,
  name = 'apiserver',
): Promise<number> {
  const port = await freePort();
  const { file } = cluster;
  const ours = maker === 'bramble';
  cluster.start(name, ours ? 'bramble' : twin('kube-apiserver'), [
    ...(ours ? ['apiserver'] : ['--authorization-mode=Node,RBAC', '--endpoint-reconciler-type=none']),
    ...(ours ? [] : ['--enable-bootstrap-token-auth', `--service-account-key-file=${file('sa.pub')}`]),
    `--etcd-servers=${etcd}`,
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    '--advertise-address=192.0.2.1',
    `--tls-cert-file=${file('api.crt')}`,
    `--tls-private-key-file=${file('api.key')}`,
    `--client-ca-file=${file('ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    `--service-account-signing-key-file=${file('sa.key')}`,
    '--service-cluster-ip-range=10.96.0.0/12',
  ]);
  return port;
}

/** Starts a scheduler. */
export async function startScheduler(cluster: TwinCluster, maker: Maker, port: number): Promise<void> {
  const kubeconfig = await cluster.kubeconfig('scheduler', port, { commonName: 'system:kube-scheduler' });
  const ours = maker === 'bramble';
  cluster.start('scheduler', ours ? 'bramble' : twin('kube-scheduler'), [
    ...(ours ? ['scheduler'] : ['--secure-port=0']),
    `--kubeconfig=${kubeconfig}`,
  ]);
}

/** Starts a controller manager. */
export async function startControllers(cluster: TwinCluster, maker: Maker, port: number): Promise<void> {
  const { file } = cluster;
  const kubeconfig = await cluster.kubeconfig('controllers', port, { commonName: 'system:kube-controller-manager' });
  const upstream = [
    '--secure-port=0',
    '--use-service-account-credentials',
    '--allocate-node-cidrs',
    '--controllers=*,bootstrapsigner,tokencleaner',
    `--root-ca-file=${file('ca.crt')}`,
    `--service-account-private-key-file=${file('sa.key')}`,
    '--service-cluster-ip-range=10.96.0.0/12',
  ];
  const ours = maker === 'bramble';
  cluster.start('controllers', ours ? 'bramble' : twin('kube-controller-manager'), [
    ...(ours ? ['controller-manager', '--use-service-account-credentials'] : upstream),
    `--kubeconfig=${kubeconfig}`,
    `--cluster-signing-cert-file=${file('ca.crt')}`,
    `--cluster-signing-key-file=${file('ca.key')}`,
    '--cluster-cidr=10.244.0.0/16',
  ]);
}
