import type { KubeObject } from '../api/objects.ts';
import type { Clock } from '../host/clock.ts';

/** After this the cache is believed again, whatever it shows: what was written may have been deleted since. */
const TIMEOUT_MS = 5_000;

interface Written {
  readonly version: number;
  readonly atMs: number;
}

/**
 * What a controller has written and its caches do not show yet, by the key that it works on. Who decides again before
 * they do decides by the state before the write: a second slice for the same endpoints, a status that is refused as a
 * Conflict. ResourceVersions of one kind compare as numbers (KEP-5504).
 */
export class OwnWrites {
  readonly #clock: Clock;
  readonly #written = new Map<string, Map<string, Written>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @param cached the same object as the cache shows it now: it may be faster than the server's answer */
  wrote(key: string, object: KubeObject, cached: KubeObject | undefined): void {
    const uid = object.metadata?.uid ?? '';
    const version = versionOf(object);
    if (cached?.metadata?.uid === uid && versionOf(cached) >= version) return;
    const objects = this.#written.get(key) ?? new Map<string, Written>();
    this.#written.set(key, objects.set(uid, { version, atMs: this.#clock.monotonicMs() }));
  }

  /** A change that the cache tells of; to be called before the key is queued for it. */
  saw(key: string, before: KubeObject | undefined, now: KubeObject | undefined): void {
    const uid = (now ?? before)?.metadata?.uid ?? '';
    const objects = this.#written.get(key);
    const written = objects?.get(uid);
    if (written === undefined || (now !== undefined && versionOf(now) < written.version)) return;
    objects?.delete(uid);
    if (objects?.size === 0) this.#written.delete(key);
  }

  /** In how long to look again, because the caches lack what was written under this key; undefined when they show it. */
  waitMs(key: string): number | undefined {
    const newestMs = Math.max(...[...(this.#written.get(key)?.values() ?? [])].map(({ atMs }) => atMs));
    const leftMs = newestMs + TIMEOUT_MS - this.#clock.monotonicMs();
    if (leftMs > 0) return leftMs;
    this.#written.delete(key);
    return undefined;
  }
}

function versionOf(object: KubeObject): number {
  return Number(object.metadata?.resourceVersion ?? 0);
}
