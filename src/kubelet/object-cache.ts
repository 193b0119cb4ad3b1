import type { ConfigMap, KubeObject, Secret } from '../api/objects.ts';
import { isReason, StatusError } from '../api/status.ts';
import type { ApiClient, Resource } from '../client/api-client.ts';
import { configMaps, secrets } from '../client/resources.ts';
import type { Clock } from '../host/clock.ts';

interface Entry {
  readonly atMs: number;
  readonly value: Promise<KubeObject>;
}

/** Long enough that the containers of one pod share a read, short enough that a change is seen at the next start. */
const FRESH_MS = 2000;
const ENTRIES_MAX = 500;

/** ConfigMaps and Secrets as pods ask for them: each is read once for all who want it at the same time. */
export class ObjectCache {
  readonly #client: ApiClient;
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(client: ApiClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  /** @throws StatusError NotFound, Forbidden, ... */
  async getConfigMap(namespace: string, name: string, signal: AbortSignal): Promise<ConfigMap> {
    return this.#get(configMaps, namespace, name, signal);
  }

  /** @throws StatusError NotFound, Forbidden, ... */
  async getSecret(namespace: string, name: string, signal: AbortSignal): Promise<Secret> {
    return this.#get(secrets, namespace, name, signal);
  }

  async #get<T extends KubeObject>(
    resource: Resource<T>,
    namespace: string,
    name: string,
    signal: AbortSignal,
  ): Promise<T> {
    signal.throwIfAborted();
    const key = `${resource.plural}/${namespace}/${name}`;
    const nowMs = this.#clock.monotonicMs();
    const found = this.#entries.get(key);
    if (found !== undefined && nowMs - found.atMs < FRESH_MS) return (await found.value) as T;
    const value = this.#client.get(resource, namespace, name);
    this.#entries.delete(key);
    this.#entries.set(key, { atMs: nowMs, value });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > ENTRIES_MAX && oldest !== undefined) this.#entries.delete(oldest);
    return value.catch((error: unknown) => {
      this.#entries.delete(key); // a failure is no answer for the next one
      // In the words of upstream's kubelet, which asks its cache: people search for them.
      if (!isReason(error, 'NotFound')) throw error;
      throw new StatusError('NotFound', `${resource.kind.toLowerCase()} "${name}" not found`, { cause: error });
    });
  }
}
