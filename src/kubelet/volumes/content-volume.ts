import { chown, chmod, lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod, Volume } from '../../api/objects.ts';
import { mountsBelow, mountTmpfs } from '../../host/mount.ts';
import { writeAtomically } from './atomic-writer.ts';
import { payloadOf } from './projected-sources.ts';
import { removeVolumeDirectory, volumeDirectory } from './volume-directory.ts';
import type { ServiceAccountTokens } from './service-account-tokens.ts';
import type { MountedVolume, VolumeHost, VolumePlugin } from './volume-plugin.ts';

/** A volume whose files come from the API: ConfigMap, Secret, downward API, projected. */
interface ContentKind {
  readonly name: string;
  readonly field: 'configMap' | 'secret' | 'downwardAPI' | 'projected';
  /** Whether it may hold secrets, which never touch the card. */
  readonly inMemory: boolean;
}

const KINDS: readonly ContentKind[] = [
  { name: 'kubernetes.io/configmap', field: 'configMap', inMemory: false },
  { name: 'kubernetes.io/secret', field: 'secret', inMemory: true },
  { name: 'kubernetes.io/downward-api', field: 'downwardAPI', inMemory: true },
  { name: 'kubernetes.io/projected', field: 'projected', inMemory: true },
];

/** The four plugins; they share the tokens that they were given. */
export function contentPlugins(host: VolumeHost, tokens: ServiceAccountTokens): readonly VolumePlugin[] {
  return KINDS.map((kind) => contentPlugin(kind, host, tokens));
}

function contentPlugin(kind: ContentKind, host: VolumeHost, tokens: ServiceAccountTokens): VolumePlugin {
  const write = async (pod: Pod, volume: Volume, path: string, signal: AbortSignal): Promise<void> => {
    const payload = await payloadOf({ host, tokens }, pod, volume, signal);
    const now = new Date(host.clock.nowMs());
    const { fsGroup } = pod.spec?.securityContext ?? {};
    if (fsGroup === undefined) {
      await writeAtomically(path, payload, { now });
      return;
    }
    await giveDirectoryToGroup(path, fsGroup);
    // Before a reader sees the new files: none is to be refused what it could read a moment ago.
    await writeAtomically(path, payload, { now, beforeShown: async (directory) => giveToGroup(directory, fsGroup) });
  };
  return {
    name: kind.name,
    supports: (volume) => volume[kind.field] !== undefined,
    async setup(pod, volume, signal): Promise<MountedVolume> {
      const path = volumeDirectory(host.rootDir, pod, kind.name, volume.name);
      await mkdir(path, { recursive: true, mode: 0o755 });
      if (kind.inMemory && (await mountsBelow(path)).length === 0) await mountTmpfs(path);
      await write(pod, volume, path, signal);
      return { name: volume.name, hostPath: path, readOnly: true };
    },
    async refresh(pod, volume, signal) {
      await write(pod, volume, volumeDirectory(host.rootDir, pod, kind.name, volume.name), signal);
    },
    teardown: removeVolumeDirectory,
  };
}

/** Readable by the pod's group, as upstream's SetVolumeOwnership makes it for volumes that nobody writes. */
async function giveToGroup(directory: string, group: number): Promise<void> {
  await giveDirectoryToGroup(directory, group);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await giveToGroup(path, group);
    else if (entry.isFile()) {
      const { mode } = await lstat(path);
      await chown(path, -1, group);
      await chmod(path, (mode & 0o7777) | 0o440);
    }
  }
}

/** With the set-group-ID bit, so that what is made in it belongs to the group, too. */
async function giveDirectoryToGroup(path: string, group: number): Promise<void> {
  const { mode } = await lstat(path);
  await chown(path, -1, group);
  await chmod(path, (mode & 0o7777) | 0o2550);
}
