import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { startFakeEtcd } from '../fake/etcd.ts';
import { freePort } from '../fake/free-port.ts';
import { StoreCluster } from '../store/store-cluster.ts';
import { storeContract } from './store.contract.ts';

t.setTimeout(120_000);

storeContract(t, 'the fake store', async (t) => {
  const fake = await startFakeEtcd();
  const client = new EtcdClient({ endpoints: [fake.url] });
  t.teardown(async () => {
    client.close();
    await fake.close();
  });
  return client;
});

let cluster: StoreCluster | undefined;
t.teardown(() => cluster?.close());
storeContract(t, 'our store of three members', async (t) => {
  if (cluster === undefined) {
    const started = await StoreCluster.create(['a', 'b', 'c']);
    cluster = started;
    const places = started.members;
    await Promise.all(places.map((member) => started.start(member)));
    await cluster.leader();
  }
  const client = cluster.client();
  t.teardown(() => client.close());
  return client;
});

const hasEtcd = spawnSync('etcd', ['--version']).status === 0;
if (!hasEtcd) t.comment('etcd is not installed (Debian: etcd-server): the contract is not run on it');
else
  storeContract(t, 'etcd', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'etcd-'));
    const [client, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
    const urls = ['--listen-client-urls', '--advertise-client-urls'].flatMap((flag) => [flag, client ?? '']);
    const peers = ['--listen-peer-urls', '--initial-advertise-peer-urls'].flatMap((flag) => [flag, peer ?? '']);
    const args = ['--name', 'e', '--data-dir', directory, ...urls, ...peers, '--initial-cluster', `e=${peer}`];
    const child = spawn('etcd', args, { stdio: 'ignore' });
    const exited = new Promise((resolve) => child.once('exit', resolve));
    const etcd = new EtcdClient({ endpoints: [client ?? ''] });
    t.teardown(async () => {
      etcd.close();
      child.kill('SIGKILL');
      await exited;
      rmSync(directory, { recursive: true });
    });
    for (let i = 0; i < 100; i += 1) {
      if (
        await etcd
          .status()
          .then((status) => status.leader > 0n)
          .catch(() => false)
      )
        return etcd;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('etcd did not start');
  });
