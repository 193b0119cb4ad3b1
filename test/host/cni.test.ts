import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { readReservations, removeReservations, staleReservations } from '../../src/host/cni.ts';

void t.test('addresses of sandboxes that are gone are found and given back', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-cni-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const network = join(folder, 'bramble');
  await mkdir(network);
  const hold = async (ip: string, id: string, ageS: number): Promise<void> => {
    await writeFile(join(network, ip), `${id}\r\neth0`);
    await utimes(join(network, ip), Date.now() / 1000 - ageS, Date.now() / 1000 - ageS);
  };
  await hold('10.244.1.2', 'lives', 3600);
  await hold('10.244.1.3', 'lost', 3600);
  await hold('10.244.1.4', 'starting', 5);
  await writeFile(join(network, 'lock'), '');
  await writeFile(join(network, 'last_reserved_ip.0'), '10.244.1.4');
  const stale = staleReservations(await readReservations(folder), new Set(['lives']), Date.now());
  t.match(stale, [{ sandboxId: 'lost' }]);
  await removeReservations(stale);
  t.same((await readdir(network)).toSorted(), ['10.244.1.2', '10.244.1.4', 'last_reserved_ip.0', 'lock']);
  t.same(await readReservations(join(folder, 'none')), []);
});
