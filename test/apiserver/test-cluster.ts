import { spawn, execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createAuthority, createKey, issue } from '../../src/host/pki.ts';
import type { ApiServerOptions } from '../../src/apiserver/options.ts';
import { startFakeEtcd } from '../fake/etcd.ts';
import { freePort } from '../fake/free-port.ts';
import { runApiServer } from '../../src/apiserver/run-apiserver.ts';

const run = promisify(execFile);

/** A running API server over a store of its own, and what is needed to talk to it. */
export interface TestCluster {
  readonly url: string;
  readonly folder: string;
  readonly ca: string;
  readonly admin: { readonly certPem: string; readonly keyPem: string };
  /** Runs the system's kubectl as kubernetes-admin; gives stdout, throws with stderr. */
  readonly kubectl: (args: readonly string[], input?: string) => Promise<string>;
  /** A client certificate of the cluster's CA. */
  issueClient(
    commonName: string,
    organizations?: readonly string[],
    days?: number,
  ): Promise<{ certPem: string; keyPem: string }>;
  close(): Promise<void>;
}

export interface TestClusterOptions extends Partial<ApiServerOptions> {
  /** `etcd`: the twin's own process (Debian's etcd-server); `fake`: the store's engine in this process. */
  readonly store?: 'etcd' | 'fake';
}

/** Starts a store and an API server on loopback, both on free ports, with keys in a folder of their own. */
export async function startTestCluster({
  store = 'fake',
  ...overrides
}: TestClusterOptions = {}): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-apiserver-'));
  const etcd = store === 'etcd' ? await startEtcd(folder) : await startFakeEtcd();
  const authority = await createAuthority('kubernetes', Date.now());
  const client = (commonName: string, organizations: readonly string[] = [], days = 1) =>
    issue({
      authority,
      subject: { commonName, organizations },
      usages: ['client'],
      lifetimeMs: days * 86_400_000,
      nowMs: Date.now(),
    });
  const serving = await issue({
    authority,
    subject: { commonName: 'kube-apiserver' },
    altNames: ['127.0.0.1', 'localhost'],
    usages: ['server'],
    lifetimeMs: 86_400_000,
    nowMs: Date.now(),
  });
  const admin = await client('kubernetes-admin', ['system:masters']);
  const path = (name: string): string => join(folder, name);
  await Promise.all([
    writeFile(path('ca.crt'), authority.certPem),
    writeFile(path('apiserver.crt'), serving.certPem),
    writeFile(path('apiserver.key'), serving.keyPem),
    writeFile(path('sa.key'), await createKey()),
  ]);
  const stop = new AbortController();
  const listening = Promise.withResolvers<number>();
  const server = runApiServer(
    {
      etcdServers: [etcd.url],
      bindAddress: '127.0.0.1',
      securePort: await freePort(),
      tlsCertFile: path('apiserver.crt'),
      tlsPrivateKeyFile: path('apiserver.key'),
      clientCaFile: path('ca.crt'),
      serviceAccountIssuer: 'https://kubernetes.default.svc.cluster.local',
      serviceAccountSigningKeyFile: path('sa.key'),
      serviceAccountKeyFiles: [],
      apiAudiences: [],
      advertiseAddress: '192.0.2.10',
      serviceClusterIpRange: '10.96.0.0/12',
      onListening: (port) => listening.resolve(port),
      ...overrides,
    },
    stop.signal,
  );
  server.catch((error: unknown) => listening.reject(error as Error));
  const url = `https://127.0.0.1:${await listening.promise}`;
  const kubeconfig = path('kubeconfig');
  await writeFile(kubeconfig, kubeconfigOf(url, authority.certPem, admin));
  return {
    url,
    folder,
    ca: authority.certPem,
    admin,
    issueClient: client,
    kubectl: async (args, input) => {
      const child = run('kubectl', [...args], { env: { ...process.env, KUBECONFIG: kubeconfig, HOME: folder } });
      if (input !== undefined) child.child.stdin?.end(input);
      return (await child).stdout;
    },
    close: async () => {
      stop.abort();
      await server;
      await etcd.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startEtcd(folder: string): Promise<{ url: string; close(): Promise<void> }> {
  const [clientPort, peerPort] = [await freePort(), await freePort()];
  const url = `http://127.0.0.1:${clientPort}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const child = spawn(
    'etcd',
    [
      `--data-dir=${join(folder, 'etcd')}`,
      `--listen-client-urls=${url}`,
      `--advertise-client-urls=${url}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--log-level=error',
    ],
    { stdio: 'ignore' },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await isHealthy(`${url}/health`);
  return {
    url,
    close: async () => {
      child.kill('SIGKILL');
      await ended;
    },
  };
}

async function isHealthy(url: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const answer = await fetch(url).catch(() => undefined);
    if (answer?.ok) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no answer from ${url}`);
}

function kubeconfigOf(server: string, ca: string, { certPem, keyPem }: { certPem: string; keyPem: string }): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [{ name: 'admin', user: { 'client-certificate-data': base64(certPem), 'client-key-data': base64(keyPem) } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
  });
}
