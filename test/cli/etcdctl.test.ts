import { existsSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { execAny } from '../../src/host/exec.ts';
import { EtcdClient } from '../../src/store/client/etcd-client.ts';
import { until } from '../controller/real-cluster.ts';
import { debianBin, fetchDebianPrograms } from '../debian-programs.ts';
import { freePort } from '../fake/free-port.ts';
import { openTwinCluster, startStore } from './twin-cluster.ts';

/** Debian 13's etcdctl (3.5) before `bramble store`: every subcommand does its work, or is refused in plain words. */

interface Row {
  readonly args: readonly string[];
  readonly input?: string;
  readonly says?: RegExp;
  readonly fails?: RegExp;
}

const ROWS: readonly Row[] = [
  { args: ['put', 'a', '1'], says: /^OK\n$/ },
  { args: ['put', 'a', '2', '--prev-kv'], says: /^OK\na\n1\n$/ },
  { args: ['put', 'b', '3'], says: /^OK\n$/ },
  { args: ['get', 'a'], says: /^a\n2\n$/ },
  { args: ['get', 'a', '--rev=2'], says: /^a\n1\n$/ },
  { args: ['get', 'a', '--consistency=s', '-w', 'json'], says: /"create_revision":2,"mod_revision":3,"version":2/ },
  { args: ['get', '--prefix', '', '--keys-only'], says: /^a\n\nb\n\n$/ },
  { args: ['get', '--from-key', 'a', '--order=DESCEND', '--sort-by=KEY', '--limit=1'], says: /^b\n3\n$/ },
  { args: ['get', '--prefix', '', '--count-only', '-w', 'fields'], says: /"Count" : 2/ },
  { args: ['txn'], input: 'mod("a") > "0"\n\nput c 1\nget a\n\nget b\n\n', says: /^SUCCESS\n\nOK\n\na\n2\n$/ },
  { args: ['txn'], input: 'ver("a") = "9"\n\nput c 1\n\nget b\n\n', says: /^FAILURE\n\nb\n3\n$/ },
  { args: ['del', 'b', '--prev-kv'], says: /^1\nb\n3\n$/ },
  { args: ['watch', 'a', '--rev=2'], says: /^PUT\na\n1\nPUT\na\n2\n$/ },
  { args: ['lease', 'grant', '60'], says: /^lease \w+ granted with TTL\(60s\)\n$/ },
  { args: ['lease', 'list'], says: /^found 1 leases\n\w+\n$/ },
  { args: ['lease', 'keep-alive', '--once', '$lease'], says: /keepalived with TTL\(60\)/ },
  { args: ['put', 'k', 'v', '--lease=$lease'], says: /^OK\n$/ },
  { args: ['lease', 'timetolive', '$lease', '--keys'], says: /remaining\(\d+s\), attached keys\(\[k\]\)/ },
  { args: ['lease', 'revoke', '$lease'], says: /revoked/ },
  { args: ['get', 'k'], says: /^$/ },
  { args: ['lock', 'l', 'echo', 'held'], says: /^held\n$/ },
  { args: ['endpoint', 'health'], says: /is healthy/ },
  { args: ['endpoint', 'status', '--cluster', '-w', 'fields'], says: /"Version" : "3\.\d+\.\d+"/ },
  { args: ['endpoint', 'hashkv'], says: /, \d+\n$/ },
  {
    args: ['member', 'list'],
    says: /^\w+, started, one, http:\/\/127\.0\.0\.1:\d+, http:\/\/127\.0\.0\.1:\d+, false\n$/,
  },
  { args: ['compaction', '3'], says: /^compacted revision 3\n$/ },
  { args: ['get', 'a', '--rev=2'], fails: /etcdserver: mvcc: required revision has been compacted/ },
  { args: ['compaction', '9999'], fails: /etcdserver: mvcc: required revision is a future revision/ },
  { args: ['defrag'], says: /^Finished defragmenting/ },
  { args: ['alarm', 'list'], says: /^$/ },
  { args: ['move-leader', 'ffff'], fails: /etcdserver: bad leader transferee/ },
  { args: ['auth', 'status'], fails: /code = Unimplemented desc = unknown method AuthStatus/ },
  { args: ['user', 'add', 'u:p'], fails: /code = Unimplemented desc = unknown method UserAdd/ },
  { args: ['role', 'list'], fails: /code = Unimplemented desc = unknown method RoleList/ },
];

const etcdctl = join(debianBin('trixie'), 'etcdctl');
const why = await fetchDebianPrograms().then(() => 'not there', String);
const skip = existsSync(etcdctl) ? false : `${etcdctl}: ${why}`;
t.setTimeout(120_000);

void t.test('etcdctl does with the store what it does with etcd', { skip, timeout: 120_000 }, async (t) => {
  const cluster = await openTwinCluster();
  t.teardown(async () => cluster.close());
  const endpoint = await startStore(cluster, 'bramble');
  const run = async (args: readonly string[], input?: string) => {
    // `watch` goes on until it is ended: what it said by then counts.
    const limit = args[0] === 'watch' ? ['timeout', '--preserve-status', '2'] : [];
    return execAny([...limit, etcdctl, `--endpoints=${endpoint}`, ...args], input === undefined ? {} : { input });
  };
  await until(async () => (await run(['endpoint', 'health'])).code === 0);
  let lease = '';
  for (const { args, input, says, fails } of ROWS) {
    const result = await run(
      args.map((arg) => arg.replace('$lease', lease)),
      input,
    );
    lease = /^lease (\w+) granted/.exec(result.stdout)?.[1] ?? lease;
    const isRight = fails === undefined ? says?.test(result.stdout) : result.code !== 0 && fails.test(result.stderr);
    if (isRight === true) t.pass(args.join(' '));
    else t.fail(args.join(' '), { result, expected: String(fails ?? says) });
  }
});

void t.test(
  'a snapshot of the store is etcd’s: its tools restore it, and etcd serves the same',
  { skip, timeout: 120_000 },
  async (t) => {
    const cluster = await openTwinCluster();
    t.teardown(async () => cluster.close());
    const ask = async (endpoint: string, ...args: string[]): Promise<string> => {
      const { code, stdout } = await execAny([etcdctl, `--endpoints=${endpoint}`, ...args]);
      return code === 0 ? stdout : '';
    };
    const ours = await startStore(cluster, 'bramble');
    await until(async () => (await ask(ours, 'endpoint', 'health')) !== '');
    const client = new EtcdClient({ endpoints: [ours] });
    t.teardown(() => client.close());
    const { id: lease } = await client.leaseGrant(3600);
    const put = async (key: string, value: Buffer) => client.put({ key: Buffer.from(key), value, lease });
    await put('early', Buffer.from('1'));
    await client.compact(2);
    // Three levels of pages, values of many pages, and history.
    for (let i = 0; i < 400; i += 1) await put(`key-${i % 300}-${'x'.repeat(200)}`, Buffer.alloc(i * 40, i));
    await client.deleteRange({ key: Buffer.from('early') });

    const file = cluster.file('snapshot.db');
    await execAny([etcdctl, `--endpoints=${ours}`, 'snapshot', 'save', file]);
    const etcdutl = join(debianBin('trixie'), 'etcdutl');
    const { stdout } = await execAny([etcdutl, 'snapshot', 'status', file]);
    t.match(stdout, /^\w+, 403, 405, /, 'revision; 402 writes, a lease and two marks of the compaction');
    const [theirs, peer] = [await freePort(), await freePort()].map((port) => `http://127.0.0.1:${port}`);
    const restore = ['snapshot', 'restore', file, `--data-dir=${cluster.file('etcd')}`, '--name=one'];
    const place = [`--initial-cluster=one=${peer}`, `--initial-advertise-peer-urls=${peer}`];
    t.equal((await execAny([etcdutl, ...restore, ...place])).code, 0);
    const urls = [`--listen-client-urls=${theirs}`, `--advertise-client-urls=${theirs}`, `--listen-peer-urls=${peer}`];
    cluster.start('etcd', join(debianBin('trixie'), 'etcd'), [
      '--name=one',
      `--data-dir=${cluster.file('etcd')}`,
      ...urls,
    ]);
    await until(async () => (await ask(theirs ?? '', 'endpoint', 'health')) !== '');
    for (const args of [
      ['get', '', '--prefix'],
      ['get', '', '--prefix', '--rev=320'],
      ['lease', 'list'],
    ])
      t.equal(await ask(theirs ?? '', ...args), await ask(ours, ...args), args.join(' '));
    const hash = async (endpoint = ''): Promise<string> =>
      (await ask(endpoint, 'endpoint', 'hashkv')).split(', ')[1] ?? '';
    t.equal(await hash(theirs), await hash(ours), 'the hash of all, deletions too');
  },
);
