import { spawnSync } from 'node:child_process';
import t from 'tap';
import type { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { isEtcdReason } from '../../src/store/etcd-api/etcd-error.ts';
import { StoreCluster, until } from './store-cluster.ts';

t.setTimeout(180_000);

const b = (text: string): Buffer => Buffer.from(text);

async function keysOf(client: EtcdClient): Promise<Set<string>> {
  const { kvs } = await client.range({ key: b('w/'), rangeEnd: b('w0'), keysOnly: true });
  return new Set(kvs.map(({ key }) => key.toString()));
}

/** Writes one key after another until stopped; gives the keys that were acknowledged, and the longest silence. */
function writer(client: EtcdClient, prefix: string) {
  const acknowledged: string[] = [];
  const stopped = new AbortController();
  let lastMs = performance.now();
  let silenceMs = 0;
  const run = (async () => {
    for (let i = 0; !stopped.signal.aborted; i += 1) {
      const key = `w/${prefix}/${i}`;
      const isWritten = await client.put({ key: b(key), value: b(key) }).then(
        () => true,
        () => false,
      );
      if (!isWritten) continue;
      acknowledged.push(key);
      silenceMs = Math.max(silenceMs, performance.now() - lastMs);
      lastMs = performance.now();
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      stopped.abort();
      await run;
      return silenceMs;
    },
    resetSilence: () => {
      silenceMs = 0;
    },
  };
}

void t.test(
  'three members: kill -9 of the leader under writes loses nothing acknowledged, and writes go on',
  { timeout: 60_000 },
  async (t) => {
    const cluster = await StoreCluster.create(['a', 'b', 'c']);
    t.teardown(() => cluster.close());
    await Promise.all(cluster.members.map((member) => cluster.start(member)));
    const all = cluster.client();
    await all.put({ key: b('first') });
    for (let round = 1; round <= 3; round += 1) {
      const leader = await cluster.leader();
      const [survivor] = cluster.members.filter((member) => member !== leader);
      if (survivor === undefined) throw new Error('no survivor');
      const client = cluster.client([survivor], 10_000);
      const writers = ['x', 'y', 'z'].map((prefix) => writer(client, `${round}${prefix}`));
      await new Promise((resolve) => setTimeout(resolve, 300));
      for (const one of writers) one.resetSilence();
      await cluster.kill(leader);
      await new Promise((resolve) => setTimeout(resolve, 2500));
      const silences = await Promise.all(writers.map((one) => one.stop()));
      const worstMs = Math.round(Math.max(...silences));
      const count = writers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0);
      t.comment(`round ${round}: ${worstMs} ms from the last write to the next, ${count} writes acknowledged`);
      t.ok(worstMs < 1500, `writes go on: ${worstMs} ms`);
      await cluster.start(leader);
      const found = await keysOf(all);
      const lost = writers.flatMap(({ acknowledged }) => acknowledged.filter((key) => !found.has(key)));
      t.same(lost, [], `round ${round}`);
    }
    await until('all members hold the same', async () => {
      const hashes = await Promise.all(
        cluster.members.map(async (member) => {
          const client = cluster.client([member]);
          const { kvs, header } = await client.range({ key: b('\0'), rangeEnd: b('\0'), serializable: true });
          return `${header.revision} ${kvs.map(({ key, modRevision }) => `${key.toString()}${modRevision}`).join()}`;
        }),
      );
      return new Set(hashes).size === 1;
    });
  },
);

void t.test('a leader that falls silent, with its connections open, is replaced', { timeout: 60_000 }, async (t) => {
  const cluster = await StoreCluster.create(['a', 'b', 'c']);
  t.teardown(() => cluster.close());
  await Promise.all(cluster.members.map((member) => cluster.start(member)));
  for (let round = 1; round <= 3; round += 1) {
    const leader = await cluster.leader();
    const client = cluster.client(cluster.members.filter((member) => member !== leader));
    await client.put({ key: b('before') });
    leader.child?.kill('SIGSTOP');
    const startMs = performance.now();
    await client.put({ key: b('after') });
    const tookMs = Math.round(performance.now() - startMs);
    t.comment(`round ${round}: a write took ${tookMs} ms`);
    t.ok(tookMs < 1500);
    leader.child?.kill('SIGCONT');
    const again = cluster.client([leader]);
    t.equal((await again.range({ key: b('after') })).count, 1, 'the old leader does not answer from the past');
  }
});

void t.test('all members killed at once come back with every acknowledged write', { timeout: 60_000 }, async (t) => {
  const cluster = await StoreCluster.create(['a', 'b', 'c']);
  t.teardown(() => cluster.close());
  await Promise.all(cluster.members.map((member) => cluster.start(member)));
  const client = cluster.client();
  await client.put({ key: b('first') });
  const one = writer(client, 'all');
  t.teardown(() => one.stop()); // else it would go on after a failure
  await new Promise((resolve) => setTimeout(resolve, 1500));
  await Promise.all(cluster.members.map((member) => cluster.kill(member)));
  await Promise.all(cluster.members.map((member) => cluster.start(member)));
  await one.stop();
  const found = await keysOf(client);
  t.same(
    one.acknowledged.filter((key) => !found.has(key)),
    [],
  );
  t.ok(one.acknowledged.length > 0, `${one.acknowledged.length} writes`);
});

void t.test(
  'one founder, two that join as learners and are promoted; then one is replaced by a blank one',
  { timeout: 60_000 },
  async (t) => {
    const cluster = await StoreCluster.create(['a']);
    t.teardown(() => cluster.close());
    const [a] = cluster.members;
    if (a === undefined) throw new Error('no member');
    await cluster.start(a);
    const client = cluster.client([a]);
    for (let i = 0; i < 50; i += 1) await client.put({ key: b(`w/${i}`), value: Buffer.alloc(1000, i) });
    const join = async (name: string): Promise<bigint> => {
      const place = await cluster.addPlace(name);
      const { member } = await client.memberAdd({ peerUrls: [place.peerUrl], isLearner: true });
      if (member === undefined) throw new Error('no member in the answer');
      t.equal(member.isLearner, true);
      await cluster.start(place, 'existing');
      const learner = cluster.client([place], 2000);
      const refused = await learnerRefuses(learner);
      t.same(
        refused,
        refused.map(() => true),
        'a learner answers serializable reads alone',
      );
      await until(`${name} is promoted`, async () => {
        const members = await client.memberPromote(member.id);
        return members.some(({ id, isLearner }) => id === member.id && !isLearner);
      });
      return member.id;
    };
    await join('b');
    const c = await join('c');
    t.same(
      (await client.memberList()).map(({ isLearner }) => isLearner),
      [false, false, false],
    );
    const third = cluster.members[2];
    if (third === undefined) throw new Error('no third member');
    const local = cluster.client([third]);
    t.equal((await local.range({ key: b('w/'), rangeEnd: b('w0'), countOnly: true })).count, 50);
    const again = await client.memberAdd({ peerUrls: [third.peerUrl], isLearner: true }).catch((e: unknown) => e);
    t.ok(isEtcdReason(again, 'PeerUrlExist'));
    await cluster.kill(third);
    await client.memberRemove(c);
    await join('d');
    await until('names are known', async () => {
      const names = (await client.memberList()).map(({ name }) => name);
      return names.toSorted().join() === 'a,b,d';
    });
  },
);

void t.test(
  'a member that was away for longer than the log is kept gets a snapshot',
  { timeout: 60_000 },
  async (t) => {
    const cluster = await StoreCluster.create(['a', 'b', 'c']);
    t.teardown(() => cluster.close());
    await Promise.all(cluster.members.map((member) => cluster.start(member)));
    const leader = await cluster.leader();
    const [away] = cluster.members.filter((member) => member !== leader);
    if (away === undefined) throw new Error('no follower');
    const client = cluster.client([leader]);
    await client.put({ key: b('w/first') });
    await cluster.kill(away);
    for (let i = 0; i < 24; i += 1) await client.put({ key: b(`w/${i % 4}`), value: Buffer.alloc(1 << 20, i) });
    await cluster.start(away);
    const local = cluster.client([away]);
    await until('it has caught up', async () => (await local.range({ key: b('w/3') })).kvs[0]?.value[0] === 23);
    t.equal(await cluster.hashOf(away), await cluster.hashOf(leader));
  },
);

/** Of each call that a learner must turn down, whether it did; waits until it knows that it learns. */
async function learnerRefuses(client: EtcdClient): Promise<boolean[]> {
  await until('it has the state', async () => (await client.status()).isLearner);
  await client.range({ key: b('w/0'), serializable: true });
  const calls = [
    client.range({ key: b('w/0') }),
    client.put({ key: b('w/0') }),
    client.txn({}),
    client.memberList(),
    client.leaseGrant(60),
    client.watch({ key: b('w/0') }),
  ];
  const results = await Promise.allSettled(calls);
  return results.map((one) => one.status === 'rejected' && isEtcdReason(one.reason, 'NotSupportedForLearner'));
}

void t.test('etcdctl of Debian works against three members with mutual TLS', { timeout: 60_000 }, async (t) => {
  if (spawnSync('etcdctl', ['version'], { env: { ...process.env, ETCDCTL_API: '3' } }).error !== undefined) {
    t.comment('etcdctl is not installed (Debian: etcd-client)');
    return;
  }
  const cluster = await StoreCluster.create(['a', 'b', 'c']);
  t.teardown(() => cluster.close());
  await Promise.all(cluster.members.map((member) => cluster.start(member)));
  await cluster.leader();
  const { caFile, certFile, keyFile } = cluster.tls;
  const endpoints = cluster.members.map(({ clientUrl }) => clientUrl).join();
  const etcdctl = (args: readonly string[], input?: string, timeout = 10_000): string => {
    const common = ['--endpoints', endpoints, '--cacert', caFile, '--cert', certFile, '--key', keyFile];
    const env = { ...process.env, ETCDCTL_API: '3' };
    const result = spawnSync('etcdctl', [...common, ...args], {
      env,
      timeout,
      ...(input === undefined ? {} : { input }),
    });
    return `${result.stdout.toString()}${result.stderr.toString()}`.trim();
  };
  t.equal(etcdctl(['put', 'k', 'v1']), 'OK');
  t.equal(etcdctl(['put', 'k', 'v2', '--prev-kv']), 'OK\nk\nv1');
  t.equal(etcdctl(['get', 'k']), 'k\nv2');
  t.match(etcdctl(['txn'], 'mod("k") > "0"\n\nput k v3\nget k\n\nput k no\n\n'), /^SUCCESS\n\nOK\n\nk\nv3$/);
  t.match(etcdctl(['watch', 'k', '--rev', '1'], '', 1500), /PUT\nk\nv1\nPUT\nk\nv2\nPUT\nk\nv3/);
  const [, id = ''] = /lease ([0-9a-f]+) granted with TTL\(60s\)/.exec(etcdctl(['lease', 'grant', '60'])) ?? [];
  t.equal(etcdctl(['put', 'leased', 'x', `--lease=${id}`]), 'OK');
  t.match(
    etcdctl(['lease', 'timetolive', id, '--keys']),
    /granted with TTL\(60s\), remaining\((5\d|60)s\), attached keys\(\[leased\]\)/,
  );
  t.match(etcdctl(['lease', 'keep-alive', '--once', id]), /keepalived with TTL\(60\)/);
  t.match(etcdctl(['lease', 'list']), new RegExp(id));
  t.match(etcdctl(['lease', 'revoke', id]), /revoked/);
  t.equal(etcdctl(['get', 'leased']), '');
  t.equal(etcdctl(['member', 'list']).split('\n').length, 3);
  t.equal(etcdctl(['endpoint', 'status']).match(/3\.6\.5/g)?.length, 3);
  t.equal(etcdctl(['endpoint', 'health']).match(/is healthy/g)?.length, 3);
  const hashes = new Set(etcdctl(['endpoint', 'hashkv']).match(/\d+$/gm));
  t.equal(hashes.size, 1);
  t.match(etcdctl(['compaction', '3']), /compacted revision 3/);
  t.match(etcdctl(['get', 'k', '--rev', '2']), /required revision has been compacted/);
  t.match(etcdctl(['del', '', '--prefix']), /^\d+$/);
});
