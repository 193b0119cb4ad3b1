import type { Clock } from '../host/clock.ts';
import type { Images, Runtime, RuntimeImage } from '../host/cri.ts';
import type { Log } from '../host/log.ts';

interface ImageGarbageOptions {
  readonly runtime: Runtime;
  readonly images: Images;
  readonly clock: Clock;
  readonly log: Log;
  /** Share of the images' file system in use, 0 to 1. */
  readonly usage: () => Promise<{ readonly usedShare: number; readonly totalBytes: number }>;
}

/** Begun above the first, ended below the second (upstream imageGCHighThresholdPercent 85, Low 80). */
const HIGH_SHARE = 0.85;
const LOW_SHARE = 0.8;
const CHECK_MS = 300_000;
/** An image younger than this is not removed: it may be about to be used. */
const AGE_MIN_MS = 120_000;

/** Which images to remove, those unused longest first, until `bytes` are free. */
export function planImageRemoval(
  images: readonly RuntimeImage[],
  seen: ReadonlyMap<string, { readonly firstMs: number; readonly usedMs: number }>,
  used: ReadonlySet<string>,
  bytes: number,
  nowMs: number,
): readonly string[] {
  const removable = images
    .filter(({ id, isPinned }) => !isPinned && !used.has(id) && nowMs - (seen.get(id)?.firstMs ?? nowMs) >= AGE_MIN_MS)
    .toSorted((a, b) => (seen.get(a.id)?.usedMs ?? 0) - (seen.get(b.id)?.usedMs ?? 0));
  const result: string[] = [];
  let freed = 0;
  for (const { id, sizeBytes } of removable) {
    if (freed >= bytes) break;
    result.push(id);
    freed += sizeBytes;
  }
  return result;
}

/** Removes unused images when the card fills up, until aborted. */
export async function runImageGarbage(options: ImageGarbageOptions, signal: AbortSignal): Promise<void> {
  const { runtime, images, clock, log, usage } = options;
  const seen = new Map<string, { firstMs: number; usedMs: number }>();
  while (!signal.aborted) {
    try {
      const all = await images.list(signal);
      const used = new Set((await runtime.listContainers({}, signal)).map(({ imageRef }) => imageRef));
      const nowMs = clock.monotonicMs();
      for (const { id } of all) {
        const known = seen.get(id) ?? { firstMs: nowMs, usedMs: 0 };
        seen.set(id, used.has(id) ? { ...known, usedMs: nowMs } : known);
      }
      const ids = new Set(all.map(({ id }) => id));
      for (const id of seen.keys()) if (!ids.has(id)) seen.delete(id);
      const { usedShare, totalBytes } = await usage();
      if (usedShare >= HIGH_SHARE) {
        const bytes = (usedShare - LOW_SHARE) * totalBytes;
        for (const id of planImageRemoval(all, seen, used, bytes, nowMs)) {
          log.info('an unused image is removed', { image: id });
          await images.remove(id, signal);
        }
      }
    } catch (error) {
      if (!signal.aborted) log.warn('images cannot be tidied up', { error });
    }
    await clock.sleepMs(CHECK_MS, signal).catch(() => undefined);
  }
}
