import type { Pod } from '../../api/objects.ts';
import type { ContainerStats, SandboxStats, UsageStats } from '../../host/cri/cri.ts';
import { logBytes } from '../container/log-bytes.ts';
import type { KubeletView } from './kubelet-server.ts';
import { readNodeUsage, readRoom } from './node-usage.ts';
import type { FilesystemRoom, NodeUsage } from './node-usage.ts';

/** Numbers with the CPU's present speed; undefined until it was looked at twice. */
export type WithRate<T extends UsageStats> = T & { readonly cpuNanoCores: number | undefined };

export interface ContainerUsage {
  readonly stats: WithRate<ContainerStats>;
  readonly logBytes: number;
}

export interface PodUsage {
  readonly pod: Pod;
  readonly stats: WithRate<SandboxStats>;
  readonly containers: readonly ContainerUsage[];
}

/** What the board and its pods use at one moment. */
export interface Usage {
  readonly node: WithRate<NodeUsage>;
  readonly imageFilesystem: FilesystemRoom;
  /** Of the image file system, what images and containers take. */
  readonly imageBytes: number;
  readonly pods: readonly PodUsage[];
}

/** Scrapes of several paths come together: they share one look. */
const SHARE_MS = 1000;
const LOOK_TIMEOUT_MS = 10_000;

interface Sample {
  readonly atMs: number;
  readonly nanoseconds: number;
}

/** Reads what is used from the runtime and the kernel, when asked. */
export class UsageReader {
  readonly #view: KubeletView;
  readonly #nowMs: () => number;
  #samples: ReadonlyMap<string, Sample> = new Map();
  #last: { readonly atMs: number; readonly usage: Promise<Usage> } | undefined;

  constructor(view: KubeletView, nowMs: () => number) {
    this.#view = view;
    this.#nowMs = nowMs;
  }

  /** Not older than a second. */
  async read(): Promise<Usage> {
    const atMs = this.#nowMs();
    if (this.#last !== undefined && atMs - this.#last.atMs < SHARE_MS) return this.#last.usage;
    const usage = this.#look(AbortSignal.timeout(LOOK_TIMEOUT_MS));
    this.#last = { atMs, usage };
    return usage.catch((error: unknown) => {
      this.#last = undefined;
      throw error;
    });
  }

  async #look(signal: AbortSignal): Promise<Usage> {
    const { runtime, images, podLogsDir } = this.#view;
    const node = await readNodeUsage(podLogsDir, this.#nowMs());
    const [imageStore] = await images.filesystems(signal);
    const imageFilesystem = await readRoom(imageStore?.mountpoint ?? podLogsDir).catch(() => node.filesystem);
    const found: { readonly pod: Pod; readonly stats: SandboxStats }[] = [];
    const byUid = new Map(this.#view.pods().map((pod) => [pod.metadata?.uid, pod]));
    for (const { id, state, metadata } of await runtime.listSandboxes(signal)) {
      const pod = byUid.get(metadata.uid);
      if (state !== 'ready' || pod === undefined) continue;
      // One that ends at this moment has no numbers any more.
      const stats = await runtime.sandboxStats(id, signal).catch(() => undefined);
      if (stats !== undefined) found.push({ pod, stats });
    }
    const samples = new Map<string, Sample>();
    const rated = <T extends UsageStats>(id: string, stats: T): WithRate<T> => ({
      ...stats,
      cpuNanoCores: this.#rate(id, stats, samples),
    });
    const pods: PodUsage[] = [];
    for (const { pod, stats } of found) {
      const containers: ContainerUsage[] = [];
      for (const one of stats.containers)
        containers.push({ stats: rated(one.id, one), logBytes: await logBytes(podLogsDir, pod, one.name) });
      pods.push({ pod, stats: rated(stats.id, stats), containers });
    }
    const usage = { node: rated('', node), imageFilesystem, imageBytes: imageStore?.usedBytes ?? 0, pods };
    this.#samples = samples; // of what is gone nothing is kept
    return usage;
  }

  #rate(id: string, { timestampMs, cpuNanoseconds }: UsageStats, samples: Map<string, Sample>): number | undefined {
    if (cpuNanoseconds === undefined) return undefined;
    samples.set(id, { atMs: timestampMs, nanoseconds: cpuNanoseconds });
    const before = this.#samples.get(id);
    if (before === undefined || timestampMs <= before.atMs) return undefined;
    return Math.max(0, Math.round(((cpuNanoseconds - before.nanoseconds) * 1000) / (timestampMs - before.atMs)));
  }
}
