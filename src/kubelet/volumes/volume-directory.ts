import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/objects.ts';
import { unmountBelow } from '../../host/mount.ts';

/** All volumes of a pod: `<root>/pods/<uid>/volumes`. */
export function volumesDirectory(rootDir: string, podUid: string): string {
  return join(rootDir, 'pods', podUid, 'volumes');
}

/** `<root>/pods/<uid>/volumes/kubernetes.io~secret/<name>`, as upstream has it. */
export function volumeDirectory(rootDir: string, pod: Pod, plugin: string, name: string): string {
  return join(volumesDirectory(rootDir, pod.metadata?.uid ?? ''), plugin.replaceAll('/', '~'), name);
}

/** Unmounts and removes one volume's directory. What is mounted there is never removed through the mount. */
export async function removeVolumeDirectory(path: string): Promise<void> {
  await unmountBelow(path);
  await rm(path, { recursive: true, force: true });
}

/** Directories of a pod's volumes, whatever plugin made them. */
export async function volumeDirectoriesOf(rootDir: string, podUid: string): Promise<readonly string[]> {
  const base = volumesDirectory(rootDir, podUid);
  const plugins = await readdir(base).catch(() => []);
  const found: string[] = [];
  for (const plugin of plugins)
    for (const name of await readdir(join(base, plugin)).catch(() => [])) found.push(join(base, plugin, name));
  return found;
}

/** Removes the empty directories above a pod's volumes. */
export async function removeEmptyVolumesDirectory(rootDir: string, podUid: string): Promise<void> {
  const base = volumesDirectory(rootDir, podUid);
  for (const plugin of await readdir(base).catch(() => [])) await rmdir(join(base, plugin));
  await rmdir(base).catch(() => undefined); // was never made
}
