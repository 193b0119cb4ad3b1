import { statfs } from 'node:fs/promises';
import { arch, availableParallelism, release } from 'node:os';
import { join } from 'node:path';
import { cgroupVersion, neededBytes, rootCgroupLimits } from './board-cgroup.ts';
import type { CgroupVersion } from './board-cgroup.ts';
import { readFileIfThere } from './file.ts';

/** What the board is and has, as it really is: limits of a cgroup around it count. */
export interface Board {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  /** Of the file system under the kubelet's folder. */
  readonly storageBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  /** `Debian GNU/Linux 13 (trixie)` */
  readonly osImage: string;
  /** `amd64`, `arm64`: as Kubernetes and Go say. */
  readonly architecture: string;
  readonly cgroupVersion: CgroupVersion;
  /** The kernel can limit swap per cgroup. */
  readonly hasSwapLimit: boolean;
}

/** What is left at this moment. */
export interface BoardPressure {
  readonly memoryAvailableBytes: number;
  readonly storageBytes: number;
  readonly storageAvailableBytes: number;
  readonly inodes: number;
  readonly inodesFree: number;
  readonly pidsMax: number;
  readonly pids: number;
}

/** Where to look; a test gives a folder of its own. */
export interface BoardPaths {
  /** `/` */
  readonly root: string;
  /** The file system that pods' data is on: `/var/lib/kubelet`. */
  readonly storage: string;
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

/** Reads what does not change while the board is up. */
export async function readBoard({ root, storage }: BoardPaths): Promise<Board> {
  const mount = join(root, 'sys/fs/cgroup');
  const limits = await rootCgroupLimits(mount);
  const memory = await readMeminfo(root);
  const machineId = await readLine(join(root, 'etc/machine-id'));
  const uuid = await readLine(join(root, 'sys/class/dmi/id/product_uuid'));
  const disk = await statfs(storage);
  const version = cgroupVersion(mount);
  return {
    cpuMilli: Math.min(availableParallelism() * 1000, limits.cpuMilli ?? Infinity),
    memoryBytes: Math.min(memory.totalBytes, limits.memoryBytes ?? Infinity),
    storageBytes: disk.blocks * disk.bsize,
    machineId,
    systemUuid: uuid === '' ? machineId : uuid,
    bootId: await readLine(join(root, 'proc/sys/kernel/random/boot_id')),
    kernelVersion: release(),
    osImage: await readOsImage(root),
    architecture: ARCHITECTURES[arch()] ?? arch(),
    cgroupVersion: version,
    hasSwapLimit: version === 2 && memory.swapBytes > 0,
  };
}

/** Reads how much is left. */
export async function readPressure({ root, storage }: BoardPaths): Promise<BoardPressure> {
  const mount = join(root, 'sys/fs/cgroup');
  const memory = await readMeminfo(root);
  const limits = await rootCgroupLimits(mount);
  const needed = await neededBytes(mount, '');
  const cap = limits.memoryBytes;
  const underCap = cap === undefined || needed === undefined ? Infinity : Math.max(0, cap - needed);
  const disk = await statfs(storage);
  const load = await readLine(join(root, 'proc/loadavg'));
  return {
    memoryAvailableBytes: Math.min(memory.availableBytes, underCap),
    storageBytes: disk.blocks * disk.bsize,
    storageAvailableBytes: disk.bavail * disk.bsize,
    inodes: disk.files,
    inodesFree: disk.ffree,
    pidsMax: Number(await readLine(join(root, 'proc/sys/kernel/pid_max'))),
    // "0.00 0.01 0.05 1/123 4567": 123 is the number of threads.
    pids: Number(/\/(\d+)/.exec(load)?.[1] ?? 0),
  };
}

interface Meminfo {
  readonly totalBytes: number;
  readonly availableBytes: number;
  readonly swapBytes: number;
}

async function readMeminfo(root: string): Promise<Meminfo> {
  const text = (await readFileIfThere(join(root, 'proc/meminfo'))) ?? '';
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
  return { totalBytes: bytes('MemTotal'), availableBytes: bytes('MemAvailable'), swapBytes: bytes('SwapTotal') };
}

async function readOsImage(root: string): Promise<string> {
  const text = (await readFileIfThere(join(root, 'etc/os-release'))) ?? '';
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1] ?? 'Linux';
}

/** The file's first line; empty when it cannot be read. */
async function readLine(path: string): Promise<string> {
  const text = await readFileIfThere(path).catch(() => undefined);
  return text?.split('\n')[0]?.trim() ?? '';
}
