import { chmod, chown, lstat, mkdir, rename } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
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
      const { medium = '', sizeLimit } = volume.emptyDir ?? {};
      const { fsGroup } = pod.spec?.securityContext ?? {};
      if ((await lstat(path).catch(() => undefined)) === undefined) await makeWhole(path, fsGroup);
      if (medium === 'Memory' && (await mountsBelow(path)).length === 0) {
        await mountTmpfs(path, sizeLimit === undefined ? undefined : parseUnits(sizeLimit));
        await giveAway(path, fsGroup);
      }
      return { name: volume.name, hostPath: path, readOnly: false };
    },
    teardown: removeVolumeDirectory,
  };
}

/**
 * Makes the directory with its owner and mode at once: one that is there is its pod's, which may have chosen another mode
 * (PostgreSQL insists on 0700), and is never touched again.
 */
async function makeWhole(path: string, fsGroup: number | undefined): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.new`);
  await mkdir(aside, { recursive: true, mode: 0o750 });
  await giveAway(aside, fsGroup);
  await rename(aside, path);
}

async function giveAway(path: string, fsGroup: number | undefined): Promise<void> {
  if (fsGroup !== undefined) await chown(path, -1, fsGroup);
  await chmod(path, fsGroup === undefined ? 0o777 : 0o2777);
}
