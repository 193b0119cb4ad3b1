import { mkdir, open, rm } from 'node:fs/promises';
import { readFileIfThere } from '../host/file.ts';
import { RackError } from './rack-error.ts';
import type { RackPaths } from './rack-paths.ts';

/** Runs `action` while no other `up` or `down` of this checkout does. A lock whose process is gone counts for nothing. */
export async function withRackLock<T>(paths: RackPaths, action: () => Promise<T>): Promise<T> {
  await mkdir(paths.root, { recursive: true });
  const mine = `${process.pid} ${await startTime(process.pid)}`;
  const holder = await readFileIfThere(paths.lock);
  if (holder !== undefined) {
    const [pid = '0', started] = holder.split(' ');
    if (started !== undefined && (await startTime(Number(pid))) === started) {
      throw new RackError(`another up or down is at work on this rack (process ${pid})`);
    }
    await rm(paths.lock, { force: true });
  }
  const file = await open(paths.lock, 'wx').catch(() => {
    throw new RackError('another up or down has just begun on this rack');
  });
  await file.writeFile(mine);
  await file.close();
  try {
    return await action();
  } finally {
    await rm(paths.lock, { force: true });
  }
}

/** When a process started, in clock ticks since boot, which tells it from a later one of its number; undefined: it is gone. */
async function startTime(pid: number): Promise<string | undefined> {
  const stat = await readFileIfThere(`/proc/${pid}/stat`).catch(() => undefined);
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ') ?? [];
  return fields[0] === 'Z' ? undefined : fields[19]; // a zombie does nothing any more
}
