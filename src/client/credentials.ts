import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import type { Clock } from '../host/clock.ts';
import type { Log } from '../host/log.ts';

/** What a client shows an API server, and by what it knows one. All PEM. */
export interface ClientIdentity {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
  /** The name to find in the server's certificate, where it is not the address. */
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

/** Where the API servers are and how to read the client's identity, now and after each renewal. */
export interface ClientConfig {
  /** `https://host:port` of each, in the order to try. */
  readonly servers: readonly string[];
  readonly load: () => Promise<ClientIdentity>;
  /** A change of one of these calls for `load`. */
  readonly files: readonly string[];
  /** For what is in no file: `load` is called when this says something else than before. */
  readonly stamp?: () => string;
  /** The namespace that a person using this configuration means. */
  readonly namespace?: string;
}

export interface CredentialFiles {
  readonly servers: readonly string[];
  readonly caFile: string;
  readonly certFile?: string;
  readonly keyFile?: string;
  readonly tokenFile?: string;
  readonly serverName?: string;
}

/** A configuration from files of one thing each. */
export function configFromFiles(options: CredentialFiles): ClientConfig {
  const { servers, caFile, certFile, keyFile, tokenFile, serverName } = options;
  const read = async (path: string | undefined): Promise<string | undefined> =>
    path === undefined ? undefined : readFile(path, 'utf8');
  return {
    servers,
    files: [caFile, certFile, keyFile, tokenFile].filter((path) => path !== undefined),
    async load() {
      const [ca, cert, key, token] = await Promise.all([read(caFile), read(certFile), read(keyFile), read(tokenFile)]);
      return identity({ ca, cert, key, token: token?.trim(), serverName });
    },
  };
}

/** Without the members that are undefined. */
export function identity(fields: {
  readonly [K in keyof ClientIdentity]: ClientIdentity[K] | undefined;
}): ClientIdentity {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

/** How often the files are looked at while the client is in use. */
const CHECK_EVERY_MS = 10_000;

/** An identity kept up to date with its files. */
export class Credentials {
  readonly #config: ClientConfig;
  readonly #clock: Clock;
  readonly #log: Log;
  #identity: ClientIdentity | undefined;
  #stamp = '';
  #checkedMs = -Infinity;
  #generation = 0;

  constructor(config: ClientConfig, clock: Clock, log: Log) {
    this.#config = config;
    this.#clock = clock;
    this.#log = log;
  }

  /** Moves when a connection made with an earlier identity should be replaced. */
  get generation(): number {
    return this.#generation;
  }

  /** The identity as the files have it, at most CHECK_EVERY_MS ago. @throws Error when it was never readable */
  async current(): Promise<ClientIdentity> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#identity !== undefined && nowMs - this.#checkedMs < CHECK_EVERY_MS) return this.#identity;
    this.#checkedMs = nowMs;
    try {
      const { files, stamp: ownStamp } = this.#config;
      const stamp = `${await stampOf(files)} ${ownStamp?.() ?? ''}`;
      if (this.#identity !== undefined && stamp === this.#stamp) return this.#identity;
      const next = await this.#config.load();
      checkPair(next);
      if (!isSameTls(this.#identity, next)) this.#generation += 1;
      this.#identity = next;
      this.#stamp = stamp;
    } catch (error) {
      if (this.#identity === undefined) throw error;
      // Certificate and key are written one after the other: the next look finds both.
      this.#log.warn('cannot read renewed credentials, keeping the old ones', { files: this.#config.files, error });
    }
    return this.#identity;
  }

  /** Reads anew at the next use: the server did not accept what it was shown. */
  expire(): void {
    this.#checkedMs = -Infinity;
    this.#stamp = '';
  }
}

async function stampOf(files: readonly string[]): Promise<string> {
  const stats = await Promise.all(files.map(async (file) => stat(file)));
  return stats.map(({ mtimeMs, size, ino }) => `${mtimeMs} ${size} ${ino}`).join(',');
}

function isSameTls(a: ClientIdentity | undefined, b: ClientIdentity): boolean {
  return a !== undefined && a.ca === b.ca && a.cert === b.cert && a.key === b.key && a.serverName === b.serverName;
}

/** @throws Error when certificate and key do not belong together */
function checkPair({ cert, key }: ClientIdentity): void {
  if (cert === undefined || key === undefined) return;
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key)))
    throw new Error('the client certificate and its key do not belong together');
}
