import t from 'tap';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { EtcdStorage, isProgressVersion } from '../../../src/apiserver/storage/etcd-storage.ts';
import { startFakeEtcd } from '../../fake/etcd.ts';
import { MemoryStorage } from '../memory-storage.ts';
import { storageContract } from './storage.contract.ts';

storageContract(t, 'MemoryStorage', () => {
  const storage = new MemoryStorage();
  return Promise.resolve({
    storage,
    compact: (revision) => Promise.resolve(storage.compact(revision)),
    close: () => Promise.resolve(),
  });
});

storageContract(t, 'EtcdStorage', async () => {
  const etcd = await startFakeEtcd();
  const client = new EtcdClient({ endpoints: [etcd.url] });
  return {
    storage: new EtcdStorage(client),
    compact: (revision) => client.compact(revision),
    close: async () => {
      client.close();
      await etcd.close();
    },
  };
});

// apiserver pkg/storage/feature/feature_support_checker.go
void t.test('isProgressVersion() trusts the versions in which progress never overtakes events', (t) => {
  for (const version of ['3.4.31', '3.5.13', '3.6.0', '3.7.1', '4.0.0']) t.ok(isProgressVersion(version), version);
  for (const version of ['3.4.23', '3.4.30', '3.5.0', '3.5.12', '3.3.99', 'x'])
    t.notOk(isProgressVersion(version), version);
  t.end();
});
