import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort } from '../test/fake/free-port.ts';
import { createAuthority, issue } from '../src/host/pki.ts';
import { EtcdClient } from '../src/store/client/etcd-client.ts';
import type { TlsPaths } from '../src/store/tls-files.ts';

/** Whose members: our store's, or Debian's etcd-server's. */
export type Maker = 'ours' | 'etcd';

/** The members of one running store. */
export interface Members {
  readonly maker: Maker;
  readonly urls: readonly string[];
  readonly children: ChildProcess[];
  /** Starts member `i` again, after its process has ended. */
  restart(i: number): void;
}

const STORE = join(import.meta.dirname, '../test/store/store-process.ts');

/** Settings of members. */
export interface MembersOptions {
  readonly maker: Maker;
  readonly count: number;
  /** A new folder is made in it. */
  readonly root: string;
  /** Mutual TLS on all ports; absent: plain text. */
  readonly tls?: TlsPaths;
  /** Of our members' processes, beside our own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts members on loopback; settles when they take writes. */
export async function startMembers({ maker, count, root, tls, env }: MembersOptions): Promise<Members> {
  const directory = mkdtempSync(join(root, `bench-${maker}-`));
  const scheme = tls === undefined ? 'http' : 'https';
  const places: { name: string; client: string; peer: string }[] = [];
  for (let i = 0; i < count; i += 1) {
    const [client, peer] = [await freePort(), await freePort()];
    places.push({ name: `m${i}`, client: `${scheme}://127.0.0.1:${client}`, peer: `${scheme}://127.0.0.1:${peer}` });
  }
  const initialCluster = places.map((place) => `${place.name}=${place.peer}`).join();
  const start = (i: number): ChildProcess => {
    const place = places[i];
    if (place === undefined) throw new RangeError(`no member ${i}`);
    const dataDir = join(directory, place.name);
    if (maker === 'etcd')
      return spawn('etcd', etcdFlags({ ...place, dataDir, initialCluster }, tls), { stdio: 'ignore' });
    const options = {
      name: place.name,
      dataDir,
      listenClientUrls: [place.client],
      advertiseClientUrls: [place.client],
      listenPeerUrls: [place.peer],
      advertisePeerUrls: [place.peer],
      initialCluster,
      initialClusterState: 'new',
      initialClusterToken: 'bench',
      ...(tls === undefined ? {} : { clientTls: tls, peerTls: tls }),
    };
    return spawn(process.execPath, [STORE, JSON.stringify(options)], {
      stdio: 'ignore',
      env: { ...process.env, BRAMBLE_LOG_LEVEL: 'silent', ...env },
    });
  };
  const children = places.map((_, i) => start(i));
  const members: Members = {
    maker,
    urls: places.map(({ client }) => client),
    children,
    restart: (i) => {
      children[i] = start(i);
    },
  };
  await untilLeader(members, tls);
  return members;
}

/** Ends every member at once, as a pulled plug does. */
export async function stopMembers({ children }: Members): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`a member had ended: ${child.exitCode ?? child.signalCode}`);
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  }
}

/** A client of these members. */
export function openClient(urls: readonly string[], tls: TlsPaths | undefined, timeoutMs = 10_000): EtcdClient {
  if (tls === undefined) return new EtcdClient({ endpoints: urls, timeoutMs });
  const [ca, cert, key] = [readFileSync(tls.caFile), readFileSync(tls.certFile), readFileSync(tls.keyFile)];
  return new EtcdClient({ endpoints: urls, timeoutMs, tls: () => ({ ca, cert, key }) });
}

/** Writes keys and certificates for one side and the other into `folder`, which is to be removed by the caller. */
export async function makeTls(folder: string): Promise<TlsPaths> {
  const nowMs = Date.now();
  const authority = await createAuthority('bench-ca', nowMs);
  const { certPem, keyPem } = await issue({
    authority,
    usages: ['server', 'client'],
    nowMs,
    lifetimeMs: 86_400_000,
    subject: { commonName: 'bench' },
    altNames: ['127.0.0.1'],
  });
  const paths = { caFile: join(folder, 'ca.crt'), certFile: join(folder, 'one.crt'), keyFile: join(folder, 'one.key') };
  writeFileSync(paths.caFile, authority.certPem);
  writeFileSync(paths.certFile, certPem);
  writeFileSync(paths.keyFile, keyPem);
  return paths;
}

function etcdFlags(
  place: { name: string; client: string; peer: string; dataDir: string; initialCluster: string },
  tls: TlsPaths | undefined,
): string[] {
  const { name, client, peer, dataDir, initialCluster } = place;
  const listen = ['--listen-client-urls', client, '--advertise-client-urls', client, '--listen-peer-urls', peer];
  const cluster = ['--initial-advertise-peer-urls', peer, '--initial-cluster', initialCluster];
  const flags = ['--name', name, '--data-dir', dataDir, ...listen, ...cluster];
  if (tls === undefined) return flags;
  const { caFile, certFile, keyFile } = tls;
  const own = ['--trusted-ca-file', caFile, '--cert-file', certFile, '--key-file', keyFile, '--client-cert-auth'];
  const peers = ['--peer-trusted-ca-file', caFile, '--peer-cert-file', certFile, '--peer-key-file', keyFile];
  return [...flags, ...own, ...peers, '--peer-client-cert-auth'];
}

async function untilLeader({ urls }: Members, tls: TlsPaths | undefined): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    const client = openClient(urls, tls, 500);
    const isUp = await client.put({ key: Buffer.from('up') }).then(
      () => true,
      () => false,
    );
    client.close();
    if (isUp) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('no leader');
}
