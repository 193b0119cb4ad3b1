import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Test } from 'tap';
import { openDisk } from '../../src/host/disk.ts';
import type { Disk } from '../../src/host/disk.ts';
import { FakeDisk } from '../fake/disk.ts';

/** What every Disk does. */
function diskContract(t: Test, name: string, open: (t: Test) => Promise<Disk>): void {
  void t.test(`${name} writes in place within a file of zeroes, through a rename too`, async (t) => {
    const disk = await open(t);
    await disk.createZeroed('a', 3 << 20);
    const file = await disk.open('a');
    await file.write(4096, Buffer.from('one'));
    await disk.rename('a', 'b');
    await file.write(8192, Buffer.from('two'));
    await file.close();
    const bytes = await disk.read('b');
    t.same(
      [bytes?.length, bytes?.toString('latin1', 4096, 4100), bytes?.toString('latin1', 8192, 8195)],
      [3 << 20, 'one\0', 'two'],
    );
    t.equal(await disk.read('a'), undefined);
    const into = Buffer.alloc(10);
    t.same([await disk.readInto('b', 8192, into), into.toString('latin1')], [10, 'two\0\0\0\0\0\0\0']);
    t.equal(await disk.readInto('b', (3 << 20) - 4, into), 4, 'up to the end');
    t.equal(await disk.readInto('b', 3 << 20, into), 0);
    t.equal(await disk.readInto('a', 0, into), 0, 'no such file');
    t.same(await disk.list(), ['b']);
  });

  void t.test(
    `${name} replaces a file at once and tells its length; a missing one is no error to remove`,
    async (t) => {
      const disk = await open(t);
      t.equal(await disk.replace('c', [Buffer.from('old')]), 3);
      t.equal(await disk.replace('c', [Buffer.from('new'), Buffer.from('er')]), 5);
      t.equal((await disk.read('c'))?.toString(), 'newer');
      await disk.remove('c');
      await disk.remove('c');
      t.same(await disk.list(), []);
      await t.rejects(disk.open('c'));
      await t.rejects(disk.rename('c', 'd'));
    },
  );

  void t.test(`${name} leaves the old file when its replacement fails midway`, async (t) => {
    const disk = await open(t);
    await disk.replace('c', [Buffer.from('old')]);
    const broken = (function* () {
      yield Buffer.from('half');
      throw new Error('stop');
    })();
    await t.rejects(disk.replace('c', broken), { message: 'stop' });
    t.equal((await disk.read('c'))?.toString(), 'old');
  });
}

diskContract(t, 'the fake disk', async () => new FakeDisk());
diskContract(t, 'the real disk', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'disk-'));
  t.teardown(() => rmSync(directory, { recursive: true }));
  return openDisk(join(directory, 'inner'));
});
