import { lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import { writeAtomically } from '../../../src/kubelet/volumes/atomic-writer.ts';
import type { Payload } from '../../../src/kubelet/volumes/atomic-writer.ts';

const now = new Date(Date.UTC(2026, 10, 20, 8, 16, 35));

function payload(files: Readonly<Record<string, string>>, mode = 0o644): Payload {
  return new Map(Object.entries(files).map(([path, text]) => [path, { content: Buffer.from(text), mode }]));
}

async function folderFor(t: { teardown(fn: () => Promise<void>): void }): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-atomic-'));
  t.teardown(async () => rm(folder, { recursive: true, force: true }));
  return join(folder, 'volume');
}

void t.test('writeAtomically() writes, says when nothing differs, and takes away what is no more', async (t) => {
  const target = await folderFor(t);
  t.equal(await writeAtomically(target, payload({ a: '1', 'deep/er/b': '2' }), { now }), true);
  t.equal(await readFile(join(target, 'a'), 'utf8'), '1');
  t.equal(await readFile(join(target, 'deep/er/b'), 'utf8'), '2');
  t.equal(await readlink(join(target, 'deep')), '..data/deep');
  t.match(await readlink(join(target, '..data')), /^\.\.2026_11_20_08_16_35\.\d+$/);
  const before = await readlink(join(target, '..data'));
  t.equal(await writeAtomically(target, payload({ a: '1', 'deep/er/b': '2' }), { now }), false);
  t.equal(await readlink(join(target, '..data')), before);
  t.equal(await writeAtomically(target, payload({ a: '3' }), { now }), true);
  t.same(
    (await readdir(target)).filter((name) => !name.startsWith('..')),
    ['a'],
  );
  t.equal((await readdir(target)).filter((name) => name.startsWith('..2')).length, 1, 'the old directory is gone');
  t.equal(await writeAtomically(target, payload({ a: '3' }, 0o400), { now }), true, 'a mode is a difference, too');
  t.equal((await stat(join(target, 'a'))).mode & 0o777, 0o400);
});

void t.test('writeAtomically() never shows a mixture of old and new', async (t) => {
  const target = await folderFor(t);
  const version = (i: number): Payload => payload({ first: `v${i}`, second: `v${i}` });
  await writeAtomically(target, version(0), { now });
  const state = { isDone: false };
  const mixtures: string[] = [];
  const looking = (async () => {
    while (!state.isDone) {
      const data = join(target, await readlink(join(target, '..data')));
      // A directory that is gone between the two looks was whole when it was there.
      const both = await Promise.all(['first', 'second'].map(async (name) => readFile(join(data, name), 'utf8'))).catch(
        () => ['', ''],
      );
      if (both[0] !== both[1]) mixtures.push(both.join());
    }
  })();
  for (let i = 1; i <= 100; i += 1) await writeAtomically(target, version(i), { now });
  state.isDone = true;
  await looking;
  t.same(mixtures, []);
});

void t.test('writeAtomically() gives new files their owner before anybody sees them', async (t) => {
  const target = await folderFor(t);
  await writeAtomically(target, payload({ a: 'old' }), { now });
  let seen = '';
  const beforeShown = async (directory: string): Promise<void> => {
    seen = `${await readFile(join(directory, 'a'), 'utf8')} while ${await readFile(join(target, 'a'), 'utf8')} is shown`;
  };
  await writeAtomically(target, payload({ a: 'new' }), { now, beforeShown });
  t.equal(seen, 'new while old is shown');
});

void t.test('writeAtomically() tidies up what a pulled plug left', async (t) => {
  const target = await folderFor(t);
  await writeAtomically(target, payload({ a: '1' }), { now });
  await mkdir(join(target, '..2026_11_20_07_00_00.1'));
  await writeFile(join(target, '..2026_11_20_07_00_00.1', 'half'), '');
  await writeFile(join(target, '..data_tmp'), '');
  await rm(join(target, 'a'));
  t.equal(await writeAtomically(target, payload({ a: '1' }), { now }), false);
  t.equal(await readFile(join(target, 'a'), 'utf8'), '1', 'the missing link is back');
  t.notOk((await readdir(target)).includes('..2026_11_20_07_00_00.1'));
  await writeAtomically(target, payload({ a: '2' }), { now });
  t.equal(await readFile(join(target, 'a'), 'utf8'), '2');
});

void t.test('writeAtomically() leaves nothing of a try that failed', async (t) => {
  const target = await folderFor(t);
  await writeAtomically(target, payload({ a: '1' }), { now });
  const before = await readdir(target);
  const beforeShown = async (): Promise<void> => Promise.reject(new Error('the card is full'));
  await t.rejects(writeAtomically(target, payload({ a: '2' }), { now, beforeShown }), /the card is full/);
  t.same(await readdir(target), before);
  t.equal(await readFile(join(target, 'a'), 'utf8'), '1');
});

void t.test('writeAtomically() makes directories that everyone can read, whatever the umask', async (t) => {
  const target = await folderFor(t);
  const before = process.umask(0o077);
  t.teardown(async () => void process.umask(before));
  await writeAtomically(target, payload({ 'deep/er/b': '2' }), { now });
  for (const path of ['..data/', '..data/deep', '..data/deep/er'])
    t.equal((await stat(join(target, path))).mode & 0o777, 0o755, path);
  t.ok((await lstat(join(target, '..data'))).isSymbolicLink());
});

void t.test('writeAtomically() refuses paths that lead out', async (t) => {
  const target = await folderFor(t);
  for (const path of ['/etc/passwd', '../up', 'a/../../up', '..data', ''])
    await t.rejects(writeAtomically(target, payload({ [path]: '' }), { now }), { message: /^invalid path/ });
});
