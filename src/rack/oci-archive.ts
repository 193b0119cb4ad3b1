import { createHash } from 'node:crypto';
import { tar } from './tar.ts';
import type { TarEntry } from './tar.ts';

/** An image of one layer. */
export interface Image {
  /** Full name with its tag, as containerd is to know it. */
  readonly name: string;
  readonly architecture: 'amd64' | 'arm64';
  readonly entries: readonly TarEntry[];
  readonly entrypoint?: readonly string[];
  readonly command?: readonly string[];
}

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** The images as one archive that `ctr images import` takes (OCI image-spec v1.1, image layout). */
export function ociArchive(images: readonly Image[]): Buffer {
  const blobs = new Map<string, Buffer>();
  const manifests = images.map((image) => ({
    ...manifestOf(image, (mediaType, content) => {
      const digest = digestOf(content);
      blobs.set(digest, content);
      return { mediaType: `application/vnd.oci.image.${mediaType}`, digest, size: content.length };
    }),
    annotations: { 'io.containerd.image.name': image.name, 'org.opencontainers.image.ref.name': image.name },
    platform: { os: 'linux', architecture: image.architecture },
  }));
  const index = { schemaVersion: 2, mediaType: 'application/vnd.oci.image.index.v1+json', manifests };
  return tar([
    { name: 'oci-layout', kind: 'file', content: json({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', kind: 'file', content: json(index) },
    ...Array.from(blobs, ([digest, content]): TarEntry => {
      return { name: `blobs/${digest.replace(':', '/')}`, kind: 'file', content };
    }),
  ]);
}

function manifestOf(image: Image, addBlob: (mediaType: string, content: Buffer) => Descriptor): Descriptor {
  const layer = addBlob('layer.v1.tar', tar(image.entries));
  const config = {
    architecture: image.architecture,
    os: 'linux',
    config: { Env: [PATH], Entrypoint: image.entrypoint, Cmd: image.command },
    rootfs: { type: 'layers', diff_ids: [layer.digest] },
    history: [{ created_by: 'bramble rack' }],
  };
  const manifest = {
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    config: addBlob('config.v1+json', json(config)),
    layers: [layer],
  };
  return addBlob('manifest.v1+json', json(manifest));
}

function digestOf(content: Buffer): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}
