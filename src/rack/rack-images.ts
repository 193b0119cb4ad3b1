import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { exec } from '../host/exec.ts';
import { debianArchitecture } from './base-tree.ts';
import { ociArchive } from './oci-archive.ts';
import type { Image } from './oci-archive.ts';
import { pauseProgram } from './pause-program.ts';
import type { RackPaths } from './rack-paths.ts';
import type { TarEntry } from './tar.ts';

/** The sandbox image, by the name that containerd's configuration has for it. */
const PAUSE_IMAGE = 'registry.k8s.io/pause:3.10';
export const BUSYBOX_IMAGE = 'docker.io/library/busybox:1';

/** The images that work without a registry. */
export const IMAGE_NAMES = [BUSYBOX_IMAGE, PAUSE_IMAGE];

/** Makes those images from the base tree's busybox, as one archive, at `paths.images`. */
export async function makeImages(paths: RackPaths, base: string, signal: AbortSignal): Promise<void> {
  const architecture = debianArchitecture(process.arch);
  const busybox = await readFile(join(base, 'usr/bin/busybox'));
  const { stdout } = await exec([join(base, 'usr/bin/busybox'), '--list'], { signal });
  const images: Image[] = [
    { name: BUSYBOX_IMAGE, architecture, entries: busyboxFiles(busybox, stdout.trim().split('\n')), command: ['sh'] },
    {
      name: PAUSE_IMAGE,
      architecture,
      entries: [{ name: 'pause', kind: 'file', mode: 0o755, content: pauseProgram(architecture) }],
      entrypoint: ['/pause'],
    },
  ];
  await mkdir(dirname(paths.images), { recursive: true });
  await writeFile(paths.images, ociArchive(images));
}

/** What the image of that name on Docker Hub has too: its applets as links, and the users that programs look for. */
function busyboxFiles(busybox: Buffer, applets: readonly string[]): TarEntry[] {
  const file = (name: string, text: string): TarEntry => ({ name, kind: 'file', content: Buffer.from(text) });
  return [
    ...['bin', 'etc', 'root', 'home', 'usr', 'usr/bin', 'usr/sbin', 'var', 'var/www'].map((name): TarEntry => ({
      name,
      kind: 'folder',
    })),
    { name: 'sbin', kind: 'link', target: 'bin' },
    { name: 'tmp', kind: 'folder', mode: 0o1777 },
    { name: 'bin/busybox', kind: 'file', mode: 0o755, content: busybox },
    ...applets
      .filter((applet) => applet !== 'busybox')
      .map((applet): TarEntry => ({ name: `bin/${applet}`, kind: 'link', target: 'busybox' })),
    file('etc/passwd', 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n'),
    file('etc/group', 'root:x:0:\nwww-data:x:33:\nnogroup:x:65534:\n'),
    file('etc/nsswitch.conf', 'hosts: files dns\n'),
  ];
}
