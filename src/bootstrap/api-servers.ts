import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../host/log.ts';
import { runBrowser } from '../host/mdns.ts';
import { proveServer, readKnownServers, writeKnownServers } from './discovery.ts';

interface Server {
  readonly address: string;
  readonly port: number;
}

interface ApiServersOptions {
  /** Where the list is kept over a restart. */
  readonly path: string;
  /** Authority of the cluster: others' announcements are passed over. */
  readonly caHash: string;
  readonly ownAddress: string;
  /** Servers that are always in the list, first: a control board's own. */
  readonly first: readonly string[];
  readonly log: Log;
}

/** More are not kept: a cluster has up to five control boards, and each may have had a few addresses. */
const SERVERS_MAX = 16;
/** Announced and not proven yet; the first to be heard of go first. */
const HEARD_MAX = 64;
/** A board announces itself before it serves. */
const PROVE_AGAIN_MS = 5_000;
/** Several are heard of together. */
const GATHER_MS = 500;
/** Who knows the servers asks seldom for more. */
const ASK_MS_MAX = 60_000;

/**
 * The API servers that a board's agent keeps in hand: heard of by multicast DNS, remembered on disk, so that a board finds
 * its cluster again after addresses have changed. Anybody on the network may announce anything, so that a server is taken
 * into the list only once its certificate has proven it: what is announced can push none out.
 */
export class ApiServers {
  readonly #options: ApiServersOptions;
  #known: readonly Server[] = [];
  readonly #heard = new Map<string, Server>();
  /** Called when something new was heard of. */
  #onNew: () => void = () => undefined;

  constructor(options: ApiServersOptions) {
    this.#options = options;
  }

  /** Reads what is remembered. */
  async load(): Promise<void> {
    this.#known = await readKnownServers(this.#options.path);
  }

  /** `https://` addresses in the order to try them. */
  urls(): readonly string[] {
    return [
      ...new Set([...this.#options.first, ...this.#known.map(({ address, port }) => `https://${address}:${port}`)]),
    ];
  }

  /** Listens for announcements until aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const { caHash, ownAddress, log } = this.#options;
    const browsing = runBrowser(
      ({ address, port, txt }) => {
        if (txt['ca'] === caHash && address !== ownAddress) this.hear({ address, port });
      },
      {
        address: ownAddress,
        onError: (error) => log.warn('multicast DNS failed', { error }),
        pauseMsMax: ASK_MS_MAX,
      },
      signal,
    );
    while (!signal.aborted) {
      // What is new is not kept waiting by what does not answer.
      const isNew = new AbortController();
      this.#onNew = () => isNew.abort();
      await this.proveHeard();
      const wake = AbortSignal.any([signal, isNew.signal]);
      await sleep(this.#heard.size > 0 ? PROVE_AGAIN_MS : ASK_MS_MAX, undefined, { signal: wake }).catch(
        () => undefined,
      );
      await sleep(GATHER_MS, undefined, { signal }).catch(() => undefined);
    }
    await browsing;
  }

  /** Takes note of an announcement. */
  hear({ address, port }: Server): void {
    const key = `${address}:${port}`;
    if (this.#heard.has(key) || this.#isKnown({ address, port })) return;
    this.#heard.set(key, { address, port });
    const [oldest = ''] = this.#heard.keys();
    if (this.#heard.size > HEARD_MAX) this.#heard.delete(oldest);
    this.#onNew();
  }

  /** Asks all that were heard of to prove themselves, and keeps those that do. */
  async proveHeard(): Promise<void> {
    const { caHash, log, path } = this.#options;
    const before = this.#known;
    await Promise.all(
      [...this.#heard].map(async ([key, server]) => {
        const isProven = await proveServer(server.address, server.port, caHash).then(
          () => true,
          () => false,
        );
        if (!isProven || this.#isKnown(server)) return;
        this.#heard.delete(key);
        log.info('heard of an API server', { address: server.address, port: server.port });
        this.#known = [server, ...this.#known].slice(0, SERVERS_MAX);
      }),
    );
    if (this.#known === before) return;
    await writeKnownServers(path, this.#known).catch((error: unknown) =>
      log.warn('could not note an API server', { error }),
    );
  }

  #isKnown({ address, port }: Server): boolean {
    return this.#known.some((one) => one.address === address && one.port === port);
  }
}
