import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t from 'tap';
import type { Volume } from '../../../src/api/objects.ts';
import { hostPathPlugin } from '../../../src/kubelet/volumes/host-path.ts';

const { signal } = new AbortController();

async function setup(path: string, type: string): Promise<string> {
  // A type that does not exist is among the tests.
  const volume = { name: 'v', hostPath: { path, type } } as Volume;
  return (await hostPathPlugin.setup({ apiVersion: 'v1', kind: 'Pod' }, volume, signal)).hostPath;
}

void t.test('hostPath', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'bramble-hostpath-'));
  t.teardown(async () => rm(folder, { recursive: true, force: true }));
  const [file, missing, socket] = [join(folder, 'file'), join(folder, 'missing'), join(folder, 'sock')];
  await writeFile(file, 'kept');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  t.teardown(async () => void server.close());

  await t.test('takes a path of the wanted type', async (t) => {
    for (const [path, type] of [
      [missing, ''],
      [folder, 'Directory'],
      [folder, 'DirectoryOrCreate'],
      [file, 'File'],
      [file, 'FileOrCreate'],
      [socket, 'Socket'],
      ['/dev/null', 'CharDevice'],
    ] as const)
      t.equal(await setup(path, type), path, type);
  });

  await t.test('makes what is to be made', async (t) => {
    await setup(join(folder, 'new/dir'), 'DirectoryOrCreate');
    t.equal((await stat(join(folder, 'new/dir'))).mode & 0o777, 0o755);
    await setup(join(folder, 'new/file'), 'FileOrCreate');
    t.equal((await stat(join(folder, 'new/file'))).mode & 0o777, 0o644);
  });

  // pkg/volume/hostpath/host_path.go, checkTypeInternal
  await t.test("refuses with upstream's texts", async (t) => {
    const failed = (path: string, what: string) => ({ message: `hostPath type check failed: ${path} is not ${what}` });
    await t.rejects(setup(file, 'Directory'), failed(file, 'a directory'));
    await t.rejects(setup(missing, 'Directory'), failed(missing, 'a directory'));
    await t.rejects(setup(file, 'DirectoryOrCreate'), failed(file, 'a directory'));
    await t.rejects(setup(folder, 'File'), failed(folder, 'a file'));
    await t.rejects(setup(file, 'Socket'), failed(file, 'a socket file'));
    await t.rejects(setup(file, 'CharDevice'), failed(file, 'a character device'));
    await t.rejects(setup('/dev/null', 'BlockDevice'), failed('/dev/null', 'a block device'));
    await t.rejects(setup(file, 'Other'), { message: 'Other is an invalid volume type' });
    await t.rejects(setup(join(missing, 'x'), 'FileOrCreate'), { message: /no such file or directory/ });
  });

  await t.test('is never removed', async (t) => {
    await hostPathPlugin.teardown(file, signal);
    t.equal((await stat(file)).size, 4);
  });
});
