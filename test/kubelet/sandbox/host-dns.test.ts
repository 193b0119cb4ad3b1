import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readHostDns } from '../../../src/kubelet/sandbox/host-dns.ts';

void t.test('readHostDns() looks behind a stub on loopback, which is nobody in a pod', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-dns-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const [etc, run] = [join(folder, 'etc'), join(folder, 'run')];
  await writeFile(run, 'nameserver 192.0.2.53\nsearch lan\n');
  const servers = async (text: string, behind = run): Promise<readonly string[]> => {
    await writeFile(etc, text);
    return (await readHostDns(etc, behind)).servers;
  };
  t.same(await servers('nameserver 127.0.0.53\noptions edns0\n'), ['192.0.2.53']);
  t.same(await servers('nameserver 127.0.0.1\nnameserver 198.51.100.1\n'), ['127.0.0.1', '198.51.100.1']);
  t.same(await servers('nameserver 127.0.0.1\n', join(folder, 'none')), ['127.0.0.1'], 'all that there is');
  t.same(await servers(''), []);
});
