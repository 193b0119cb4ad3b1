import type { Pod } from '../../api/objects.ts';
import { readPressure } from '../../host/board.ts';
import { execAny } from '../../host/exec.ts';
import type { Runtime, SandboxStats } from '../../host/cri/cri.ts';
import { logBytes } from '../container/log-bytes.ts';
import { podUid } from '../pod-identity.ts';
import { readRoom } from '../server/node-usage.ts';
import { volumeDirectory } from '../volumes/volume-directory.ts';
import type { ContainerUse, PodUse } from './pod-use.ts';
import type { Observation, Signal } from './thresholds.ts';

/** Where things are that fill up. */
export interface ObservedPlaces {
  readonly runtime: Runtime;
  /** On the images' file system; undefined while the runtime does not say where that is. */
  readonly imagesPath: (signal: AbortSignal) => Promise<string | undefined>;
  /** Of the cgroup of all pods. */
  readonly podsMemory: () => Promise<Observation | undefined>;
  /** `/var/lib/kubelet` */
  readonly rootDir: string;
  /** `/var/log/pods` */
  readonly podLogsDir: string;
  /** Of the board, as the Node tells it. */
  readonly memoryCapacityBytes: number;
}

/** Counting a volume's bytes takes a walk through its files: no longer than this. */
const WALK_MS = 60_000;

/** All signals as they are now. A runtime that does not answer leaves out those of the images' file system. */
export async function observe(places: ObservedPlaces, signal: AbortSignal): Promise<Map<Signal, Observation>> {
  const now = await readPressure({ root: '/', storage: places.rootDir });
  const { memoryCapacityBytes: capacity } = places;
  const found = new Map<Signal, Observation>([
    ['memory.available', { available: now.memoryAvailableBytes, capacity }],
    ['nodefs.available', { available: now.storageAvailableBytes, capacity: now.storageBytes }],
    ['nodefs.inodesFree', { available: now.inodesFree, capacity: now.inodes }],
    ['pid.available', { available: now.pidsMax - now.pids, capacity: now.pidsMax }],
  ]);
  const pods = await places.podsMemory();
  if (pods !== undefined) found.set('allocatableMemory.available', pods);
  const path = await places.imagesPath(signal);
  const room = path === undefined ? undefined : await readRoom(path).catch(() => undefined);
  if (room === undefined) return found;
  found.set('imagefs.available', { available: room.availableBytes, capacity: room.capacityBytes });
  return found.set('imagefs.inodesFree', { available: room.inodesFree, capacity: room.inodes });
}

/** What those of the pods use that have begun. @param withVolumes whether emptyDir volumes are walked through, which costs many reads */
export async function readPodUses(
  places: ObservedPlaces,
  pods: readonly Pod[],
  withVolumes: boolean,
  signal: AbortSignal,
): Promise<readonly PodUse[]> {
  const sandboxes = await places.runtime.listSandboxes(signal);
  const uses: PodUse[] = [];
  for (const pod of pods) {
    const sandbox = sandboxes.find(({ metadata, state }) => metadata.uid === podUid(pod) && state === 'ready');
    // One that has not begun takes nothing, and its end would give nothing back.
    if (sandbox === undefined) continue;
    const stats = await places.runtime.sandboxStats(sandbox.id, signal).catch(() => undefined);
    uses.push(await podUse(places, pod, stats, withVolumes));
  }
  return uses;
}

async function podUse(
  { rootDir, podLogsDir }: ObservedPlaces,
  pod: Pod,
  stats: SandboxStats | undefined,
  withVolumes: boolean,
): Promise<PodUse> {
  const containers: ContainerUse[] = [];
  for (const one of stats?.containers ?? []) {
    const diskBytes = (one.writableBytes ?? 0) + (await logBytes(podLogsDir, pod, one.name));
    containers.push({ name: one.name, memoryBytes: one.memoryWorkingSetBytes, diskBytes });
  }
  const volumes = new Map<string, number>();
  let inodes = (stats?.containers ?? []).reduce((sum, one) => sum + (one.writableInodes ?? 0), 0);
  for (const { name, emptyDir } of pod.spec?.volumes ?? []) {
    if (!withVolumes || emptyDir === undefined || emptyDir.medium === 'Memory') continue;
    const path = volumeDirectory(rootDir, pod, 'kubernetes.io/empty-dir', name);
    volumes.set(name, await treeSum(path, '--block-size=1'));
    inodes += await treeSum(path, '--inodes');
  }
  const onDisk = [...volumes.values(), ...containers.map(({ diskBytes = 0 }) => diskBytes)];
  return {
    pod,
    memoryBytes: stats?.memoryWorkingSetBytes,
    diskBytes: stats === undefined ? undefined : onDisk.reduce((sum, bytes) => sum + bytes, 0),
    inodes: stats === undefined ? undefined : inodes,
    processes: stats?.processCount,
    containers,
    volumes,
  };
}

/** What du says of a folder, other file systems left out; 0 of one that is not there. */
async function treeSum(path: string, what: '--block-size=1' | '--inodes'): Promise<number> {
  const argv = ['nice', '-n', '19', 'du', '-sx', what, path];
  const { stdout } = await execAny(argv, { timeoutMs: WALK_MS });
  return Number.parseInt(stdout, 10) || 0;
}
