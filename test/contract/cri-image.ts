import { createHash } from 'node:crypto';
import { chmod, copyFile, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exec } from '../../src/host/exec.ts';

/** Settings of an image's config. */
export interface ImageConfig {
  readonly name: string;
  readonly entrypoint?: readonly string[];
  readonly cmd?: readonly string[];
  readonly env?: readonly string[];
}

const APPLETS = [
  'sh',
  'cat',
  'echo',
  'sleep',
  'id',
  'ls',
  'env',
  'hostname',
  'nslookup',
  'wget',
  'httpd',
  'true',
  'false',
  'touch',
];

/**
 * An OCI archive (image-spec v1.1, image-layout) around Debian's static busybox, for `ctr image import`.
 *
 * @param folder to work in; the archive is left there
 * @returns path of the archive
 */
export async function buildBusyboxArchive(folder: string, config: ImageConfig): Promise<string> {
  const work = join(folder, createHash('sha256').update(config.name).digest('hex').slice(0, 12));
  const tree = join(work, 'tree');
  for (const dir of ['bin', 'tmp', 'etc', 'home', 'proc', 'sys', 'dev'])
    await mkdir(join(tree, dir), { recursive: true });
  await copyFile('/bin/busybox', join(tree, 'bin/busybox'));
  await chmod(join(tree, 'bin/busybox'), 0o755);
  for (const applet of APPLETS) await symlink('busybox', join(tree, 'bin', applet));
  await writeFile(join(tree, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534::/home:/bin/sh\n');
  await writeFile(join(tree, 'etc/group'), 'root:x:0:\nnobody:x:65534:\n');
  const layout = join(work, 'layout');
  await mkdir(join(layout, 'blobs/sha256'), { recursive: true });
  const layerPath = join(work, 'layer.tar');
  await exec(['tar', '-C', tree, '--owner=0', '--group=0', '--numeric-owner', '-cf', layerPath, '.']);
  const layer = await addBlob(layout, await readFile(layerPath), 'application/vnd.oci.image.layer.v1.tar');
  const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
  const image = {
    architecture,
    os: 'linux',
    config: {
      Env: ['PATH=/bin', ...(config.env ?? [])],
      Entrypoint: config.entrypoint,
      Cmd: config.cmd ?? (config.entrypoint === undefined ? ['sh'] : undefined),
    },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created_by: 'bramble test' }],
  };
  const configBlob = await addBlob(layout, JSON.stringify(image), 'application/vnd.oci.image.config.v1+json');
  const manifestType = 'application/vnd.oci.image.manifest.v1+json';
  const manifest = { schemaVersion: 2, mediaType: manifestType, config: configBlob, layers: [layer] };
  const manifestBlob = await addBlob(layout, JSON.stringify(manifest), manifestType);
  const annotations = { 'io.containerd.image.name': config.name, 'org.opencontainers.image.ref.name': config.name };
  const index = {
    schemaVersion: 2,
    manifests: [{ ...manifestBlob, annotations, platform: { architecture, os: 'linux' } }],
  };
  await writeFile(join(layout, 'index.json'), JSON.stringify(index));
  await writeFile(join(layout, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  const archive = `${work}.oci.tar`;
  await exec(['tar', '-C', layout, '-cf', archive, '.']);
  return archive;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

async function addBlob(layout: string, content: string | Buffer, mediaType: string): Promise<Descriptor> {
  const bytes = Buffer.from(content);
  const hex = createHash('sha256').update(bytes).digest('hex');
  await writeFile(join(layout, 'blobs/sha256', hex), bytes);
  return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
}
