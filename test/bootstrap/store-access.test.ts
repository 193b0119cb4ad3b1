import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { get, Agent } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { freePort } from '../fake/free-port.ts';
import { createControlKeys, writeControlKeys } from '../../src/bootstrap/authorities.ts';
import { localCertificates, renewLocalCertificates, STORE_ACCESS } from '../../src/bootstrap/board-certificates.ts';
import { checkBoardConfig } from '../../src/bootstrap/board-config.ts';
import { boardFiles, keyPair } from '../../src/bootstrap/board-files.ts';
import { GrpcChannel } from '../../src/host/grpc/grpc-channel.ts';
import { silentLog } from '../../src/host/log.ts';
import { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { PEER } from '../../src/store/peer/peer-api.ts';
import { runStore } from '../../src/store/run-store.ts';

const { config } = checkBoardConfig({ name: 'c1', role: 'control', found: true }, 'c1');
if (config === undefined) throw new Error('the configuration of this test is wrong');

void t.test('the store opens each port to its own certificates only', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'bramble-store-access-'));
  const files = boardFiles(root);
  const keys = await createControlKeys(Date.now());
  await writeControlKeys(files, keys);
  await renewLocalCertificates(files, keys, localCertificates(config, '127.0.0.1'), Date.now());
  const [client, peer, metrics] = [await freePort(), await freePort(), await freePort()];
  const [clientUrl, peerUrl] = [`https://127.0.0.1:${client}`, `https://127.0.0.1:${peer}`];
  const caFile = join(files.pki, 'store-ca.crt');
  const tls = (name: string) => ({ caFile, certFile: keyPair(files, name).cert, keyFile: keyPair(files, name).key });
  const stop = new AbortController();
  const { promise: listening, resolve: onListening } = Promise.withResolvers<void>();
  const running = runStore(
    {
      name: 'c1',
      dataDir: files.store,
      listenClientUrls: [clientUrl],
      advertiseClientUrls: [clientUrl],
      listenPeerUrls: [peerUrl],
      advertisePeerUrls: [peerUrl],
      listenMetricsUrls: [`http://127.0.0.1:${metrics}`],
      initialCluster: `c1=${peerUrl}`,
      initialClusterState: 'new',
      initialClusterToken: 'test',
      clientTls: tls('store-server'),
      peerTls: tls('store-peer'),
      ...STORE_ACCESS,
      log: silentLog,
      onListening,
    },
    stop.signal,
  );
  t.teardown(async () => {
    stop.abort();
    await running;
    await rm(root, { recursive: true });
  });
  await listening;

  const shown = async (name: string) => {
    const [ca, cert, key] = await Promise.all(
      [caFile, tls(name).certFile, tls(name).keyFile].map((one) => readFile(one, 'utf8')),
    );
    return () => ({ ca: ca ?? '', cert: cert ?? '', key: key ?? '' });
  };
  const opensClientPort = async (name: string): Promise<boolean> => {
    const etcd = new EtcdClient({ endpoints: [clientUrl], tls: await shown(name), timeoutMs: 1500 });
    return etcd
      .memberList()
      .then(
        () => true,
        () => false,
      )
      .finally(() => etcd.close());
  };
  const opensPeerPort = async (name: string): Promise<boolean> => {
    const channel = new GrpcChannel({ url: peerUrl, tls: await shown(name) });
    return channel
      .unary(PEER.info, {}, { timeoutMs: 1500 })
      .then(
        () => true,
        () => false,
      )
      .finally(() => channel.close());
  };

  const opened: Record<string, readonly [boolean, boolean]> = {};
  for (const name of ['store-client', 'store-peer', 'store-server', 'kubelet-client', 'admin'])
    opened[name] = [await opensClientPort(name), await opensPeerPort(name)];
  t.same(opened, {
    'store-client': [true, false],
    'store-peer': [false, true],
    'store-server': [false, false],
    'kubelet-client': [false, false],
    admin: [false, false],
  });

  await t.test('a path that is none is answered, and the store lives on', async (t) => {
    const agent = new Agent();
    const ask = async (path: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        get({ host: '127.0.0.1', port: metrics, path, agent }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        }).once('error', reject);
      });
    t.equal(await ask('//'), 400);
    t.equal(await ask('/version'), 200);
  });
});
