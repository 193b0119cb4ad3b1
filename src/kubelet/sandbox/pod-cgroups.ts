import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Pod } from '../../api/objects.ts';
import { podRequests } from '../../api/pod-requests.ts';
import { qosClass } from '../../api/qos-class.ts';
import { memoryLimit, neededBytes } from '../../host/board-cgroup.ts';
import type { Log } from '../../host/log.ts';
import { cpuShares, cpuWeight, PERIOD_US, podLimits } from '../container/container-resources.ts';
import type { PodLimits } from '../container/container-resources.ts';
import { cgroupParent, podCgroupPath, qosCgroupPath } from './pod-cgroup-name.ts';
import type { CgroupDriver } from './pod-cgroup-name.ts';

interface PodCgroupsOptions {
  readonly version: 1 | 2;
  readonly driver: CgroupDriver;
  /** Above `kubepods`; `/` on a board. */
  readonly root: string;
  /** `/sys/fs/cgroup` */
  readonly mount: string;
  /** What all pods together may use, in bytes. */
  readonly allocatableBytes: number;
  readonly allocatableCpuMilli: number;
  readonly log: Log;
}

/** v1 controllers of which pods get their own group. */
const V1_CONTROLLERS = ['cpu', 'cpuacct', 'cpuset', 'memory', 'pids', 'freezer', 'blkio', 'devices'];
const V2_CONTROLLERS = '+cpu +cpuset +memory +pids +io +hugetlb';

/**
 * The cgroups of pods and of their classes of service. A board that lets us make none runs its pods all the same:
 * containers have their own limits from the runtime.
 */
export class PodCgroups {
  readonly #options: PodCgroupsOptions;
  #burstableShares: number | undefined;

  constructor(options: PodCgroupsOptions) {
    this.#options = options;
  }

  /** The cgroup_parent of the pod's sandbox and containers. */
  parentOf(pod: Pod): string {
    const { driver, root } = this.#options;
    return cgroupParent(podCgroupPath(pod), driver, root);
  }

  /** Makes `kubepods` and the classes below it, with the limit of all pods together. */
  async ensureRoot(): Promise<void> {
    const { driver, allocatableBytes, allocatableCpuMilli } = this.#options;
    if (driver === 'systemd') return; // systemd makes slices when the runtime asks for a scope in them
    const all = { cpuShares: cpuShares(allocatableCpuMilli), cpuQuotaUs: 0, memoryBytes: allocatableBytes };
    await this.#ensure(qosCgroupPath('Guaranteed'), all);
    // Best effort gets what others leave; what burstable pods get together, balance() says once they are known.
    await this.#ensure(qosCgroupPath('BestEffort'), { cpuShares: cpuShares(0), cpuQuotaUs: 0, memoryBytes: 0 });
    await this.#ensure(qosCgroupPath('Burstable'), all);
  }

  /**
   * Gives the burstable pods together the weight that they asked for: with more, a guaranteed pod beside them would not
   * get what it was promised (upstream qos_container_manager_linux.go). Writes only what changed.
   *
   * @param pods all that run
   */
  async balance(pods: readonly Pod[]): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    const burstable = pods.filter((pod) => qosClass(pod) === 'Burstable');
    const milli = burstable.reduce((sum, pod) => sum + (podRequests(pod).get('cpu') ?? 0), 0);
    const shares = cpuShares(milli);
    if (shares === this.#burstableShares) return;
    const limits = { cpuShares: shares, cpuQuotaUs: 0, memoryBytes: this.#options.allocatableBytes };
    await this.#ensure(qosCgroupPath('Burstable'), limits);
    this.#burstableShares = shares;
  }

  /** Makes the pod's cgroup with its limits. */
  async ensure(pod: Pod): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    await this.#ensure(podCgroupPath(pod), podLimits(pod));
  }

  /** What all pods together may use of the memory and what is left of it; undefined where they have no limit. */
  async podsMemory(): Promise<{ readonly available: number; readonly capacity: number } | undefined> {
    const { mount, root, driver } = this.#options;
    if (driver === 'systemd') return undefined;
    const group = join(root, ...qosCgroupPath('Guaranteed'));
    const [capacity, needed] = [await memoryLimit(mount, group), await neededBytes(mount, group)];
    if (capacity === undefined || needed === undefined) return undefined;
    return { capacity, available: Math.max(0, capacity - needed) };
  }

  /** Removes the pod's cgroup; one that still has processes stays for the next time. */
  async remove(pod: Pod): Promise<void> {
    if (this.#options.driver === 'systemd') return;
    for (const folder of this.#folders(podCgroupPath(pod))) await removeTree(folder);
  }

  async #ensure(path: readonly string[], limits: PodLimits): Promise<void> {
    try {
      await (this.#options.version === 1 ? this.#ensureV1(path, limits) : this.#ensureV2(path, limits));
    } catch (error) {
      this.#options.log.debug('a cgroup cannot be made', { path: path.join('/'), error });
    }
  }

  async #ensureV1(path: readonly string[], limits: PodLimits): Promise<void> {
    for (const folder of this.#folders(path)) {
      await mkdir(folder, { recursive: true });
      const controller = folder.slice(this.#options.mount.length + 1).split('/')[0];
      if (controller === 'cpu') {
        await write(folder, 'cpu.shares', limits.cpuShares);
        if (limits.cpuQuotaUs > 0) {
          await write(folder, 'cpu.cfs_period_us', PERIOD_US);
          await write(folder, 'cpu.cfs_quota_us', limits.cpuQuotaUs);
        }
      }
      if (controller === 'memory' && limits.memoryBytes > 0)
        await write(folder, 'memory.limit_in_bytes', limits.memoryBytes);
      if (controller === 'cpuset') await inheritCpuset(this.#options.mount, folder);
    }
  }

  async #ensureV2(path: readonly string[], limits: PodLimits): Promise<void> {
    const { mount, root } = this.#options;
    let folder = join(mount, root);
    await mkdir(folder, { recursive: true });
    for (const part of path) {
      await enableControllers(folder);
      folder = join(folder, part);
      await mkdir(folder, { recursive: true });
    }
    await write(folder, 'cpu.weight', cpuWeight(limits.cpuShares));
    await write(folder, 'cpu.max', limits.cpuQuotaUs > 0 ? `${limits.cpuQuotaUs} ${PERIOD_US}` : `max ${PERIOD_US}`);
    if (limits.memoryBytes > 0) await write(folder, 'memory.max', limits.memoryBytes);
  }

  #folders(path: readonly string[]): readonly string[] {
    const { version, mount, root } = this.#options;
    if (version === 2) return [join(mount, root, ...path)];
    const there = V1_CONTROLLERS.filter((controller) => existsSync(join(mount, controller)));
    return there.map((controller) => join(mount, controller, root, ...path));
  }
}

async function write(folder: string, file: string, value: number | string): Promise<void> {
  await writeFile(join(folder, file), String(value));
}

/** A v1 cpuset without CPUs takes no process: each folder on the way gets those of the one above. */
async function inheritCpuset(mount: string, folder: string): Promise<void> {
  const top = join(mount, 'cpuset');
  const way = folder
    .slice(top.length + 1)
    .split('/')
    .filter((part) => part !== '');
  let above = top;
  for (const part of way) {
    const here = join(above, part);
    for (const file of ['cpuset.cpus', 'cpuset.mems']) {
      const own = await readFile(join(here, file), 'utf8');
      if (own.trim() === '') await write(here, file, (await readFile(join(above, file), 'utf8')).trim());
    }
    above = here;
  }
}

/** One by one: a controller that the kernel lacks must not take the others along. */
async function enableControllers(folder: string): Promise<void> {
  for (const controller of V2_CONTROLLERS.split(' '))
    await writeFile(join(folder, 'cgroup.subtree_control'), controller).catch(() => undefined);
}

async function removeTree(folder: string): Promise<void> {
  if (!existsSync(folder)) return;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries) if (entry.isDirectory()) await removeTree(join(folder, entry.name));
  await rmdir(folder).catch(() => undefined); // busy: its last process is still on its way out
}
