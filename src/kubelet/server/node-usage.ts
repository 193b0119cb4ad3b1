import { statfs } from 'node:fs/promises';
import { cgroupVersion, rootWorkingSetBytes } from '../../host/board-cgroup.ts';
import { readPressure } from '../../host/board.ts';
import type { InterfaceStats, UsageStats } from '../../host/cri/cri.ts';
import { readFileIfThere } from '../../host/file.ts';

/** One file system's room. */
export interface FilesystemRoom {
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly usedBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
  readonly inodesUsed: number;
}

/** What the board as a whole uses. */
export interface NodeUsage extends UsageStats {
  readonly bootMs: number;
  /** Loopback is left out; that of the default route comes first. */
  readonly interfaces: readonly InterfaceStats[];
  readonly filesystem: FilesystemRoom;
  readonly pids: number;
  readonly pidsMax: number;
}

const CGROUP = '/sys/fs/cgroup';
/** Linux's USER_HZ, the unit of /proc/stat. */
const TICK_NANOSECONDS = 10_000_000;

/** @param storage a path on the file system that pods' data is on */
export async function readNodeUsage(storage: string, nowMs: number): Promise<NodeUsage> {
  const pressure = await readPressure({ root: '/', storage });
  const stat = (await readFileIfThere('/proc/stat')) ?? '';
  const meminfo = (await readFileIfThere('/proc/meminfo')) ?? '';
  const bytes = (name: string): number => numberIn(meminfo, new RegExp(`^${name}:\\s+(\\d+) kB`, 'm')) * 1024;
  const vmstat = (await readFileIfThere('/proc/vmstat')) ?? '';
  const workingSet = (await rootWorkingSetBytes(CGROUP)) ?? bytes('MemTotal') - bytes('MemAvailable');
  return {
    timestampMs: nowMs,
    cpuNanoseconds: await readCpu(stat),
    memoryWorkingSetBytes: workingSet,
    memoryUsageBytes: bytes('MemTotal') - bytes('MemFree'),
    memoryRssBytes: bytes('AnonPages'),
    memoryAvailableBytes: pressure.memoryAvailableBytes,
    pageFaults: numberIn(vmstat, /^pgfault (\d+)$/m),
    majorPageFaults: numberIn(vmstat, /^pgmajfault (\d+)$/m),
    bootMs: numberIn(stat, /^btime (\d+)$/m) * 1000,
    interfaces: parseInterfaces(
      (await readFileIfThere('/proc/net/dev')) ?? '',
      defaultInterface((await readFileIfThere('/proc/net/route')) ?? ''),
    ),
    filesystem: await readRoom(storage),
    pids: pressure.pids,
    pidsMax: pressure.pidsMax,
  };
}

/** The room on the file system of that path. */
export async function readRoom(path: string): Promise<FilesystemRoom> {
  const { blocks, bfree, bavail, bsize, files, ffree } = await statfs(path);
  return {
    availableBytes: bavail * bsize,
    capacityBytes: blocks * bsize,
    usedBytes: (blocks - bfree) * bsize,
    inodesFree: ffree,
    inodes: files,
    inodesUsed: files - ffree,
  };
}

/** Of the root cgroup, which is a board's own even where that is a container; else since boot, from /proc/stat. */
async function readCpu(stat: string): Promise<number> {
  if (cgroupVersion(CGROUP) === 2) {
    const found = numberIn((await readFileIfThere(`${CGROUP}/cpu.stat`)) ?? '', /^usage_usec (\d+)$/m);
    if (found > 0) return found * 1000;
  } else {
    const found = Number((await readFileIfThere(`${CGROUP}/cpuacct/cpuacct.usage`)) ?? 0);
    if (found > 0) return found;
  }
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0] =
    /^cpu +(.*)$/m.exec(stat)?.[1]?.split(' ').map(Number) ?? [];
  return (user + nice + system + irq + softirq) * TICK_NANOSECONDS;
}

/** The name of the interface that the default route goes by (proc_net_route: destination 00000000). */
export function defaultInterface(route: string): string {
  const line = route.split('\n').find((one) => one.split('\t')[1] === '00000000');
  return line?.split('\t')[0] ?? '';
}

/** `/proc/net/dev`: eight numbers received, eight sent. @param first which interface comes first */
export function parseInterfaces(text: string, first: string): InterfaceStats[] {
  const found: InterfaceStats[] = [];
  for (const line of text.split('\n')) {
    const [, name = '', rest = ''] = /^\s*(\S+):\s*(.*)$/.exec(line) ?? [];
    if (name === '' || name === 'lo') continue;
    const numbers = rest.trim().split(/\s+/).map(Number);
    const [rxBytes = 0, , rxErrors = 0] = numbers;
    const [txBytes = 0, , txErrors = 0] = numbers.slice(8);
    found.push({ name, rxBytes, rxErrors, txBytes, txErrors });
  }
  return found.toSorted((a, b) => Number(b.name === first) - Number(a.name === first));
}

function numberIn(text: string, pattern: RegExp): number {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
