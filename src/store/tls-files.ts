import { readFileSync } from 'node:fs';
import type { ClientTls } from '../host/grpc/grpc-connection.ts';
import type { ServerTls } from '../host/grpc/grpc-server.ts';
import type { Log } from '../host/log.ts';

/** Where key and certificate lie, and the authority that the other side's must be of; PEM. */
export interface TlsPaths {
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
}

interface Content {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** How often the files are looked at for renewal. */
const LOOK_MS = 10_000;

/** Keys and certificates as they are on disk now: renewed files are used without a restart. */
export class TlsFiles {
  readonly #paths: TlsPaths;
  readonly #log: Log;
  #content: Content;
  readonly #listeners: ((tls: ServerTls) => void)[] = [];

  /** @throws when a file cannot be read */
  constructor(paths: TlsPaths, log: Log) {
    this.#paths = paths;
    this.#log = log;
    this.#content = read(paths);
  }

  server(): ServerTls {
    const { cert, key, ca } = this.#content;
    return { cert, key, clientCa: ca };
  }

  client(): ClientTls {
    return this.#content;
  }

  /** Calls back with what was renewed. */
  onRenewed(listener: (tls: ServerTls) => void): void {
    this.#listeners.push(listener);
  }

  /** Looks at the files until `signal` is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    const timer = setInterval(() => this.look(), LOOK_MS);
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true });
      if (signal.aborted) resolve();
    });
    clearInterval(timer);
  }

  /** Looks once. Files that do not fit together yet are tried again with the next look. */
  look(): void {
    try {
      const content = read(this.#paths);
      const old = this.#content;
      if (content.cert === old.cert && content.key === old.key && content.ca === old.ca) return;
      const tls = { cert: content.cert, key: content.key, clientCa: content.ca };
      for (const listener of this.#listeners) listener(tls);
      this.#content = content;
      this.#log.info('certificate renewed', { file: this.#paths.certFile });
    } catch (error) {
      this.#log.warn('certificate not renewed', { file: this.#paths.certFile, reason: String(error) });
    }
  }
}

function read({ certFile, keyFile, caFile }: TlsPaths): Content {
  return {
    cert: readFileSync(certFile, 'utf8'),
    key: readFileSync(keyFile, 'utf8'),
    ca: readFileSync(caFile, 'utf8'),
  };
}
