import type { Pod, TokenRequest } from '../../api/objects.ts';
import type { VolumeHost } from './volume-plugin.ts';

interface Entry {
  readonly token: string;
  readonly issuedMs: number;
  readonly expiresMs: number;
}

interface TokenSource {
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

const DAY_MS = 86_400_000;
const DEFAULT_SECONDS = 3600;
const TOKENS_MAX = 1000;

/** Tokens of pods, asked for when first needed and again in their last fifth, or when they are a day old (KEP-1205). */
export class ServiceAccountTokens {
  readonly #host: VolumeHost;
  readonly #entries = new Map<string, Entry>();

  constructor(host: VolumeHost) {
    this.#host = host;
  }

  /** A token that is good for a while; the one before where a new one cannot be had but the old still holds. */
  async get(pod: Pod, source: TokenSource, signal: AbortSignal): Promise<string> {
    const key = keyOf(pod, source);
    const nowMs = this.#host.clock.nowMs();
    const found = this.#entries.get(key);
    if (found !== undefined && !isDue(found, nowMs)) return found.token;
    try {
      const fresh = await this.#request(pod, source, nowMs, signal);
      if (this.#entries.size >= TOKENS_MAX) this.#dropExpired(nowMs);
      this.#entries.set(key, fresh);
      return fresh.token;
    } catch (error) {
      if (found !== undefined && nowMs < found.expiresMs) return found.token;
      throw error;
    }
  }

  /** Forgets what was given to a pod that is gone. */
  forget(podUid: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(`${podUid}/`)) this.#entries.delete(key);
  }

  async #request(
    pod: Pod,
    { audience, expirationSeconds }: TokenSource,
    nowMs: number,
    signal: AbortSignal,
  ): Promise<Entry> {
    const { namespace = '', name = '', uid = '' } = pod.metadata ?? {};
    const request = {
      apiVersion: 'authentication.k8s.io/v1',
      kind: 'TokenRequest',
      spec: {
        audiences: audience === undefined || audience === '' ? [] : [audience],
        expirationSeconds: expirationSeconds ?? DEFAULT_SECONDS,
        boundObjectRef: { apiVersion: 'v1', kind: 'Pod', name, uid },
      },
    } as TokenRequest;
    const account = pod.spec?.serviceAccountName ?? 'default';
    const { status } = await this.#host.createToken(namespace, account, request, signal);
    return { token: status?.token ?? '', issuedMs: nowMs, expiresMs: Date.parse(status?.expirationTimestamp ?? '') };
  }

  #dropExpired(nowMs: number): void {
    for (const [key, { expiresMs }] of this.#entries) if (nowMs >= expiresMs) this.#entries.delete(key);
  }
}

function keyOf(pod: Pod, { audience = '', expirationSeconds = DEFAULT_SECONDS }: TokenSource): string {
  return `${pod.metadata?.uid ?? ''}/${audience}/${expirationSeconds}`;
}

function isDue({ issuedMs, expiresMs }: Entry, nowMs: number): boolean {
  const life = expiresMs - issuedMs;
  return Number.isNaN(life) || nowMs > issuedMs + life * 0.8 || nowMs > issuedMs + DAY_MS;
}
