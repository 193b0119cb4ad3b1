import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/objects.ts';

/** What a container's logs take, all runs and rotated files. */
export async function logBytes(podLogsDir: string, { metadata }: Pod, container: string): Promise<number> {
  const folder = join(podLogsDir, `${metadata?.namespace}_${metadata?.name}_${metadata?.uid}`, container);
  let bytes = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    bytes += found?.size ?? 0;
  }
  return bytes;
}
