import type { Log } from '../host/log.ts';
import { runBrowser } from '../host/mdns.ts';
import { readKnownServers, writeKnownServers } from './discovery.ts';

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

/**
 * The API servers that a board's agent keeps in hand: heard of by multicast DNS, remembered on disk, so that a board finds
 * its cluster again after addresses have changed. Who is not the cluster's fails the client's TLS.
 */
export class ApiServers {
  readonly #options: ApiServersOptions;
  #known: readonly Server[] = [];

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
    const { caHash, ownAddress, log, path } = this.#options;
    await runBrowser(
      ({ name, address, port, txt }) => {
        if (txt['ca'] !== caHash || address === ownAddress) return;
        if (this.#known.some((one) => one.address === address && one.port === port)) return;
        log.info('heard of an API server', { board: name, address });
        this.#known = [{ address, port }, ...this.#known].slice(0, SERVERS_MAX);
        writeKnownServers(path, this.#known).catch((error: unknown) =>
          log.warn('could not note an API server', { error }),
        );
      },
      { address: ownAddress, onError: (error) => log.warn('multicast DNS failed', { error }) },
      signal,
    );
  }
}
