import type { Stats } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { StatusError } from '../../api/status.ts';
import type { VolumePlugin } from './volume-plugin.ts';

interface Check {
  readonly is: (stats: Stats) => boolean;
  /** Upstream's message of a path of another type (hostpath/host_path.go). */
  readonly wrong: string;
}

const CHECKS: Record<string, Check> = {
  Directory: { is: (stats) => stats.isDirectory(), wrong: 'is not a directory' },
  DirectoryOrCreate: { is: (stats) => stats.isDirectory(), wrong: 'is not a directory' },
  File: { is: (stats) => stats.isFile(), wrong: 'is not a file' },
  FileOrCreate: { is: (stats) => stats.isFile(), wrong: 'is not a file' },
  Socket: { is: (stats) => stats.isSocket(), wrong: 'is not a socket file' },
  CharDevice: { is: (stats) => stats.isCharacterDevice(), wrong: 'is not a character device' },
  BlockDevice: { is: (stats) => stats.isBlockDevice(), wrong: 'is not a block device' },
};

/** A path of the board itself, checked for its type. Never removed. */
export const hostPathPlugin: VolumePlugin = {
  name: 'kubernetes.io/host-path',
  supports: (volume) => volume.hostPath !== undefined,
  async setup(_pod, volume) {
    const { path = '', type = '' } = volume.hostPath ?? {};
    await ensure(path, type);
    return { name: volume.name, hostPath: path, readOnly: false };
  },
  teardown: async () => undefined,
};

async function ensure(path: string, type: string): Promise<void> {
  if (type === '') return;
  const check = CHECKS[type];
  if (check === undefined) throw new StatusError('BadRequest', `${type} is an invalid volume type`);
  let stats = await stat(path).catch(() => undefined);
  if (stats === undefined && type === 'DirectoryOrCreate') await mkdir(path, { recursive: true, mode: 0o755 });
  if (stats === undefined && type === 'FileOrCreate') {
    await stat(dirname(path)).catch(() => {
      throw new StatusError('BadRequest', `open ${path}: no such file or directory`);
    });
    await (await open(path, 'a', 0o644)).close();
  }
  stats ??= await stat(path).catch(() => undefined);
  if (stats === undefined || !check.is(stats))
    throw new StatusError('BadRequest', `hostPath type check failed: ${path} ${check.wrong}`);
}
