import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { createResolvConf, parseResolvers } from '../../../src/network/dns/resolv-conf.ts';

const hosts = (text: string, ...own: string[]): string[] => parseResolvers(text, new Set(own)).map(({ host }) => host);

void t.test('parseResolvers() takes the first three nameservers of resolv.conf(5) and nothing else', (t) => {
  const text = [
    '# nameserver 192.0.2.9',
    'search example.org',
    'nameserver 192.0.2.1 # the router',
    '  nameserver fe80::1%eth0',
    'nameserver router.example.org',
    'nameserver 192.0.2.2',
    'nameserver 192.0.2.3',
  ].join('\n');
  t.same(hosts(text), ['192.0.2.1', 'fe80::1', '192.0.2.2']);
  t.same(hosts(''), []);
  t.end();
});

void t.test('parseResolvers() leaves out our own addresses: a question would come back for ever', (t) => {
  t.same(hosts('nameserver 10.96.0.10\nnameserver 10.244.1.1\nnameserver 192.0.2.1', '10.96.0.10', '10.244.1.1'), [
    '192.0.2.1',
  ]);
  t.end();
});

void t.test('createResolvConf() follows the file, and keeps what it had while there is none', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-resolv-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, 'resolv.conf');
  const resolvers = createResolvConf(path, () => new Set());
  t.same(await resolvers(), []);
  await writeFile(path, 'nameserver 192.0.2.1\n');
  t.same(await resolvers(), [{ host: '192.0.2.1', port: 53 }]);
  await writeFile(path, 'nameserver 192.0.2.22\n');
  t.same(await resolvers(), [{ host: '192.0.2.22', port: 53 }]);
  await rm(path);
  t.same(await resolvers(), [{ host: '192.0.2.22', port: 53 }]);
});
