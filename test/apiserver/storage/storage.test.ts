import t from 'tap';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { EtcdStorage } from '../../../src/apiserver/storage/etcd-storage.ts';
import { isProgressVersion, ProgressSupport } from '../../../src/apiserver/storage/progress-support.ts';
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

void t.test('progress is trusted when all members that answer do it right', async (t) => {
  const versions = new Map([
    ['a', '3.6.5'],
    ['b', '3.5.12'],
  ]);
  const of = (...endpoints: string[]): ProgressSupport =>
    new ProgressSupport({
      endpoints,
      status: (url = '') => {
        const version = versions.get(url);
        return version === undefined ? Promise.reject(new Error('away')) : (Promise.resolve({ version }) as never);
      },
    });
  const { signal } = new AbortController();
  t.equal(await of('a').isSupported(signal), true);
  t.equal(await of('gone', 'a').isSupported(signal), true);
  t.equal(await of('gone').isSupported(signal), false);
  const mixed = of('a', 'b');
  await mixed.isSupported(signal);
  t.equal(await mixed.isSupported(signal), false, 'a watch may move to the old one');
});
