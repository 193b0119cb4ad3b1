import type { Board } from '../../host/board.ts';
import type { RuntimeImage, RuntimeVersion } from '../../host/cri/cri.ts';
import type { CompleteKubeletOptions } from '../kubelet-options.ts';
import type { PressureType } from '../eviction/thresholds.ts';
import type { KubeletParts } from '../kubelet-parts.ts';
import type { NodeFacts } from './node-object.ts';

interface NodeFactsOptions {
  readonly parts: KubeletParts;
  readonly options: CompleteKubeletOptions;
  readonly board: Board;
  readonly version: RuntimeVersion;
  readonly problems: () => readonly string[];
  readonly pressures: () => readonly PressureType[];
}

/** Images change seldom and their list is long: read this often. */
const IMAGES_MS = 60_000;

/** Gives how the board is now, each time it is called. A runtime that does not answer is one of its problems. */
export function nodeFactsReader(from: NodeFactsOptions): (signal: AbortSignal) => Promise<NodeFacts> {
  const { parts, options, board, version } = from;
  let images: readonly RuntimeImage[] = [];
  let imagesMs = Number.NEGATIVE_INFINITY;
  return async (signal) => {
    const nowMs = parts.clock.monotonicMs();
    if (nowMs - imagesMs >= IMAGES_MS) {
      images = await parts.images.list(signal).catch(() => images);
      imagesMs = nowMs;
    }
    return {
      name: options.nodeName,
      board,
      pressures: from.pressures(),
      thresholds: options.evictionHard,
      reserved: options.reserved,
      podsMax: options.podsMax,
      addresses: options.nodeIps,
      port: options.server.port,
      runtimeVersion: `${version.name}://${version.version}`,
      images,
      problems: from.problems(),
      nowMs: parts.clock.nowMs(),
    };
  };
}
