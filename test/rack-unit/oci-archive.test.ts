import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import t from 'tap';
import { ociArchive } from '../../src/rack/oci-archive.ts';
import { tar } from '../../src/rack/tar.ts';
import type { TarEntry } from '../../src/rack/tar.ts';

const entries: TarEntry[] = [
  { name: 'tmp', kind: 'folder', mode: 0o1777 },
  { name: 'bin/busybox', kind: 'file', mode: 0o755, content: Buffer.alloc(513, 'x') },
  { name: 'bin/sh', kind: 'link', target: 'busybox' },
];

void t.test('tar() writes what tar reads', (t) => {
  const list = execFileSync('tar', ['-tvf', '-', '--numeric-owner'], { input: tar(entries), env: { TZ: 'UTC' } });

  t.equal(
    list.toString().replaceAll(/ +/g, ' '),
    `drwxrwxrwt 0/0 0 1970-01-01 00:00 tmp/
-rwxr-xr-x 0/0 513 1970-01-01 00:00 bin/busybox
lrwxrwxrwx 0/0 0 1970-01-01 00:00 bin/sh -> busybox
`,
  );
  t.end();
});

void t.test('ociArchive() holds each blob under its digest, and names each image in the index', (t) => {
  const archive = ociArchive([
    { name: 'example.com/one:1', architecture: 'arm64', entries, command: ['sh'] },
    { name: 'example.com/two:2', architecture: 'arm64', entries, entrypoint: ['/pause'] },
  ]);
  const extract = (name: string): Buffer => execFileSync('tar', ['-xOf', '-', name], { input: archive });
  const index = JSON.parse(extract('index.json').toString()) as {
    manifests: { digest: string; size: number; annotations: Record<string, string> }[];
  };

  t.same(
    index.manifests.map(({ annotations }) => annotations['io.containerd.image.name']),
    ['example.com/one:1', 'example.com/two:2'],
  );
  for (const { digest, size } of index.manifests) {
    const manifest = extract(`blobs/${digest.replace(':', '/')}`);
    t.equal(`sha256:${createHash('sha256').update(manifest).digest('hex')}`, digest);
    t.equal(manifest.length, size);
  }
  const names = execFileSync('tar', ['-tf', '-'], { input: archive }).toString().trim().split('\n');
  t.equal(new Set(names).size, names.length, 'a layer that two images share is there once');
  t.equal(names.length, 2 + 1 + 2 + 2);
  t.end();
});
