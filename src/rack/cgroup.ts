import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killProcess } from './kill-process.ts';

/** Where this machine mounts its control groups. */
export interface CgroupMounts {
  /** The unified hierarchy's mount point, when it carries the controllers. */
  readonly v2: string | null;
  /** One mount point per hierarchy otherwise: controllers, systemd's named one, and the empty unified one. */
  readonly v1: readonly { readonly dir: string; readonly controllers: readonly string[] }[];
}

/** Name of the rack's group in each hierarchy; the boards' are below. */
const RACK_GROUP = 'bramble-rack';
/** Processes need a moment to be gone after SIGKILL, and their group stays busy until then. */
const REMOVE_TRIES = 50;
const REMOVE_WAIT_MS = 100;

/** Reads /proc/self/mounts. A machine with any v1 controller is a v1 machine (systemd's hybrid layout too). */
export function parseCgroupMounts(mounts: string): CgroupMounts {
  const lines = mounts.split('\n').map((line) => line.split(' '));
  const of = (type: string): { dir: string; controllers: string[] }[] =>
    lines
      .filter(([, , kind]) => kind === type)
      .map(([, dir = '', , options = '']) => ({ dir, controllers: options.split(',') }));
  const v1 = of('cgroup');
  const unified = of('cgroup2')[0];
  if (v1.some(({ controllers }) => controllers.includes('memory'))) {
    return { v2: null, v1: [...v1, ...(unified === undefined ? [] : [{ ...unified, controllers: [] }])] };
  }
  return { v2: unified?.dir ?? '/sys/fs/cgroup', v1: [] };
}

/** Groups for one board with its memory cap set, in every hierarchy; nspawn enters them and the board sees them as root. */
export async function makeBoardCgroups(board: string, memoryMib: number): Promise<string[]> {
  const { v1, v2 } = parseCgroupMounts(await readFile('/proc/self/mounts', 'utf8'));
  const limit = String(memoryMib * 2 ** 20);
  if (v2 !== null) {
    const dir = join(v2, RACK_GROUP, board);
    await mkdir(dir, { recursive: true });
    for (const parent of [v2, join(v2, RACK_GROUP)]) await delegate(parent);
    await writeFile(join(dir, 'memory.max'), limit);
    return [dir];
  }
  const dirs: string[] = [];
  for (const { dir: mount, controllers } of v1) {
    const dir = join(mount, RACK_GROUP, board);
    await mkdir(dir, { recursive: true });
    if (controllers.includes('cpuset')) for (const each of [dirname(dir), dir]) await inheritCpuset(each);
    if (controllers.includes('memory')) {
      await writeFile(join(dirname(dir), 'memory.use_hierarchy'), '1').catch(() => undefined); // fixed in newer kernels
      await writeFile(join(dir, 'memory.limit_in_bytes'), limit);
    }
    dirs.push(dir);
  }
  return dirs;
}

/**
 * Repeats a board's memory cap where the board can read it. On v2 nspawn puts the board one group below ours, and that is
 * the root of what it sees; on v1 it sees ours.
 *
 * @param init the board's PID 1 as this machine numbers it
 */
export async function repeatCapInside(init: number, memoryMib: number): Promise<void> {
  const { v2 } = parseCgroupMounts(await readFile('/proc/self/mounts', 'utf8'));
  const group = payloadGroup(await readFile(`/proc/${init}/cgroup`, 'utf8'));
  if (v2 === null || group === null) return;
  await writeFile(join(v2, group, 'memory.max'), String(memoryMib * 2 ** 20));
}

/** The group that nspawn made for a board, from its PID 1's /proc/PID/cgroup; null where it made none. */
export function payloadGroup(procCgroup: string): string | null {
  return /^0::(\/.*\/payload)(?:\/|$)/m.exec(procCgroup)?.[1] ?? null;
}

/**
 * Removes a board's groups, or with no board the whole rack's, and ends what is still in them: a board whose nspawn was
 * killed alone runs on as nobody's child.
 */
export async function removeCgroups(board: string | null): Promise<void> {
  const { v1, v2 } = parseCgroupMounts(await readFile('/proc/self/mounts', 'utf8'));
  for (const mount of v2 === null ? v1.map(({ dir }) => dir) : [v2]) {
    await removeGroup(board === null ? join(mount, RACK_GROUP) : join(mount, RACK_GROUP, board));
  }
}

/** All that the host offers: a controller that it lacks or that is not ours to give is not worth stopping for. */
async function delegate(dir: string): Promise<void> {
  for (const controller of ['memory', 'cpu', 'cpuset', 'io', 'pids']) {
    await writeFile(join(dir, 'cgroup.subtree_control'), `+${controller}`).catch(() => undefined);
  }
}

/** A new v1 cpuset is empty, and no process may enter it so. */
async function inheritCpuset(dir: string): Promise<void> {
  for (const name of ['cpuset.cpus', 'cpuset.mems']) {
    await writeFile(join(dir, name), await readFile(join(dirname(dir), name), 'utf8'));
  }
}

async function removeGroup(dir: string): Promise<void> {
  const entries = await readdir(dir, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) if (entry.isDirectory()) await removeGroup(join(dir, entry.name));
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rmdir(dir);
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : '';
      if (code === 'ENOENT') return;
      if (code !== 'EBUSY' || attempt === REMOVE_TRIES) throw error;
      await killMembers(dir);
      await sleep(REMOVE_WAIT_MS);
    }
  }
}

async function killMembers(dir: string): Promise<void> {
  const members = await readFile(join(dir, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of members.split('\n').map(Number)) if (pid > 1) killProcess(pid);
}
