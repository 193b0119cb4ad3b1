import type { EtcdClient } from '../../store/client/etcd-client.ts';

/** Members that gave no answer are asked again after so long. */
const ASK_AGAIN_MS = 30_000;
const ASK_TIMEOUT_MS = 2000;

/**
 * Whether the progress notices of the store's members can be trusted: they can when those that answer are all of a version
 * that does it right, for a watch may move to any of them (kube-apiserver's feature check).
 */
export class ProgressSupport {
  readonly #client: Pick<EtcdClient, 'endpoints' | 'status'>;
  /** What each member that has answered can do. */
  readonly #known = new Map<string, boolean>();
  #asking: Promise<void> | undefined;
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(client: Pick<EtcdClient, 'endpoints' | 'status'>) {
    this.#client = client;
  }

  /** False as long as no member has answered. */
  async isSupported(signal: AbortSignal): Promise<boolean> {
    const unknown = this.#client.endpoints.filter((url) => !this.#known.has(url));
    const nowMs = performance.now();
    if (unknown.length > 0 && nowMs - this.#askedAtMs >= ASK_AGAIN_MS) {
      this.#askedAtMs = nowMs;
      this.#asking = this.#ask(unknown);
    }
    if (this.#known.size === 0) await this.#asking;
    signal.throwIfAborted();
    // Nobody at all: the next one who wants to know asks anew.
    if (this.#known.size === 0) this.#askedAtMs = Number.NEGATIVE_INFINITY;
    return this.#known.size > 0 && [...this.#known.values()].every(Boolean);
  }

  /** Settles with the first answer; the others are taken in as they come. */
  async #ask(urls: readonly string[]): Promise<void> {
    const answers = urls.map(async (url) => {
      const { version } = await this.#client.status(url, { timeoutMs: ASK_TIMEOUT_MS });
      this.#known.set(url, isProgressVersion(version));
    });
    await Promise.any(answers).catch(() => undefined); // nobody answered
  }
}

/** Versions in which a progress notice never overtakes events (etcd #15220). */
export function isProgressVersion(version: string): boolean {
  const match = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version);
  if (match === null) return false;
  const [major = 0, minor = 0, patch = 0] = match.slice(1).map(Number);
  if (major !== 3) return major > 3;
  if (minor === 4) return patch >= 31;
  return minor > 5 || (minor === 5 && patch >= 13);
}
