import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { freeLeftoverAddresses } from '../../src/network/address-leftovers.ts';

const NOW_MS = Date.UTC(2026, 0, 1, 12);
const HOUR_MS = 3_600_000;

void t.test('freeLeftoverAddresses() frees old files of unknown sandboxes and nothing else', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-cni-'));
  t.teardown(() => rm(folder, { recursive: true }));
  const put = async (name: string, sandbox: string, atMs: number): Promise<void> => {
    await writeFile(join(folder, name), `${sandbox}\r\neth0`);
    await utimes(join(folder, name), atMs / 1000, atMs / 1000);
  };
  await put('10.244.1.2', 'lost', NOW_MS - HOUR_MS);
  await put('10.244.1.3', 'live', NOW_MS - HOUR_MS);
  await put('10.244.1.4', 'being-made', NOW_MS - 1000);
  await put('10.244.1.5', 'lost-too', NOW_MS + HOUR_MS);
  await put('last_reserved_ip.0', 'lost', NOW_MS - HOUR_MS);

  const freed = await freeLeftoverAddresses(new Set(['live']), NOW_MS, folder);
  t.same(freed.toSorted(), ['10.244.1.2', '10.244.1.5'], 'one written before the clock was set is old too');
  t.same((await readdir(folder)).toSorted(), ['10.244.1.3', '10.244.1.4', 'last_reserved_ip.0']);
});

void t.test('freeLeftoverAddresses() has nothing to do before the first pod', async (t) => {
  t.same(await freeLeftoverAddresses(new Set(), NOW_MS, '/nonexistent/networks'), []);
});
