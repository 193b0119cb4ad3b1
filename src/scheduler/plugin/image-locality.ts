import { SCORE_MAX, StateKey, type Plugin } from '../framework.ts';
import { fullImageName } from '../../api/image-name.ts';

const MEBIBYTE = 1024 * 1024;
/** Below this much nothing is gained, above it (per container) nothing more (imagelocality.go). */
const BYTES_MIN = 23 * MEBIBYTE;
const BYTES_MAX_PER_CONTAINER = 1000 * MEBIBYTE;

interface Wanted {
  /** Bytes that count on a node that has the image: its size, scaled down while few nodes have it. */
  readonly scaledBytes: ReadonlyMap<string, number>;
  readonly containers: number;
}

const WANTED = new StateKey<Wanted>('ImageLocality');

/** Prefers nodes that have the pod's images. Images that few nodes have count less, so that not all pods crowd there. */
export const imageLocality: Plugin = {
  name: 'ImageLocality',
  preScore({ pod, snapshot, state }) {
    const { containers = [], initContainers = [], volumes = [] } = pod.pod.spec ?? {};
    const volumeImages = volumes.map(({ image }) => image?.reference);
    const images = [...[...initContainers, ...containers].map(({ image }) => image), ...volumeImages];
    const scaledBytes = new Map<string, number>();
    for (const image of images) {
      if (image === undefined) continue;
      const name = fullImageName(image);
      let bytes = 0;
      let nodesWith = 0;
      for (const node of snapshot.nodes) {
        const size = node.images.get(name);
        if (size === undefined) continue;
        bytes = size;
        nodesWith += 1;
      }
      if (nodesWith > 0) scaledBytes.set(name, bytes * (nodesWith / snapshot.nodes.length));
    }
    if (scaledBytes.size === 0) return 'skip';
    state.write(WANTED, { scaledBytes, containers: containers.length + initContainers.length });
    return undefined;
  },
  score({ state }, node) {
    const wanted = state.read(WANTED);
    if (wanted === undefined) return 0;
    let bytes = 0;
    for (const [name, scaled] of wanted.scaledBytes) if (node.images.has(name)) bytes += Math.trunc(scaled);
    const bytesMax = BYTES_MAX_PER_CONTAINER * Math.max(1, wanted.containers);
    const counted = Math.min(Math.max(bytes, BYTES_MIN), bytesMax);
    return Math.trunc((SCORE_MAX * (counted - BYTES_MIN)) / (bytesMax - BYTES_MIN));
  },
};
