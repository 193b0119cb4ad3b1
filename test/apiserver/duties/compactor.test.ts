import t from 'tap';
import { EtcdClient } from '../../../src/store/client/etcd-client.ts';
import { compactOnce } from '../../../src/apiserver/duties/compactor.ts';
import { startFakeEtcd } from '../../fake/etcd.ts';

const never = new AbortController().signal;

// etcd3/compact.go: of several servers one per round compacts, what was the revision a round ago
void t.test('compactOnce() compacts a round late, and only for the server that counts the key up', async (t) => {
  const etcd = await startFakeEtcd();
  const client = new EtcdClient({ endpoints: [etcd.url] });
  t.teardown(async () => {
    client.close();
    await etcd.close();
  });
  const write = async (): Promise<void> => {
    await client.put({ key: Buffer.from('/registry/x'), value: Buffer.from('y') });
  };
  const canRead = (revision: number): Promise<boolean> =>
    client.range({ key: Buffer.from('/registry/x'), revision }).then(
      () => true,
      () => false,
    );
  await write();

  const mine = await compactOnce(client, { version: 0, revision: 0 }, never);
  const theirs = await compactOnce(client, { version: 0, revision: 0 }, never);
  t.equal(theirs.version, mine.version, 'the other server sees that it was too late');
  await write();
  t.ok(await canRead(mine.revision), 'nothing is compacted at first');

  const next = await compactOnce(client, mine, never);
  t.ok(await canRead(mine.revision));
  t.notOk(await canRead(mine.revision - 1), 'history before the last round is gone');

  await compactOnce(client, theirs, never);
  t.ok(await canRead(next.revision - 1), 'the late server compacts nothing');
});
