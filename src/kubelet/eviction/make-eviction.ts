import type { Kubelet } from '../kubelet.ts';
import type { KubeletContext } from '../assemble-kubelet.ts';
import { ImageGarbage } from '../image/image-garbage.ts';
import type { KubeletParts } from '../kubelet-parts.ts';
import type { NodeEvent } from '../node/node-events.ts';
import { readRoom } from '../server/node-usage.ts';
import { EvictionManager } from './eviction-manager.ts';
import { observe, readPodUses } from './observe.ts';
import type { Observation } from './thresholds.ts';

interface Around {
  /** Made after the eviction manager, and asked only once all runs. */
  readonly kubelet: () => Pick<Kubelet, 'activePods' | 'evict' | 'isGone' | 'removeFinished'>;
  readonly podsMemory: () => Promise<Observation | undefined>;
  readonly imageGarbage: ImageGarbage;
  readonly emit: (event: NodeEvent) => void;
  readonly onChange: () => void;
}

/** What removes images as the file system that they are on fills up. */
export function makeImageGarbage(parts: KubeletParts, emit: (event: NodeEvent) => void): ImageGarbage {
  const { runtime, images, clock, log } = parts;
  const usage = async (signal: AbortSignal): Promise<{ usedShare: number; totalBytes: number }> => {
    const [store] = await images.filesystems(signal);
    if (store === undefined) return { usedShare: 0, totalBytes: 0 };
    const { availableBytes, capacityBytes } = await readRoom(store.mountpoint);
    return { usedShare: 1 - availableBytes / capacityBytes, totalBytes: capacityBytes };
  };
  return new ImageGarbage({ runtime, images, clock, log: log.part('images'), usage, emit });
}

/** The eviction manager over the board as it is. */
export function makeEviction({ parts, options, board }: KubeletContext, around: Around): EvictionManager {
  const { runtime, images, clock, log } = parts;
  const { rootDir, podLogsDir } = options;
  let path: string | undefined;
  const imagesPath = async (signal: AbortSignal): Promise<string | undefined> => {
    // Asked once: it does not move while the runtime runs, and the question would come every ten seconds.
    path ??= (await images.filesystems(signal).catch(() => []))[0]?.mountpoint;
    return path;
  };
  const { podsMemory } = around;
  const places = { runtime, imagesPath, podsMemory, rootDir, podLogsDir, memoryCapacityBytes: board.memoryBytes };
  const { kubelet, imageGarbage, emit, onChange } = around;
  return new EvictionManager({
    thresholds: options.evictionHard,
    clock,
    log: log.part('eviction'),
    observe: async (signal) => observe(places, signal),
    readUses: async (pods, withVolumes, signal) => readPodUses(places, pods, withVolumes, signal),
    activePods: () => kubelet().activePods(),
    evict: (pod, end) => kubelet().evict(pod, end),
    isGone: (uid) => kubelet().isGone(uid),
    reclaimDisk: async (signal) => {
      await kubelet().removeFinished(signal);
      await imageGarbage.removeUnused(signal);
    },
    emit,
    onChange,
  });
}
