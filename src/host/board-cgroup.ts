import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readFileIfThere } from './file.ts';

/** Which cgroups the kernel offers. */
export type CgroupVersion = 1 | 2;

/** What the board's own cgroup allows it: undefined where there is no limit. */
export interface CgroupLimits {
  readonly memoryBytes: number | undefined;
  readonly cpuMilli: number | undefined;
}

/** v1 says "no limit" by a number near 2^63. */
const UNLIMITED_BYTES = 2 ** 60;

/** @param mount `/sys/fs/cgroup` */
export function cgroupVersion(mount: string): CgroupVersion {
  return existsSync(join(mount, 'cgroup.controllers')) ? 2 : 1;
}

/**
 * The limits at the root of the cgroup tree that this board sees. On a real board there are none; a board that is a
 * container has its cap there, while /proc/meminfo shows the host's memory. Not those of our own service below it:
 * they are ours, not the pods'.
 */
export async function rootCgroupLimits(mount: string): Promise<CgroupLimits> {
  return cgroupVersion(mount) === 2 ? limitsV2(mount) : limitsV1(mount);
}

async function limitsV2(mount: string): Promise<CgroupLimits> {
  const memory = await readFileIfThere(join(mount, 'memory.max'));
  const [quota, period] = ((await readFileIfThere(join(mount, 'cpu.max'))) ?? 'max').trim().split(' ');
  return { memoryBytes: limitOf(memory), cpuMilli: milliOf(Number(quota), Number(period)) };
}

async function limitsV1(mount: string): Promise<CgroupLimits> {
  const memory = await readFileIfThere(join(mount, 'memory/memory.limit_in_bytes'));
  const quota = await readFileIfThere(join(mount, 'cpu/cpu.cfs_quota_us'));
  const period = await readFileIfThere(join(mount, 'cpu/cpu.cfs_period_us'));
  return { memoryBytes: limitOf(memory), cpuMilli: milliOf(Number(quota), Number(period)) };
}

function limitOf(text: string | undefined): number | undefined {
  const value = Number(text);
  return text === undefined || !Number.isFinite(value) || value <= 0 || value > UNLIMITED_BYTES ? undefined : value;
}

function milliOf(quotaUs: number, periodUs: number): number | undefined {
  return quotaUs > 0 && periodUs > 0 ? Math.floor((quotaUs * 1000) / periodUs) : undefined;
}

/** Bytes in use that the kernel does not take back unasked (working set) of the root cgroup; undefined where it does not say. */
export async function rootWorkingSetBytes(mount: string): Promise<number | undefined> {
  return usageWithout(mount, '', ['inactive_file']);
}

/**
 * Bytes in use of a cgroup but what the kernel takes back under need, as MemAvailable of /proc/meminfo counts: files in
 * the page cache, used lately or not, are still on the card. Undefined where it does not say.
 *
 * @param group `kubepods`; the root's are those of the empty name
 */
export async function neededBytes(mount: string, group: string): Promise<number | undefined> {
  return usageWithout(mount, group, ['inactive_file', 'active_file', 'slab_reclaimable']);
}

/** The group's own limit in bytes; undefined where there is none. */
export async function memoryLimit(mount: string, group: string): Promise<number | undefined> {
  const isV2 = cgroupVersion(mount) === 2;
  const file = isV2 ? 'memory.max' : 'memory.limit_in_bytes';
  return limitOf(await readFileIfThere(join(memoryFolder(mount, group), file)));
}

function memoryFolder(mount: string, group: string): string {
  return cgroupVersion(mount) === 2 ? join(mount, group) : join(mount, 'memory', group);
}

async function usageWithout(mount: string, group: string, names: readonly string[]): Promise<number | undefined> {
  const isV2 = cgroupVersion(mount) === 2;
  const folder = memoryFolder(mount, group);
  const usage = await readFileIfThere(join(folder, isV2 ? 'memory.current' : 'memory.usage_in_bytes'));
  const stat = await readFileIfThere(join(folder, 'memory.stat'));
  if (usage === undefined || stat === undefined) return undefined;
  const bytesOf = (name: string): number =>
    Number(new RegExp(`^${isV2 ? '' : 'total_'}${name} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return Math.max(0, Number(usage) - names.reduce((sum, name) => sum + bytesOf(name), 0));
}
