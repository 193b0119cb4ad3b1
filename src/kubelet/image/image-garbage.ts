import type { Clock } from '../../host/clock.ts';
import type { Images, Runtime, RuntimeImage } from '../../host/cri/cri.ts';
import type { Log } from '../../host/log.ts';
import { formatBytes } from '../../api/quantity.ts';
import type { NodeEvent } from '../node/node-events.ts';

interface ImageGarbageOptions {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly clock: Clock;
  readonly log: Log;
  /** Share of the images' file system in use, 0 to 1. */
  readonly usage: (signal: AbortSignal) => Promise<{ readonly usedShare: number; readonly totalBytes: number }>;
  /** About the Node. */
  readonly emit: (event: NodeEvent) => void;
}

/** Begun above the first, ended below the second (upstream imageGCHighThresholdPercent 85, Low 80). */
const HIGH_SHARE = 0.85;
const LOW_SHARE = 0.8;
const CHECK_MS = 300_000;
/** Ages are counted from the first look, so that one comes soon after the start. */
const AGE_MIN_MS = 120_000;

/** The sandboxes' own image: no container lists it, and a board without a registry in reach could run no pod more. */
const PAUSE = /(^|\/)pause[:@]/;

/** Which images to remove, those unused longest first, until `bytes` are free. One younger than two minutes stays. */
export function planImageRemoval(
  images: readonly RuntimeImage[],
  seen: ReadonlyMap<string, { readonly firstMs: number; readonly usedMs: number }>,
  used: ReadonlySet<string>,
  bytes: number,
  nowMs: number,
): readonly RuntimeImage[] {
  const removable = images
    .filter(({ id, isPinned, repoTags }) => !isPinned && !used.has(id) && !repoTags.some((tag) => PAUSE.test(tag)))
    .filter(({ id }) => nowMs - (seen.get(id)?.firstMs ?? nowMs) >= AGE_MIN_MS)
    .toSorted((a, b) => (seen.get(a.id)?.usedMs ?? 0) - (seen.get(b.id)?.usedMs ?? 0));
  const result: RuntimeImage[] = [];
  let freed = 0;
  for (const image of removable) {
    if (freed >= bytes) break;
    result.push(image);
    freed += image.sizeBytes;
  }
  return result;
}

/** Removes images that no container uses (upstream image_gc_manager.go). */
export class ImageGarbage {
  readonly #options: ImageGarbageOptions;
  readonly #seen = new Map<string, { firstMs: number; usedMs: number }>();

  constructor(options: ImageGarbageOptions) {
    this.#options = options;
  }

  /** Frees the card whenever it fills up, until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, usage } = this.#options;
    while (!signal.aborted) {
      try {
        const { usedShare, totalBytes } = await usage(signal);
        const wanted = usedShare >= HIGH_SHARE ? Math.ceil((usedShare - LOW_SHARE) * totalBytes) : 0;
        const freed = await this.#free(wanted, signal);
        if (freed < wanted) this.#tellOfFailure(wanted, freed, usedShare);
      } catch (error) {
        if (!signal.aborted) log.warn('images cannot be tidied up', { error });
      }
      await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
    }
  }

  /** Removes all that are unused. @throws StatusError of the runtime */
  async removeUnused(signal: AbortSignal): Promise<void> {
    await this.#free(Number.POSITIVE_INFINITY, signal);
  }

  async #free(bytes: number, signal: AbortSignal): Promise<number> {
    const { runtime, images, clock, log } = this.#options;
    const all = await images.list(signal);
    const used = new Set((await runtime.listContainers({}, signal)).map(({ imageRef }) => imageRef));
    const nowMs = clock.monotonicMs();
    this.#note(all, used, nowMs);
    let freed = 0;
    for (const { id, sizeBytes, repoTags } of planImageRemoval(all, this.#seen, used, bytes, nowMs)) {
      log.info('an unused image is removed', { image: repoTags[0] ?? id });
      await images.remove(id, signal);
      freed += sizeBytes;
    }
    return freed;
  }

  #note(all: readonly RuntimeImage[], used: ReadonlySet<string>, nowMs: number): void {
    for (const { id } of all) {
      const known = this.#seen.get(id) ?? { firstMs: nowMs, usedMs: 0 };
      this.#seen.set(id, used.has(id) ? { ...known, usedMs: nowMs } : known);
    }
    const ids = new Set(all.map(({ id }) => id));
    for (const id of this.#seen.keys()) if (!ids.has(id)) this.#seen.delete(id);
  }

  #tellOfFailure(wanted: number, freed: number, usedShare: number): void {
    const text = `Attempted to free ${wanted} bytes, but only found ${freed} bytes eligible to free.`;
    const message = `Failed to garbage collect required amount of images. ${text}`;
    this.#options.emit({ type: 'Warning', reason: 'FreeDiskSpaceFailed', message });
    const [found, share] = [formatBytes(freed), Math.round(usedShare * 100)];
    this.#options.log.warn('the card is full of what is not images', { usedPercent: share, freed: found });
  }
}
