import { randomInt, randomUUID } from 'node:crypto';
import { StatusError } from '../../api/status.ts';
import { rfc3339 } from '../../api/time.ts';
import { addressCount, formatIpv4, parseIpv4, parseIpv4Cidr } from '../../api/ipv4.ts';
import type { Storage } from '../storage/storage.ts';

const PREFIX = '/registry/ipaddresses/';
const RANDOM_ATTEMPTS = 32;
/** A holder younger than this may belong to a Service that is just being written. */
const LEAK_AGE_MS = 60_000;

/** The Service that holds an address. */
export interface Holder {
  readonly namespace: string;
  readonly name: string;
}

interface StoredAddress {
  readonly metadata?: { readonly creationTimestamp?: string };
  readonly spec?: { readonly parentRef?: { readonly namespace?: string; readonly name?: string } };
}

/**
 * Cluster IPs, each given to one Service: a key per address, created only where there is none, so that any number of
 * API servers allocate without meeting in one key. The keys are networking.k8s.io/v1 IPAddress objects, which
 * kube-apiserver 1.33 and later uses in the same way (KEP-1880).
 */
export class ClusterIpAllocator {
  readonly #storage: Storage;
  readonly #base: number;
  readonly #size: number;
  readonly #nowMs: () => number;
  readonly cidr: string;

  /** @throws Error when the text is no IPv4 CIDR with room for Services */
  constructor(storage: Storage, cidr: string, nowMs: () => number) {
    const range = parseIpv4Cidr(cidr);
    if (range === undefined || addressCount(range) < 8)
      throw new Error(`the service range must be an IPv4 CIDR of /29 or larger: got "${cidr}"`);
    this.#storage = storage;
    this.#base = range.base;
    this.#size = addressCount(range);
    this.#nowMs = nowMs;
    this.cidr = cidr;
  }

  /** Whether a Service may have the address: not the network's own, nor the broadcast address. */
  includes(address: string): boolean {
    const number = parseIpv4(address);
    if (number === undefined) return false;
    const offset = number - this.#base;
    return offset > 0 && offset < this.#size - 1;
  }

  /** Takes this address. `own`: the same Service had it already, so whoever asked must not give it back. */
  async take(address: string, holder: Holder, signal: AbortSignal): Promise<'new' | 'own' | 'taken'> {
    const write = { key: PREFIX + address, text: this.#text(address, holder), expectedRevision: 0 };
    const result = await this.#storage.put(write, signal);
    if (result.ok) return 'new';
    const held = result.current === null ? undefined : holderOf(result.current.text);
    return held?.namespace === holder.namespace && held.name === holder.name ? 'own' : 'taken';
  }

  async isFree(address: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#storage.get(PREFIX + address, signal)).item === null;
  }

  /** Takes any free address, those above the reserved lower part first (KEP-3070). */
  async takeAny(holder: Holder, signal: AbortSignal): Promise<string> {
    const reserved = Math.min(Math.max(16, Math.floor(this.#size / 16)), 256, Math.floor(this.#size / 2));
    for (let attempt = 0; attempt < RANDOM_ATTEMPTS; attempt += 1) {
      const address = formatIpv4(this.#base + randomInt(reserved, this.#size - 1));
      if (await this.#takeNew(address, holder, signal)) return address;
    }
    const { items } = await this.#storage.list(PREFIX, {}, signal);
    const taken = new Set(items.map(({ key }) => key.slice(PREFIX.length)));
    for (const [from, to] of [
      [reserved, this.#size - 1],
      [1, reserved],
    ] as const) {
      for (let offset = from; offset < to; offset += 1) {
        const address = formatIpv4(this.#base + offset);
        if (!taken.has(address) && (await this.#takeNew(address, holder, signal))) return address;
      }
    }
    throw new StatusError('InternalError', 'failed to allocate a serviceIP: range is full');
  }

  /** Gives the address back, if it is this Service that holds it. */
  async release(address: string, holder: Holder, signal: AbortSignal): Promise<void> {
    const { item } = await this.#storage.get(PREFIX + address, signal);
    if (item === null) return;
    const held = holderOf(item.text);
    if (held.namespace !== holder.namespace || held.name !== holder.name) return;
    await this.#storage.delete(item.key, item.revision, signal);
  }

  /** Frees addresses that no Service uses, and takes those that one uses without holding them. */
  async repair(used: ReadonlyMap<string, Holder>, signal: AbortSignal): Promise<{ freed: number; taken: number }> {
    const { items } = await this.#storage.list(PREFIX, {}, signal);
    let freed = 0;
    const held = new Set<string>();
    for (const { key, text, revision } of items) {
      const address = key.slice(PREFIX.length);
      held.add(address);
      const created = Date.parse((JSON.parse(text) as StoredAddress).metadata?.creationTimestamp ?? '');
      if (used.has(address) || this.#nowMs() - created < LEAK_AGE_MS) continue;
      await this.#storage.delete(key, revision, signal);
      freed += 1;
    }
    let taken = 0;
    for (const [address, holder] of used) {
      if (held.has(address) || !this.includes(address)) continue;
      if ((await this.take(address, holder, signal)) === 'new') taken += 1;
    }
    return { freed, taken };
  }

  async #takeNew(address: string, holder: Holder, signal: AbortSignal): Promise<boolean> {
    const write = { key: PREFIX + address, text: this.#text(address, holder), expectedRevision: 0 };
    return (await this.#storage.put(write, signal)).ok;
  }

  #text(address: string, { namespace, name }: Holder): string {
    return JSON.stringify({
      kind: 'IPAddress',
      apiVersion: 'networking.k8s.io/v1',
      metadata: {
        name: address,
        uid: randomUUID(),
        creationTimestamp: rfc3339(this.#nowMs()),
        labels: {
          'ipaddress.kubernetes.io/ip-family': 'IPv4',
          'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
        },
      },
      spec: { parentRef: { group: '', resource: 'services', namespace, name } },
    });
  }
}

function holderOf(text: string): Holder {
  const { namespace = '', name = '' } = (JSON.parse(text) as StoredAddress).spec?.parentRef ?? {};
  return { namespace, name };
}
