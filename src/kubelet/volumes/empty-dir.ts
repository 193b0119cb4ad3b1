import { chmod, chown, mkdir } from 'node:fs/promises';
import { parseUnits } from '../../api/quantity.ts';
import { mountsBelow, mountTmpfs } from '../../host/mount.ts';
import { removeVolumeDirectory, volumeDirectory } from './volume-directory.ts';
import type { VolumeHost, VolumePlugin } from './volume-plugin.ts';

const NAME = 'kubernetes.io/empty-dir';

/** A directory that lives as long as its pod: on the board's disk, or in memory with `medium: Memory`. */
export function emptyDirPlugin(host: VolumeHost): VolumePlugin {
  return {
    name: NAME,
    supports: (volume) => volume.emptyDir !== undefined,
    async setup(pod, volume) {
      const path = volumeDirectory(host.rootDir, pod, NAME, volume.name);
      await mkdir(path, { recursive: true, mode: 0o750 });
      const { medium = '', sizeLimit } = volume.emptyDir ?? {};
      if (medium === 'Memory' && (await mountsBelow(path)).length === 0)
        await mountTmpfs(path, sizeLimit === undefined ? undefined : parseUnits(sizeLimit));
      const { fsGroup } = pod.spec?.securityContext ?? {};
      if (fsGroup !== undefined) await chown(path, -1, fsGroup);
      await chmod(path, fsGroup === undefined ? 0o777 : 0o2777);
      return { name: volume.name, hostPath: path, readOnly: false };
    },
    teardown: removeVolumeDirectory,
  };
}
